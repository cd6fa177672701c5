# SPDX-License-Identifier: MIT
"""Every node of the table on the bus, read by three clients (design section 5)."""

import pytest

import bus_tree
import harness
from bus_clients import DBUS_ERROR, OUR_ERROR, BusError, path_of

LEAVES = list(bus_tree.leaves())


def test_the_table_is_complete():
    """70 rows: 58 leaves below a provider, two at the root, eight objects, two that are neither."""
    kinds = [row["dbus"] for row in bus_tree.ROWS.values()]
    assert len(kinds) == 70
    assert kinds.count("object") == 8 and kinds.count("-") == 2
    assert len(LEAVES) == 58


def test_every_leaf_that_is_set(client, tree):
    tree.add_provider()
    shown = tree.fill()
    for path, row in LEAVES:
        parent, name = bus_tree.place(path)
        value = client.get(path_of("X", *filter(None, [parent])), bus_tree.interface_of(parent), name)
        assert value["type"] == row["dbus"], path
        if path in shown:
            assert value["data"] == shown[path], path


def test_every_leaf_in_get_all_and_managed_objects(client, tree):
    tree.add_provider()
    shown = tree.fill()
    managed = client.managed()
    assert set(managed) == {path_of("X", *filter(None, [parent])) for parent in bus_tree.OBJECTS}
    for parent in bus_tree.OBJECTS:
        path = path_of("X", *filter(None, [parent]))
        interface = bus_tree.interface_of(parent)
        properties = client.get_all(path, interface)
        names = {bus_tree.place(leaf)[1] for leaf, _ in LEAVES if bus_tree.place(leaf)[0] == parent}
        assert set(properties) == names | ({"ProviderID"} if parent == "" else set())
        assert managed[path][interface] == properties
        for leaf, value in shown.items():
            if bus_tree.place(leaf)[0] == parent:
                assert properties[bus_tree.place(leaf)[1]]["data"] == value


def test_every_leaf_that_is_unset(gdbus, tree):
    """V4: a default is shown; without one the property is left out, and Get says NotFound."""
    tree.add_provider()
    for path, row in LEAVES:
        if path in bus_tree.FIXED:
            continue
        parent, name = bus_tree.place(path)
        where = path_of("X", *filter(None, [parent])), bus_tree.interface_of(parent)
        default = bus_tree.default(row)
        if default is None:
            with pytest.raises(BusError) as error:
                gdbus.get(*where, name)
            assert str(error.value) == OUR_ERROR + "NotFound", path
            assert name not in gdbus.get_all(*where)
        else:
            assert gdbus.get(*where, name)["data"] == default, path


def test_no_other_name_is_a_property(gdbus, tree):
    tree.add_provider()
    for path, row in bus_tree.ROWS.items():
        if row["dbus"] not in ("object", "-"):
            continue
        for where in (harness.BUS_ROOT, path_of("X")):
            with pytest.raises(BusError) as error:
                gdbus.get(where, "", path.rpartition("/")[2])
            assert str(error.value) == DBUS_ERROR + "UnknownProperty"


def test_set_is_refused_on_every_leaf(gdbus, tree):
    from gi.repository import GLib

    tree.add_provider()
    for path, row in LEAVES:
        parent, name = bus_tree.place(path)
        value = {"s": GLib.Variant("s", "x"), "b": GLib.Variant("b", True),
                 "i": GLib.Variant("i", 1), "as": GLib.Variant("as", ["x"])}[row["dbus"]]
        with pytest.raises(BusError) as error:
            gdbus.call(path_of("X", *filter(None, [parent])), "org.freedesktop.DBus.Properties",
                       "Set", arguments=GLib.Variant("(ssv)", (bus_tree.interface_of(parent), name,
                                                               value)))
        assert str(error.value) == DBUS_ERROR + "AccessDenied", path


def test_the_root(client, tree):
    """L6: the text between semicolons; S6: an identifier that is not the machine-id."""
    tree.apply(("Add", bus_tree.URI + "/Provider/X", None),
               ("Replace", bus_tree.URI + "/Provider/X/ManagementServiceAddress", bus_tree.ADDRESSES),
               ("Replace", bus_tree.URI + "/UpdateManagementServiceAddress",
                "https://b.example.test/dm;https://a.example.test/dm"))
    root = client.get_all(harness.BUS_ROOT, harness.BUS_NAME)
    assert root["UpdateManagementServiceAddress"] == {
        "type": "as", "data": ["https://b.example.test/dm", "https://a.example.test/dm"]}
    assert len(root["HWDevID"]["data"]) == 64
    manager = client.get_all(harness.BUS_ROOT, harness.BUS_NAME + ".Manager")
    assert {name: value["data"] for name, value in manager.items() if name != "Version"} == {
        "Managed": True, "Health": "ok", "Providers": [path_of("X")]}
    assert manager["Version"]["data"].count(".") == 2
