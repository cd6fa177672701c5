# SPDX-License-Identifier: MIT
"""Calls that nobody should make: the service answers each, and goes on (security.md section 5)."""

import random

import bus_tree
import harness
from bus_clients import DBUS_ERROR, OBJECT_MANAGER, PROPERTIES, BusError, path_of
from gi.repository import Gio, GLib

ELEMENTS = ["Provider", "User", "X", "_58", "_", "__", "_2", "_2f", "_ff", "_c3", "4294967295", "0",
            "00", "FirstSyncStatus", "firstsyncstatus", "A" * 300, "_20" * 400]
WORDS = ["", "a", "a.b", "/", "Provider", "\u202e", "\U0010ffff", "%s%n", "x" * 100_000,
         harness.BUS_NAME, harness.BUS_NAME + ".Provider", "org.freedesktop.DBus.Properties"]


def ask(client, path, interface, method, arguments):
    """The error's name, or None."""
    try:
        client.call(path, interface, method, arguments=arguments)
    except BusError as error:
        return str(error)
    return None


def test_paths_that_nobody_has(tree, gdbus):
    tree.add_provider()
    dice = random.Random(1)
    for _ in range(500):
        below = "/".join(dice.choices(ELEMENTS, k=dice.randint(1, 8)))
        error = ask(gdbus, f"{harness.BUS_ROOT}/{below}", PROPERTIES, "GetAll",
                    GLib.Variant("(s)", ("",)))
        assert error in (None, DBUS_ERROR + "UnknownObject", DBUS_ERROR + "UnknownInterface"), below
    assert gdbus.get(path_of("X"), "", "ProviderID")["data"] == "X"


def test_arguments_of_all_sorts(tree, gdbus):
    tree.add_provider()
    dice = random.Random(2)
    names = {DBUS_ERROR + name for name in ("UnknownInterface", "UnknownProperty", "InvalidArgs",
                                            "AccessDenied", "UnknownMethod")}
    for _ in range(500):
        word, other = dice.choice(WORDS), dice.choice(WORDS)
        arguments = dice.choice([
            None, GLib.Variant("(s)", (word,)), GLib.Variant("(ss)", (word, other)),
            GLib.Variant("(ssv)", (word, other, GLib.Variant("s", word))), GLib.Variant("(i)", (1,)),
            GLib.Variant("(as)", ([word] * 100,)), GLib.Variant("(ssss)", (word,) * 4),
        ])
        method = dice.choice(["Get", "GetAll", "Set", "GetManagedObjects", "Introspect", "Nothing"])
        error = ask(gdbus, path_of("X"), dice.choice([PROPERTIES, OBJECT_MANAGER, "x.y"]), method,
                    arguments)
        assert error is None or error in names or error.startswith(harness.BUS_NAME + ".Error.")
    assert gdbus.get(path_of("X"), "", "ProviderID")["data"] == "X"


def test_calls_that_want_no_answer(env, tree, gdbus):
    """A flood of calls without a reply, from a caller who is not known yet, leaves nothing behind."""
    tree.add_provider()
    flood = env.connect()
    for _ in range(3000):
        message = Gio.DBusMessage.new_method_call(harness.BUS_NAME, path_of("X"), PROPERTIES, "GetAll")
        message.set_flags(Gio.DBusMessageFlags.NO_REPLY_EXPECTED)
        message.set_body(GLib.Variant("(s)", ("",)))
        flood.send_message(message, Gio.DBusSendMessageFlags.NONE)
    flood.close_sync(None)
    assert gdbus.get(path_of("X"), "", "RequireMessageSigning")["data"] is False
    assert len(gdbus.get_all(path_of("X"), bus_tree.interface_of(""))) > 3


def test_callers_who_leave_before_the_answer(env, tree, gdbus):
    """The bus cannot say any more who they were."""
    tree.add_provider()
    for _ in range(50):
        leaver = env.connect()
        message = Gio.DBusMessage.new_method_call(harness.BUS_NAME, path_of("X"), PROPERTIES, "GetAll")
        message.set_body(GLib.Variant("(s)", ("",)))
        leaver.send_message(message, Gio.DBusSendMessageFlags.NONE)
        leaver.close_sync(None)
    assert gdbus.get(path_of("X"), "", "RequireMessageSigning")["data"] is False


def test_forged_answers_of_the_bus(env, tree, gdbus):
    """An answer to a question that the service asked the bus, from somebody else, is no answer."""
    tree.add_provider()
    for serial in range(1, 200):
        forged = Gio.DBusMessage()
        forged.set_message_type(Gio.DBusMessageType.METHOD_RETURN)
        forged.set_destination(harness.BUS_NAME)
        forged.set_reply_serial(serial)
        forged.set_body(GLib.Variant("(u)", (0,)))
        gdbus.connection.send_message(forged, Gio.DBusSendMessageFlags.NONE)
    assert gdbus.get(path_of("X"), "", "RequireMessageSigning")["data"] is False
    assert env.agent.is_running()
