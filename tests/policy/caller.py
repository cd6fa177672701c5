# SPDX-License-Identifier: MIT
"""A connection to a bus, run as whoever: carries out lines of JSON from standard input, and answers
each with a line. Its one argument is the address.

    {"call": [DESTINATION, PATH, INTERFACE or null, MEMBER, ARGUMENTS as GVariant text]}
        -> {"value": […]} or {"error": NAME, "text": SENTENCE}
    {"send": [TYPE, DESTINATION or null, PATH, INTERFACE, MEMBER]}   "signal", "return" or "error"
        -> {"value": []} once the bus has dealt with it
    {"name": []}
        -> {"value": UNIQUE NAME}
    {"got": []}
        -> {"value": [[TYPE, SENDER, MEMBER]…]}: signals that came from others than the bus
"""

import json
import sys

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

DEADLINE_MS = 30000
BUS = "org.freedesktop.DBus"


class Caller:
    def __init__(self, address):
        self.got = []
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address,
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION,
            None, None)
        self.connection.set_exit_on_close(False)
        self.connection.signal_subscribe(
            None, None, None, None, None, Gio.DBusSignalFlags.NO_MATCH_RULE, self.on_signal)

    def on_signal(self, _connection, sender, _path, _interface, member, _arguments):
        if sender != BUS:
            self.got.append(["signal", sender, member])

    def call(self, destination, path, interface, member, arguments="()"):
        message = Gio.DBusMessage.new_method_call(destination, path, interface, member)
        message.set_body(GLib.Variant.parse(None, arguments))
        try:
            reply, _ = self.connection.send_message_with_reply_sync(
                message, Gio.DBusSendMessageFlags.NONE, DEADLINE_MS, None)
            reply.to_gerror()
        except GLib.Error as error:
            name = Gio.DBusError.get_remote_error(error) or "local"
            Gio.DBusError.strip_remote_error(error)
            return {"error": name, "text": error.message}
        body = reply.get_body()
        return {"value": list(body.unpack()) if body is not None else []}

    def send(self, kind, destination, path, interface, member):
        if kind == "signal":
            message = Gio.DBusMessage.new_signal(path, interface, member)
        else:
            message = Gio.DBusMessage()
            message.set_message_type(Gio.DBusMessageType.METHOD_RETURN if kind == "return"
                                     else Gio.DBusMessageType.ERROR)
            # A likely number: the first calls of a connection are Hello and RequestName.
            message.set_reply_serial(2)
            if kind == "error":
                message.set_error_name("org.example.Error")
        if destination is not None:
            message.set_destination(destination)
        self.connection.send_message(message, Gio.DBusSendMessageFlags.NONE)
        self.call(BUS, "/org/freedesktop/DBus", BUS, "GetId")
        return {"value": []}

    def take(self):
        """What came before the answer to a call now."""
        self.call(BUS, "/org/freedesktop/DBus", BUS, "GetId")
        context = GLib.MainContext.default()
        while context.iteration(False):
            pass
        taken, self.got = self.got, []
        return {"value": taken}


def main():
    caller = Caller(sys.argv[1])
    for line in sys.stdin:
        request = json.loads(line)
        if "call" in request:
            answer = caller.call(*request["call"])
        elif "send" in request:
            answer = caller.send(*request["send"])
        elif "name" in request:
            answer = {"value": caller.connection.get_unique_name()}
        else:
            answer = caller.take()
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
