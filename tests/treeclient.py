# SPDX-License-Identifier: MIT
"""A client of the tree socket that shares no code with ours: GDBus through gi."""

import socket

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

PATH = "/org/dmclient/Tree1"
INTERFACE = "org.dmclient.Tree1"
ERROR = "org.dmclient.DMClient1.Error."
TIMEOUT_MS = 30000

VERBS = {"Add": 1, "Get": 2, "Replace": 3, "Delete": 4, "Exec": 5, "Atomic": 6, "Sequence": 7}


def command(verb, uri="", data=None, span=0, form=""):
    """One entry of a batch as it goes over the wire."""
    return (VERBS[verb], span, uri, form, data is not None, data or "")


def apply_arguments(commands, session="", message=0, provider="", uid=-1):
    return GLib.Variant("(stsxa(yussbs))", (session, message, provider, uid, commands))


class TreeError(Exception):
    """An error that the server answered: its name and its sentence."""

    def __init__(self, error):
        self.name = Gio.dbus_error_get_remote_error(error)
        Gio.dbus_error_strip_remote_error(error)
        super().__init__(f"{self.name}: {error.message}")


class TreeClient:
    """A connection that has said Hello."""

    def __init__(self, path, version=1):
        self.connection = Gio.DBusConnection.new_for_address_sync(
            f"unix:path={path}", Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT, None, None)
        if version is not None:
            self.hello = self.call("Hello", GLib.Variant("(u)", (version,)))

    def call(self, member, arguments=None):
        """The answer's arguments as Python values."""
        try:
            return self.connection.call_sync(
                None, PATH, INTERFACE, member, arguments, None, Gio.DBusCallFlags.NONE,
                TIMEOUT_MS, None).unpack()
        except GLib.Error as error:
            if not Gio.dbus_error_is_remote_error(error):
                raise
            raise TreeError(error) from None

    def apply(self, *commands, **context):
        """The results of a message: (status, items) each."""
        return self.call("Apply", apply_arguments(list(commands), **context))[0]

    def status(self, *commands, **context):
        """The statuses alone."""
        return [status for status, _ in self.apply(*commands, **context)]

    def get(self, uri):
        """The Data of a leaf, the names of what is below a node; None if it is not there."""
        (status, items), = self.apply(command("Get", uri))
        if status == 404:
            return None
        assert status == 200, f"{uri}: {status}"
        return items[0][3]

    def close(self):
        if not self.connection.is_closed():
            self.connection.close_sync(None)


def frame(member, arguments, serial):
    """The bytes of a call."""
    message = Gio.DBusMessage.new_method_call(None, PATH, INTERFACE, member)
    message.set_body(arguments)
    message.set_serial(serial)
    return bytes(message.to_blob(Gio.DBusCapabilityFlags.NONE))


def handshake(uid):
    """What comes before the first message."""
    return b"\0AUTH EXTERNAL " + str(uid).encode().hex().encode() + b"\r\nBEGIN\r\n"


def send_and_hang_up(path, data):
    """Sends bytes, and waits until the server has hung up too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(TIMEOUT_MS / 1000)
        connection.connect(str(path))
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        try:
            while connection.recv(4096):
                pass
        except ConnectionResetError:
            pass
