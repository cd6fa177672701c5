# SPDX-License-Identifier: MIT
"""A service under the project's bus name that answers what a test tells it: texts that the real
one would refuse, refusals, and an empty device.

usage: stub_service.py FILE    GVariant text of (a{sv}, a{oa{sa{sv}}}): Manager, objects; or a line
                               "error NAME MESSAGE" to answer every call with
                               FILE.history, if it is there: what each GetHistory answers, aa{sv},
                               or such a line
Prints "ready" once the name is owned; ends with its standard input.
"""
import pathlib
import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

NAME = "org.dmclient.DMClient1"
ROOT = "/org/dmclient/DMClient1"


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    error = text.split(" ", 2)[1:] if text.startswith("error ") else None
    answer = None
    if error is None:
        answer = GLib.Variant.parse(GLib.VariantType("(a{sv}a{oa{sa{sv}}})"), text, None, None)

    history = pathlib.Path(path + ".history")

    def answer_history(message):
        told = history.read_text(encoding="utf-8")
        if told.startswith("error "):
            return message.new_method_error_literal(*told.split(" ", 2)[1:])
        reply = message.new_method_reply()
        sessions = GLib.Variant.parse(GLib.VariantType("aa{sv}"), told, None, None)
        count = message.get_body().unpack()[0]
        kept = [sessions.get_child_value(n) for n in range(min(count, sessions.n_children()))]
        reply.set_body(GLib.Variant.new_tuple(
            GLib.Variant.new_array(GLib.VariantType("a{sv}"), kept)))
        return reply

    def on_message(connection, message, incoming):
        if not incoming or message.get_message_type() != Gio.DBusMessageType.METHOD_CALL:
            return message
        if message.get_member() == "GetHistory":
            connection.send_message(answer_history(message), Gio.DBusSendMessageFlags.NONE)
            return None
        if message.get_path() != ROOT:
            return message
        if error is not None:
            reply = message.new_method_error_literal(*error)
        else:
            reply = message.new_method_reply()
            index = 1 if message.get_member() == "GetManagedObjects" else 0
            reply.set_body(GLib.Variant.new_tuple(answer.get_child_value(index)))
        connection.send_message(reply, Gio.DBusSendMessageFlags.NONE)
        return None

    loop = GLib.MainLoop()
    connection = Gio.bus_get_sync(Gio.BusType.SYSTEM)
    connection.add_filter(on_message)
    Gio.bus_own_name_on_connection(connection, NAME, Gio.BusNameOwnerFlags.NONE,
                                   lambda *_: print("ready", flush=True), lambda *_: loop.quit())
    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, 0, GLib.IOCondition.HUP | GLib.IOCondition.IN,
                          lambda *_: loop.quit())
    loop.run()


if __name__ == "__main__":
    main(sys.argv[1])
