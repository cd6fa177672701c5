# SPDX-License-Identifier: MIT
"""The rule suite (tests/data/rules), as far as the ABI of OMA-DM clients can say it: each command
by a host that loads the modules, as local root, in one DM session."""

import re
import xml.etree.ElementTree

import pytest

import harness
from omadm_host import BASE, OmadmHost

SUITE = harness.ROOT / "tests" / "data" / "rules"
FILES = sorted(path for path in SUITE.glob("*.xml") if path.name.count(".") == 1)


def read_head(path):
    """The comment that a message begins with, as a dictionary."""
    comment = re.match(r"<!--\n(.*?)-->", path.read_text(encoding="utf-8"), re.DOTALL)
    return dict(line.strip().split(": ", 1) for line in comment[1].strip().split("\n"))


def find(element, *names):
    """The text of a descendant by the names on the way, or None; white space stays."""
    for name in names:
        element = next((c for c in element if c.tag.rpartition("}")[2] == name), None)
        if element is None:
            return None
    return element.text or ""


def read_commands(path):
    """(CmdID, verb, LocURI, format, data) of each item, in order."""
    commands = []
    for command in xml.etree.ElementTree.parse(path).getroot():
        for item in command.iter():
            if item.tag.rpartition("}")[2] == "Item":
                form = find(item, "Meta", "Format")
                form = find(command, "Meta", "Format") if form is None else form
                commands.append((find(command, "CmdID"), command.tag.rpartition("}")[2],
                                 find(item, "Target", "LocURI"), form, find(item, "Data")))
    return commands


def read_expected(path):
    """By CmdRef: the status, and the one result as (format, data) or None."""
    statuses, results = {}, {}
    for answer in xml.etree.ElementTree.parse(path.with_suffix(".expected.xml")).getroot():
        if answer.tag.rpartition("}")[2] == "Status":
            statuses[find(answer, "CmdRef")] = int(find(answer, "Data"))
        else:
            results[find(answer, "CmdRef")] = (find(answer, "Item", "Meta", "Format") or "chr",
                                               find(answer, "Item", "Data") or "")
    return {ref: (status, results.get(ref)) for ref, status in statuses.items()}


# What the ABI cannot say, and so cannot show: whole files, or single commands of one by their CmdID.
QUERY = "a host cuts queries off"
BASE_ONLY = "a host finds the file by the letters of its base"
ONE_BY_ONE = "a host has no Atomic or Sequence, and hands over one command at a time"
LOCAL_ROOT = "a host does not say whose session it is, so it is local root's"
NOT_SAID = {
    "04-A1-malformed": (BASE_ONLY, "1 3 4"),
    "05-A1-too-long-or-deep": (BASE_ONLY, "2"),
    "06-A2-names": (BASE_ONLY, "4"),
    "09-A3-white-space-around": (BASE_ONLY, None),
    "10-A3-list-struct": (QUERY, None),
    "11-A3-list-structdata": (QUERY, None),
    "12-A3-properties": (QUERY, None),
    "13-A3-other-queries": (QUERY, None),
    "15-V1-existing-is-418": ("a leaf that always reads as something is always there", "5"),
    "17-V1-nothing-is-made-by-a-bad-add": ("a host adds below what is there", None),
    "19-V1-provider-by-a-server": (LOCAL_ROOT, None),
    "22-V2-data-missing-or-empty": ("a host refuses a Replace without Data itself", "1"),
    "23-V3-delete": (LOCAL_ROOT, "10 11"),
    "29-V5-verbs": ("there are no other verbs", "4 5 6 7 8"),
    "38-V8-get-reads-uncorrected": (ONE_BY_ONE, None),
    "40-V9-other-providers": (LOCAL_ROOT, None),
    "41-V9-client-filled-by-a-server": (LOCAL_ROOT, None),
    "46-M2-good": (ONE_BY_ONE, None),
    "47-M2-bad": (ONE_BY_ONE, None),
    "48-M2-get-inside": (ONE_BY_ONE, None),
    "49-M2-atomic-inside": (ONE_BY_ONE, None),
    "50-M2-exec-is-validated-first": (ONE_BY_ONE, None),
    "51-M3-sequence": (ONE_BY_ONE, None),
    "52-M4-storage-fails": (ONE_BY_ONE + "; test_omadm.py has the disk that fails", None),
    "73-E1-not-the-sessions-own": (LOCAL_ROOT, None),
}
# Where a host that looks first answers an Add itself: these are said by one that does not look.
BLIND = {"20-V1-without-data", "70-F2-latch-and-frozen-lists"}


def add(host, uri, data, form):
    """Add as a server says it to such a host: what is missing below the provider first, and what is
    said to be there though its parent does not name it, by Replace."""
    parent, _, name = uri.rpartition("/")
    status = host.add(uri, data, form)
    if status == 404 and not parent.rpartition("/")[0].endswith("/Provider"):
        assert host.add(parent) == 200
        status = host.add(uri, data, form)
    if status == 418 and name not in host.get(parent)[2].split("/"):
        status = host.replace(uri, data, form)
    return status


def run(host, verb, uri, form, data):
    """Status, and of a Get the result."""
    if verb == "Get":
        status, got_form, got = host.get(uri)
        return status, (got_form, got) if status == 200 else None
    if verb == "Add":
        return add(host, uri, data, form), None
    if verb == "Replace":
        return host.replace(uri, data, form), None
    if verb == "Delete":
        return host.delete(uri), None
    return host.execute(uri, data), None


@pytest.fixture(scope="module")
def served():
    """An environment with the service, whose providers each test removes."""
    with harness.Environment() as env:
        env.start_bus()
        env.start_agent()
        yield env


def set_up(env, host, path, head):
    """The providers and settings that the message meets."""
    for name in head.get("providers", "").split():
        assert host.add(f"{BASE}/Provider/{name}") == 200
    if "setup" in head:
        user = ["--user", head["user"]] if "user" in head else []
        env.ctl("apply", *user, path.with_name(head["setup"]), expect=0)


def clean_up(host, head):
    """The device is without providers again, and so is its user."""
    for base in (BASE, "./User/Vendor/MSFT/DMClient") if "user" in head else (BASE,):
        for name in host.get(f"{base}/Provider")[2].split("/"):
            host.delete(f"{base}/Provider/{name}")


@pytest.mark.parametrize(
    "path", [path for path in FILES if NOT_SAID.get(path.stem, ("", ""))[1] is not None],
    ids=lambda path: path.stem)
def test_rule(served, path):
    head = read_head(path)
    expected = read_expected(path)
    unsaid = NOT_SAID.get(path.stem, ("", ""))[1].split()
    with OmadmHost(served, DMCLIENT_UID=head.get("user", "none")) as host:
        host.open()
        set_up(served, host, path, head)
        if path.stem in BLIND:
            host.blind()
        answers = [(ref, run(host, *command)) for ref, *command in read_commands(path)
                   if ref not in unsaid]
        clean_up(host, head)
    assert not [(ref, got, expected[ref]) for ref, got in answers if got != expected[ref]]


def test_what_is_not_said_is_there():
    """Nothing is left out that the suite has not, and most of it is said."""
    stems = {path.stem for path in FILES}
    assert set(NOT_SAID) | BLIND <= stems
    assert sum(commands is None for _, commands in NOT_SAID.values()) < len(stems) / 3
