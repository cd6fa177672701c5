# SPDX-License-Identifier: MIT
"""security.md section 3: what reaches the desktop is cleaned; the server reads back what it wrote."""

import bus_tree
import harness
import pytest
from bus_clients import path_of
from fake_broker import FakeBroker
from treeclient import TreeClient

HOSTILE = "A & B <x>\u202e\u200b\u200f\u2066 \u0085\U000e0041\ufeff\tend"
CLEAN = "A & B <x>  end"
LINES = {"CustomEnrollmentCompletePage/BodyText", "FirstSyncStatus/CustomErrorText"}
TEXTS = [(path, row) for path, row in bus_tree.leaves()
         if row["dbus"] == "s" and row["format"] == "chr" and path not in bus_tree.FIXED
         and path not in bus_tree.SPECIAL and "certificate" not in row["allowed"]]


def test_every_text(env, tree, gdbus):
    tree.add_provider()
    socket = TreeClient(env.socket)
    gdbus.watch()
    for path, row in TEXTS:
        tree.set_leaf(path, HOSTILE)
        parent, name = bus_tree.place(path)
        object_path = path_of("X", *filter(None, [parent]))
        interface = bus_tree.interface_of(parent)
        assert gdbus.get(object_path, interface, name)["data"] == CLEAN, path
        assert gdbus.get_all(object_path, interface)[name]["data"] == CLEAN, path
        assert gdbus.managed()[object_path][interface][name]["data"] == CLEAN, path
        changed = [arguments for _, member, arguments in gdbus.take_signals()
                   if member == "PropertiesChanged" and arguments[0] == interface]
        if row["read"] == "public":
            assert changed[0][1][name]["data"] == CLEAN, path
        else:
            assert changed[0][2] == [name], path
        assert socket.get(f"{bus_tree.URI}/Provider/X/{path}") == HOSTILE, path
    socket.close()


@pytest.mark.parametrize("path", sorted(path for path, _ in TEXTS))
def test_line_feeds_are_kept_where_lines_are_shown(tree, gdbus, path):
    tree.add_provider()
    tree.set_leaf(path, "one\ntwo")
    parent, name = bus_tree.place(path)
    shown = gdbus.get(path_of("X", *filter(None, [parent])), "", name)["data"]
    assert shown == ("one\ntwo" if path in LINES else "one two")


def test_lists(tree, gdbus):
    tree.add_provider()
    tree.set_leaf("FirstSyncStatus/ExpectedPolicies", "./A\u202e/B\uf000./C\u200b")
    first_sync = path_of("X", "FirstSyncStatus")
    assert gdbus.get(first_sync, "", "ExpectedPolicies")["data"] == ["./A/B", "./C"]


def test_the_provider_s_own_name(tree, gdbus):
    name = "Con\u202etoso"
    tree.add_provider(name)
    assert gdbus.get(path_of(name), "", "ProviderID")["data"] == "Contoso"


def test_what_the_broker_reports(env, tree, gdbus):
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", "https://mdm.example.test/")
    broker = FakeBroker(env)
    gdbus.watch()
    broker.begin()
    broker.report(ended=False, state="idle", error="http", message=HOSTILE + "\x1b[31m\nred")
    finished, = [arguments[0] for _, member, arguments in gdbus.take_signals() if member == "Finished"]
    message = gdbus.get(path_of("X"), harness.BUS_NAME + ".Session", "LastErrorMessage")["data"]
    for text in (finished["reason"]["data"], message):
        assert text.isprintable() and text.startswith("A & B <x>") and text.endswith("[31m red")
    broker.close()
