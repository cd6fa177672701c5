# SPDX-License-Identifier: MIT
"""The rule suite (tests/data/rules) through OSConfig's interface: each command of a message is one
desired object, each Get of a leaf a look at what is reported of it."""

import csv
import re
import xml.etree.ElementTree

import pytest

import harness
from osconfig import ERRNO, ROOT_URI, Host, camel_case
from treeclient import TreeClient, command

SUITE = harness.ROOT / "tests" / "data" / "rules"
FILES = sorted(path for path in SUITE.glob("*.xml") if path.name.count(".") == 1)
VERBS = ("Add", "Replace", "Delete", "Exec")

SERVER = "is about what a server may not do, and this host is local root"
BATCH = "is about several commands in one message, and an object is one"
USER = "is about a user's tree, and the model has the device's"
READS = "only asks for what the model does not report"
NOT_EXPRESSED = {
    "02": USER, "03": USER, "26": USER,
    "04": READS, "05": READS, "07": READS, "12": READS, "13": READS, "28": READS,
    "19": SERVER, "40": SERVER, "41": SERVER, "73": SERVER,
    "29": "is about verbs that the model does not have",
    "38": BATCH, "39": BATCH, "46": BATCH, "47": BATCH, "48": BATCH, "49": BATCH, "50": BATCH,
    "51": BATCH, "52": BATCH, "63": BATCH,
}
# (file, CmdID): what local root gets where a server is refused.
ROOT_MAY = {("23", "10"): 200}


def read_head(path):
    comment = re.match(r"<!--\n(.*?)-->", path.read_text(encoding="utf-8"), re.DOTALL)
    return dict(line.strip().split(": ", 1) for line in comment[1].strip().split("\n"))


def without_namespaces(path):
    root = xml.etree.ElementTree.parse(path).getroot()
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def text_of(element, path):
    """The text below `path`; None if it is not there."""
    found = element.find(path)
    return None if found is None else "".join(found.itertext())


def read_commands(path):
    """(CmdID, verb, LocURI, Format, Data) of each command."""
    for element in without_namespaces(path):
        if element.tag in (*VERBS, "Get"):
            yield (text_of(element, "CmdID"), element.tag, text_of(element, "Item/Target/LocURI"),
                   text_of(element, "Item/Meta/Format") or text_of(element, "Meta/Format"),
                   text_of(element, "Item/Data"))


def read_answers(path):
    """CmdRef: (status, Data of the Results)."""
    root = without_namespaces(path.with_suffix(".expected.xml"))
    answers = {text_of(status, "CmdRef"): [int(text_of(status, "Data")), None]
               for status in root.findall("Status")}
    for results in root.findall("Results"):
        answers[text_of(results, "CmdRef")][1] = text_of(results, "Item/Data") or ""
    return answers


def read_leaves():
    """Path below a provider: default ("" where there is none), from the tests' copy of the facts."""
    with open(harness.ROOT / "tests" / "data" / "nodes.csv", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["format"] in ("chr", "int", "bool")]
    return {row["path"].split("/", 2)[2]: row["default"] for row in rows
            if row["path"].startswith("Provider/{ProviderID}/")}


LEAVES = read_leaves()


def read_reported(session, uri):
    """What is reported of a leaf as the text that Get gives; None if nothing is."""
    provider, _, leaf = uri.partition("/Provider/")[2].partition("/")
    value = session.provider(provider)
    for name in leaf.split("/"):
        value = None if value is None else value.get(camel_case(name))
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def check_get(session, uri, status, data):
    """A Get of a leaf in the plain form; other forms name the same leaves."""
    match = re.fullmatch(r"\./(?:Device/)?Vendor/MSFT/DMClient/Provider/[A-Za-z]+/(.*)", uri)
    if match is None or match[1] not in LEAVES:
        return
    reported = read_reported(session, uri)
    if reported is not None:
        assert (status, data) == (200, reported), uri
    else:
        # What is not set reads as its default, and is not reported.
        default = LEAVES[match[1]]
        assert status == 404 or data in (default, default and default.lower(), ""), uri


@pytest.fixture(scope="module")
def host():
    with harness.Environment() as env:
        env.start_bus()
        env.start_agent()
        with Host(env) as made:
            made.tree = TreeClient(env.socket)
            made.session = made.open()
            yield made
            made.tree.close()


@pytest.fixture
def device(host):
    """A tree without providers."""
    yield host.tree
    for provider in host.session.get("providers"):
        uri = f"{ROOT_URI}/Provider/{provider['providerId'].replace('%', '%25').replace('/', '%2F')}"
        assert host.tree.status(command("Delete", uri)) == [200]


def run_all(session, path, answers=None):
    for cmd_id, verb, uri, form, data in read_commands(path):
        status, result = (answers or {}).get(cmd_id, (200, None))
        status = ROOT_MAY.get((path.name[:2], cmd_id), status)
        if verb == "Get":
            check_get(session, uri, status, result)
            continue
        more = {name: value for name, value in (("format", form), ("data", data)) if value is not None}
        command_id = f"{path.stem}-{cmd_id}"
        error = session.command(command_id, verb.lower(), uri, **more)
        last = session.get("lastCommand")
        assert (last["commandId"], last["status"]) == (command_id, status), last
        assert error == ERRNO[status]


@pytest.mark.parametrize("path", [path for path in FILES if path.name[:2] not in NOT_EXPRESSED],
                         ids=lambda path: path.stem)
def test_rule(host, device, path):
    head = read_head(path)
    assert "user" not in head and "disk" not in head
    for name in head.get("providers", "").split():
        assert device.status(command("Add", f"{ROOT_URI}/Provider/{name}")) == [200]
    if "setup" in head:
        run_all(host.session, path.with_name(head["setup"]))
    run_all(host.session, path, read_answers(path))


def test_most_rules_are_expressed():
    assert set(NOT_EXPRESSED) <= {path.name[:2] for path in FILES}
    assert len(FILES) - len(NOT_EXPRESSED) >= 50
