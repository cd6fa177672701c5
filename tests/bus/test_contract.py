# SPDX-License-Identifier: MIT
"""What others may rely on (design section 5): the interfaces only grow, and the service has them."""

import json
import os
import pathlib
import shutil
import subprocess
import xml.etree.ElementTree as xml

import bus_tree
import contract
import harness
import pytest
from bus_clients import path_of

OURS = harness.BUS_NAME
DTD = pathlib.Path("/usr/share/xml/dbus-1/introspect.dtd")


def test_the_committed_contract_is_kept():
    """Growing passes. DM_UPDATE_GOLDEN=1 writes what has grown; nothing writes what has gone."""
    text = contract.generated()
    assert contract.broken(contract.facts_in(contract.COMMITTED.read_text(encoding="utf-8")),
                           contract.facts_in(text)) == []
    if os.environ.get("DM_UPDATE_GOLDEN"):
        contract.COMMITTED.write_text(text, encoding="utf-8")


# -- that the comparison can fail ---------------------------------------------------------------------


def drop(document, parent, path):
    parent = document.find(parent)
    parent.remove(parent.find(path))


def change(document, path, key, value):
    document.find(path).set(key, value)


MANAGER = f"interface[@name='{OURS}.Manager']"
SESSION = f"interface[@name='{OURS}.Session']"
PUSH = f"interface[@name='{OURS}.Push']"
SYNC = f"{MANAGER}/method[@name='Sync']"
HEALTH = f"{MANAGER}/property[@name='Health']"
STATUS = f"{PUSH}/property[@name='Status']"

BREAKING = {
    "interface removed": lambda d: drop(d, ".", PUSH),
    "interface renamed": lambda d: change(d, PUSH, "name", f"{OURS}.Pushed"),
    "property removed": lambda d: drop(d, PUSH, "property[@name='Status']"),
    "property renamed": lambda d: change(d, STATUS, "name", "State"),
    "type of a property": lambda d: change(d, STATUS, "type", "u"),
    "access of a property": lambda d: change(d, STATUS, "access", "readwrite"),
    "method removed": lambda d: drop(d, MANAGER, "method[@name='Sync']"),
    "argument removed": lambda d: drop(d, SYNC, "arg[@name='options']"),
    "answer removed": lambda d: drop(d, SYNC, "arg[@name='session']"),
    "argument added": lambda d: xml.SubElement(d.find(SYNC), "arg", name="x", type="s",
                                               direction="in"),
    "type of an argument": lambda d: change(d, f"{SYNC}/arg", "type", "s"),
    "direction of an argument": lambda d: change(d, f"{SYNC}/arg", "direction", "out"),
    "signal removed": lambda d: drop(d, SESSION, "signal[@name='Finished']"),
    "type of a signal": lambda d: change(d, f"{SESSION}/signal/arg", "type", "a{ss}"),
    "value no longer sent": lambda d: change(d, f"{HEALTH}/annotation[@name='{contract.EMITS}']",
                                             "value", "invalidates"),
    "change no longer told": lambda d: change(d, f"{STATUS}/annotation[@name='{contract.EMITS}']",
                                              "value", "false"),
    "change no longer told, by the interface": lambda d: (
        drop(d, HEALTH, f"annotation[@name='{contract.EMITS}']"),
        xml.SubElement(d.find(MANAGER), "annotation", name=contract.EMITS, value="false")),
    "constant no longer": lambda d: drop(d, f"{MANAGER}/property[@name='Version']",
                                         f"annotation[@name='{contract.EMITS}']"),
    "answered no longer": lambda d: xml.SubElement(d.find(SYNC), "annotation",
                                                   name=contract.NO_REPLY, value="true"),
}

GROWING = {
    "nothing": lambda d: None,
    "interface": lambda d: xml.SubElement(d, "interface", name=f"{OURS}.New"),
    "property": lambda d: xml.SubElement(d.find(PUSH), "property", name="New", type="s",
                                         access="read"),
    "method": lambda d: xml.SubElement(d.find(PUSH), "method", name="New"),
    "signal": lambda d: xml.SubElement(d.find(PUSH), "signal", name="New"),
    "better words": lambda d: change(d, f"{STATUS}/annotation[@name='{contract.DOC}']", "value", "x"),
    "no words": lambda d: drop(d, STATUS, f"annotation[@name='{contract.DOC}']"),
    "said less, meant the same": lambda d: drop(d, HEALTH,
                                                f"annotation[@name='{contract.EMITS}']"),
    "deprecated": lambda d: xml.SubElement(d.find(SYNC), "annotation",
                                           name="org.freedesktop.DBus.Deprecated", value="true"),
    "another order": lambda d: d.append(d[0]) or d.remove(d[0]),
}


def problems_after(edit):
    promised = contract.facts_in(contract.generated())
    document = xml.fromstring(contract.generated())
    edit(document)
    return contract.broken(promised, contract.facts_in(xml.tostring(document, encoding="unicode")))


@pytest.mark.parametrize("case", BREAKING)
def test_what_breaks_is_found(case):
    assert problems_after(BREAKING[case])


@pytest.mark.parametrize("case", GROWING)
def test_what_grows_passes(case):
    assert problems_after(GROWING[case]) == []


# -- the service ---------------------------------------------------------------------------------------


def live_interfaces(client, path=harness.BUS_ROOT):
    """(path, <interface> of ours) of all levels."""
    document = xml.fromstring(client.introspect(path))
    for interface in document.findall("interface"):
        if interface.get("name") == OURS or interface.get("name").startswith(OURS + "."):
            yield path, interface
    for node in document.findall("node"):
        yield from live_interfaces(client, f"{path}/{node.get('name')}")


def of_user(facts):
    """The facts as a user's tree has them (security.md section 2): no value goes to everybody."""
    return {key: "invalidates" if key.endswith(contract.EMITS) and value == "true" else value
            for key, value in facts.items()}


def test_the_service_has_what_the_contract_says(gdbus, tree):
    """At every level; users' trees have some of the properties (A1)."""
    uid = 4_000_000_000
    tree.add_provider("MS DM Server")
    tree.add_provider("X")
    tree.add_user(uid, "MS DM Server")
    facts = {i.get("name"): contract.facts_of(i)
             for i in xml.fromstring(contract.generated()).iter("interface")}
    seen, of_users = set(), set()
    for path, interface in live_interfaces(gdbus):
        name = interface.get("name")
        live = contract.facts_of(interface)
        if path.startswith(f"{harness.BUS_ROOT}/User/"):
            assert contract.broken(live, of_user(facts[name])) == [], path
            of_users.add((path, name))
        else:
            assert live == facts[name], path
            seen.add(name)
    assert seen == set(facts)
    user = path_of("MS DM Server", uid=uid)
    assert of_users == {(user, f"{OURS}.Provider"),
                        (user + "/FirstSyncStatus", f"{OURS}.FirstSyncStatus"),
                        (user + "/FirstSyncStatus", f"{OURS}.Progress")}


def test_users_trees_have_the_properties_of_the_table(gdbus, tree):
    """A1: those rows that are below both roots."""
    tree.add_provider()
    tree.add_user(1000)
    path = path_of("X", "FirstSyncStatus", uid=1000)
    shown = {p.get("name") for _, interface in live_interfaces(gdbus, path)
             if interface.get("name") == f"{OURS}.FirstSyncStatus"
             for p in interface.findall("property")}
    assert shown == {bus_tree.place(leaf)[1] for leaf, row in bus_tree.leaves()
                     if row["roots"] == "both" and bus_tree.place(leaf)[0] == "FirstSyncStatus"}


# -- the document --------------------------------------------------------------------------------------


def test_the_document_is_installed():
    out = subprocess.run(["meson", "introspect", "--installed", harness.BUILD],
                         capture_output=True, text=True, check=True).stdout
    installed, = [(built, where) for built, where in json.loads(out).items()
                  if where.endswith("/dbus-1/interfaces/org.dmclient.DMClient1.xml")]
    with open(installed[0], encoding="utf-8") as stream:
        assert stream.read() == contract.generated()


def test_the_document_is_valid():
    """As the D-Bus specification's own definition has it."""
    if shutil.which("xmllint") is None or not DTD.exists():
        pytest.skip("xmllint or libdbus-1-dev is not installed")
    subprocess.run(["xmllint", "--noout", "--nonet", "--dtdvalid", DTD, "-"], check=True,
                   input=contract.generated(), encoding="utf-8")


def test_other_tools_take_the_document(tmp_path):
    """gdbus-codegen makes code of it that compiles."""
    for tool in ("gdbus-codegen", "cc"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    document = tmp_path / "interfaces.xml"
    document.write_text(contract.generated(), encoding="utf-8")
    subprocess.run(["gdbus-codegen", "--interface-prefix", "org.dmclient.", "--c-namespace", "Ex",
                    "--c-generate-object-manager", "--generate-c-code", tmp_path / "code",
                    document], check=True)
    flags = subprocess.run(["pkg-config", "--cflags", "gio-unix-2.0"], capture_output=True,
                           text=True, check=True).stdout.split()
    subprocess.run(["cc", "-fsyntax-only", "-Wall", "-Werror", *flags, tmp_path / "code.c"],
                   check=True)
    assert "help_phone_number" in (tmp_path / "code.h").read_text()


def test_usage():
    """One output a run; anything else is 64 and says what there is."""
    for words in ([], ["--xml", "--version"], ["--nothing"], ["--xml", "word"], ["--markdown"]):
        result = subprocess.run([contract.SCHEMA, *words], capture_output=True, text=True,
                                check=False)
        assert result.returncode == 64 and result.stdout == "" and "--help" in result.stderr
    out = subprocess.run([contract.SCHEMA, "--version"], capture_output=True, text=True, check=True)
    assert out.stdout.startswith("dmclient-bus-schema ")


def test_failures_are_1(tmp_path):
    """A template that is not there or asks for what is not there; output that cannot be written."""
    template = tmp_path / "template"
    for text, named in ((None, "template"), ("@nothing\n", "@nothing"),
                        ("@include nothing.c\n", "nothing.c")):
        if text is not None:
            template.write_text(text)
        result = subprocess.run([contract.SCHEMA, "--markdown", template], capture_output=True,
                                text=True, check=False)
        assert result.returncode == 1 and result.stdout == "" and named in result.stderr
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([contract.SCHEMA, "--xml"], stdout=full, stderr=subprocess.PIPE,
                                text=True, check=False)
    assert result.returncode == 1 and "could not be written" in result.stderr
