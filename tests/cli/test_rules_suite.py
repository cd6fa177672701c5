# SPDX-License-Identifier: MIT
"""The rule suite (tests/data/rules) through `dmclientctl apply`, against the real service."""

import re
import resource
import xml.etree.ElementTree

import pytest

import harness
from cli_helpers import ROOT_URI

SUITE = harness.ROOT / "tests" / "data" / "rules"
FILES = sorted(path for path in SUITE.glob("*.xml") if path.name.count(".") == 1)
# Every rule of sections 1 to 3 of the rules.
RULES = ([f"A{n}" for n in range(1, 5)] + [f"V{n}" for n in range(1, 12)] +
         [f"M{n}" for n in range(1, 5)])
# A write past a limit of nothing must fail, not end the agent.
WITHOUT_SIGXFSZ = ("/bin/sh", "-c", 'trap "" XFSZ; exec "$@"', "sh")


def read_head(path):
    """The comment that a message begins with, as a dictionary."""
    comment = re.match(r"<!--\n(.*?)-->", path.read_text(encoding="utf-8"), re.DOTALL)
    return dict(line.strip().split(": ", 1) for line in comment[1].strip().split("\n"))


def to_tree(element):
    """An element without what another implementation may choose: namespaces' prefixes, CmdIDs, the
    white space between elements. Data that is missing is not Data that is empty."""
    name = element.tag.rpartition("}")[2]
    children = [to_tree(child) for child in element if child.tag.rpartition("}")[2] != "CmdID"]
    return (name, children) if children else (name, element.text or "")


def parse(text):
    return to_tree(xml.etree.ElementTree.fromstring(text))


def set_up(env, path, head):
    """The providers and settings that the message meets."""
    for name in head.get("providers", "").split():
        env.ctl("add", f"{ROOT_URI}/Provider/{name}", expect=0)
    if "setup" in head:
        user = ["--user", head["user"]] if "user" in head else []
        env.ctl("apply", *user, path.with_name(head["setup"]), expect=0)
    if "disk" in head:
        resource.prlimit(env.agent.pid, resource.RLIMIT_FSIZE, (0, 0))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_rule(env, bus, path):
    head = read_head(path)
    env.start_agent(prefix=WITHOUT_SIGXFSZ)
    set_up(env, path, head)
    options = [] if head["session"] == "local root" else ["--server", head["session"]]
    if "user" in head:
        options += ["--user", head["user"]]
    answer = env.ctl("apply", *options, path)
    assert answer.returncode in (0, 1), answer.stderr
    expected = path.with_suffix(".expected.xml").read_text(encoding="utf-8")
    assert parse(answer.stdout) == parse(expected), answer.stdout


def test_every_file_is_used():
    """Each message has its answer, each set-up its message."""
    heads = {path: read_head(path) for path in FILES}
    used = {path.name for path in FILES} | {path.with_suffix(".expected.xml").name for path in FILES}
    used |= {head["setup"] for head in heads.values() if "setup" in head} | {"README.md"}
    assert {path.name for path in SUITE.iterdir()} == used
    for path, head in heads.items():
        assert path.name.split("-")[1] == head["rule"]


def test_sections_1_to_3_are_covered():
    assert set(RULES) <= {read_head(path)["rule"] for path in FILES}
