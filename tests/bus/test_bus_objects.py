# SPDX-License-Identifier: MIT
"""Objects, introspection, names and errors (design section 5), by three clients."""

import xml.etree.ElementTree as xml

import pytest

import bus_tree
import harness
from bus_clients import CLIENTS, DBUS_ERROR, PROPERTIES, BusError, path_of

STANDARD = {"org.freedesktop.DBus.Introspectable", "org.freedesktop.DBus.Peer"}


def levels(client, path):
    """All (path, document) at and below `path`, as a browser of the bus walks them."""
    document = xml.fromstring(client.introspect(path))
    yield path, document
    for node in document.findall("node"):
        yield from levels(client, f"{path.rstrip('/')}/{node.get('name')}")


def test_introspection_at_every_level(client, tree):
    tree.add_provider("MS DM Server")
    tree.add_provider("1-ß")
    tree.add_user(4_000_000_000, "MS DM Server")
    root = harness.BUS_ROOT
    seen = {}
    for path, document in levels(client, "/"):
        seen[path] = {i.get("name") for i in document.findall("interface")}
    objects = {path: names for path, names in seen.items() if names > STANDARD
               and path.startswith(root)}
    expected = {root} | {path_of("MS DM Server", "FirstSyncStatus", uid=4_000_000_000),
                         path_of("MS DM Server", uid=4_000_000_000)}
    for provider in ("MS DM Server", "1-ß"):
        expected |= {path_of(provider, *filter(None, [parent])) for parent in bus_tree.OBJECTS}
    assert set(objects) == expected
    for parent in bus_tree.OBJECTS:
        path = path_of("MS DM Server", *filter(None, [parent]))
        assert bus_tree.interface_of(parent) in objects[path]
        assert PROPERTIES in objects[path]
    for level in (root + "/Provider", root + "/User", root + "/User/4000000000",
                  root + "/User/4000000000/Provider"):
        assert seen[level] == STANDARD


def test_introspection_leads_to_all_that_is_managed(env, gdbus, tree):
    """Also for whoever looks with busctl, from the root of all paths on."""
    for provider in ("MS DM Server", "X"):
        tree.add_provider(provider)
    tree.add_user(1000, "MS DM Server")
    seen = {path for path, _ in levels(gdbus, "/")}
    managed = set(gdbus.managed())
    assert managed < seen
    # Nothing is announced that is neither managed nor on the way to what is.
    above = {path.rsplit("/", n)[0] or "/" for path in managed for n in range(1, path.count("/") + 1)}
    assert seen == managed | above
    assert set(env.run("busctl", f"--address={env.bus_address}", "tree", "--list", harness.BUS_NAME,
                        expect=0).stdout.split()) == seen


def test_introspection_says_what_get_all_says(gdbus, tree):
    """Every property that is announced can be read, with the type that is announced."""
    tree.add_provider()
    tree.fill()
    n_read = 0
    for path, document in levels(gdbus, harness.BUS_ROOT):
        for interface in document.findall("interface"):
            announced = {p.get("name"): p.get("type") for p in interface.findall("property")}
            if not announced:
                continue
            got = gdbus.get_all(path, interface.get("name"))
            got = {name: value["type"] for name, value in got.items()}
            # The one leaf that is unset; nothing else is announced and not there.
            unset = {"UpdateManagementServiceAddress": "as"} \
                if interface.get("name") == harness.BUS_NAME else {}
            assert got | unset == announced
            n_read += len(got)
    assert n_read == 59 + 1 + 4 + 10 + 4


def test_names_are_escaped(client, tree):
    """Bytes outside A-Z, a-z, 0-9 as _xx; the property has the name itself."""
    for provider, element in (("MS DM Server", "MS_20DM_20Server"), ("a_b", "a_5fb"),
                              ("é", "_c3_a9"), ("9.8-7", "9_2e8_2d7")):
        tree.apply(("Add", f"{bus_tree.URI}/Provider/{provider}", None))
        path = f"{harness.BUS_ROOT}/Provider/{element}"
        assert client.get(path, harness.BUS_NAME + ".Provider", "ProviderID")["data"] == provider


ERRORS = [
    (harness.BUS_ROOT + "/Provider/Y", PROPERTIES, "GetAll", ["x"], "UnknownObject"),
    (harness.BUS_ROOT + "/Nothing", PROPERTIES, "GetAll", ["x"], "UnknownObject"),
    (harness.BUS_ROOT + "/Provider/X/FirstSyncStatus/IsSyncDone", PROPERTIES, "GetAll", ["x"],
     "UnknownObject"),
    (harness.BUS_ROOT + "/Provider/_58", PROPERTIES, "GetAll", ["x"], "UnknownObject"),
    (harness.BUS_ROOT + "/Provider", PROPERTIES, "GetAll", ["x"], "UnknownInterface"),
    (harness.BUS_ROOT, PROPERTIES, "GetAll", ["x.y"], "UnknownInterface"),
    (harness.BUS_ROOT, PROPERTIES, "GetAll", ["\t/../\u2028"], "UnknownInterface"),
    (harness.BUS_ROOT, PROPERTIES, "GetAll", ["x" * 70000], "UnknownInterface"),
    (harness.BUS_ROOT, PROPERTIES, "Get", [harness.BUS_NAME, "x" * 70000], "UnknownProperty"),
    (harness.BUS_ROOT, PROPERTIES, "Get", [harness.BUS_NAME, "Unenroll"], "UnknownProperty"),
    (harness.BUS_ROOT, PROPERTIES, "Get", [harness.BUS_NAME], "InvalidArgs"),
    (harness.BUS_ROOT, PROPERTIES, "GetAll", [], "InvalidArgs"),
    (harness.BUS_ROOT, PROPERTIES, "Fetch", [], "UnknownMethod"),
    (harness.BUS_ROOT, "x.y", "Z", [], "UnknownInterface"),
    (harness.BUS_ROOT, harness.BUS_NAME, "Add", [], "UnknownMethod"),
    (harness.BUS_ROOT, harness.BUS_NAME + ".Manager", "Enroll", [], "UnknownMethod"),
]


@pytest.mark.parametrize("kind", ["libdbus", "GDBus"])
def test_errors_by_name(env, tree, kind):
    tree.add_provider()
    client = CLIENTS[kind](env)
    for path, interface, method, strings, expected in ERRORS:
        with pytest.raises(BusError) as error:
            client.call(path, interface, method, strings)
        assert str(error.value) == DBUS_ERROR + expected, (path, interface, method, strings)


def test_error_texts_name_what_was_wrong(env, tree):
    tree.add_provider()
    text = env.run("busctl", f"--address={env.bus_address}", "get-property", harness.BUS_NAME,
                   path_of("X"), harness.BUS_NAME + ".Provider", "HelpWebsite").stderr
    assert "not set" in text and "HelpWebsite" in text


def test_peer(client, tree):
    assert client.call(harness.BUS_ROOT, "org.freedesktop.DBus.Peer", "Ping") == []
    assert len(client.call(harness.BUS_ROOT, "org.freedesktop.DBus.Peer", "GetMachineId")[0]) == 32
