# SPDX-License-Identifier: MIT
"""Calls on a message bus from within a test: a program that makes one costs as much as a session."""

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402


def connect(address):
    """A connection to the bus there."""
    flags = Gio.DBusConnectionFlags
    connection = Gio.DBusConnection.new_for_address_sync(
        address, flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION, None, None)
    connection.set_exit_on_close(False)
    return connection


def call(connection, name, path, interface, method, signature="", *values, timeout_s=60):
    """Calls with these values, of that signature; what was answered as a list, in the shape of
    shape(). GLib.Error: an error was."""
    arguments = GLib.Variant(f"({signature})", values)
    answer = connection.call_sync(name, path, interface, method, arguments, None,
                                  Gio.DBusCallFlags.NONE, timeout_s * 1000, None)
    return shape(answer)


def shape(variant):
    """A GVariant in busctl's JSON shape: {"type": signature, "data": …} for a variant in it."""
    kind = variant.get_type_string()
    if kind == "v":
        inner = variant.get_variant()
        return {"type": inner.get_type_string(), "data": shape(inner)}
    if kind.startswith("a{"):
        return {entry.get_child_value(0).get_string(): shape(entry.get_child_value(1))
                for entry in _children(variant)}
    if kind[0] in "a(":
        return [shape(child) for child in _children(variant)]
    return variant.unpack()


def _children(variant):
    return [variant.get_child_value(i) for i in range(variant.n_children())]
