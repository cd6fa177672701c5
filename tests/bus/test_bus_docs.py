# SPDX-License-Identifier: MIT
"""docs/dbus.md is what the tables say, and agrees with what stands elsewhere."""

import os
import re
import subprocess
import xml.etree.ElementTree as xml

import contract
import harness
import pytest

DOCUMENT = harness.ROOT / "docs" / "dbus.md"
ACTIONS = harness.ROOT / "policy" / "org.dmclient.DMClient1.policy"
STATUSES = harness.ROOT / "common" / "status.def"
OURS = harness.BUS_NAME
DBUS_ERROR = "org.freedesktop.DBus.Error."


@pytest.fixture(scope="module")
def document():
    return DOCUMENT.read_text(encoding="utf-8")


def rows(text):
    """The cells of each line of a table."""
    return [[cell.strip(" `") for cell in line.strip("|").split(" | ")]
            for line in text.splitlines() if line.startswith("| ")]


def test_the_committed_copy_is_current():
    """DM_UPDATE_GOLDEN=1 writes it."""
    text = subprocess.run([contract.SCHEMA, "--markdown", f"{DOCUMENT}.in"], capture_output=True,
                          check=True, encoding="utf-8").stdout
    if os.environ.get("DM_UPDATE_GOLDEN"):
        DOCUMENT.write_text(text, encoding="utf-8")
    assert text == DOCUMENT.read_text(encoding="utf-8")


def test_it_has_the_whole_contract(document):
    """Each interface a section, each property a line with its type, each method and signal one."""
    sections = dict(re.findall(r"^### `([\w.]+)`\n(.*?)(?=^###? |\Z)", document, re.M | re.S))
    interfaces = {i.get("name"): i for i in xml.fromstring(contract.generated()).iter("interface")}
    assert set(sections) == set(interfaces)
    for name, interface in interfaces.items():
        shown = {row[0]: row for row in rows(sections[name]) if len(row) == 6}
        for p in interface.findall("property"):
            row = shown.pop(p.get("name"))
            emits = contract.annotations(p)[contract.EMITS]
            assert row[1] == p.get("type")
            assert row[3] == {"true": "value", "invalidates": "name", "const": "never"}[emits]
            assert row[2] in ("public", "identity", "details", "root") and row[5].endswith((".", ")"))
        assert list(shown) == ["Property"] * bool(interface.findall("property"))
        for member in interface.findall("method") + interface.findall("signal"):
            head, = re.findall(rf"^#### (?:Signal )?`{member.get('name')}\((.*)\)?(.*)`$",
                               sections[name], re.M)
            for arg in member.findall("arg"):
                assert f"{arg.get('type')} {arg.get('name')}" in "".join(head)


def test_every_error_that_a_method_gives_is_explained(document):
    interfaces, errors = document.split("\n## Errors\n")
    explained = {row[0] for row in rows(errors)}
    given = set(re.findall(rf"^\| `((?:{DBUS_ERROR}|{OURS}\.Error\.)\w+)`", interfaces, re.M))
    assert given and given <= explained
    failures = {name for code, name in
                re.findall(r'^DM_STATUS\((\d+), \w+, "(\w+)"', STATUSES.read_text(), re.M)
                if int(code) >= 400}
    assert {e for e in explained if e.startswith(OURS)} == {f"{OURS}.Error.{n}" for n in failures}


def test_the_actions_are_those_of_polkit(document):
    """Those that the service asks about, with the defaults of the actions file."""
    if not ACTIONS.exists():
        pytest.skip("there is no actions file")
    documented = {row[0]: tuple(row[2:]) for row in rows(document)
                  if len(row) == 5 and row[0].startswith(OURS)}
    places = ("allow_active", "allow_inactive", "allow_any")
    defined = {action.get("id"): tuple(action.findtext(f"defaults/{place}") for place in places)
               for action in xml.parse(ACTIONS).iter("action")}
    assert documented == defined


def test_links_lead_somewhere(document):
    heads = {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-")
             for head in re.findall(r"^##+ (.+)$", document, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", document):
        if target.startswith("#"):
            assert target[1:] in heads, target
        else:
            assert (DOCUMENT.parent / target).exists(), target


def test_nothing_is_left_of_the_template(document):
    assert not re.findall(r"^@", document, re.M)
