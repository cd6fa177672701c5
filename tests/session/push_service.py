# SPDX-License-Identifier: MIT
"""A push service as docs/push.md has it, on a bus, in a thread of its own."""

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

import gdbus  # noqa: E402
from loop_thread import LoopThread  # noqa: E402

NAME = "org.example.Push"
PATH = "/org/dmclient/Push1"
INTERFACE = "org.dmclient.Push1"
XML = f"""<node><interface name="{INTERFACE}">
<method name="Register"><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="out"/><arg type="u" direction="out"/></method>
<method name="Revoke"><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="s" direction="in"/></method>
<method name="Retain"><arg type="a(ss)" direction="in"/></method>
</interface></node>"""


class PushService(LoopThread):
    """close() it. `calls` are (method, arguments); a method in `refuse` fails with that error's
    name; `status` is what Register says."""

    def __init__(self, bus_address, name=NAME, channel="https://push.example.test/{0}/{1}"):
        self.refuse = {}
        self.status = 0
        self.channel = channel
        self._address, self._name = bus_address, name
        super().__init__()

    def say(self, member, signature, *arguments, to=None):
        self._connection.emit_signal(to, PATH, INTERFACE, member,
                                     GLib.Variant(f"({signature})", arguments))
        self._connection.flush_sync(None)

    def wake(self, provider, pfn):
        self.say("Wake", "ss", provider, pfn)

    # .. in the thread

    def open_up(self):
        self._connection = gdbus.connect(self._address)
        self._connection.register_object(
            PATH, Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], self._on_call, None, None)
        if self._name:
            self._connection.call_sync(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                "RequestName", GLib.Variant("(su)", (self._name, 4)), None,
                Gio.DBusCallFlags.NONE, -1, None)

    def shut_down(self):
        self._connection.close_sync(None)

    def _on_call(self, _connection, _sender, _path, _interface, member, arguments, invocation):
        values = arguments.unpack()
        if member in self.refuse:
            invocation.return_dbus_error(self.refuse[member], f"{member} is refused")
        elif member == "Register":
            channel = "" if self.status else self.channel.format(*values)
            invocation.return_value(GLib.Variant("(su)", (channel, self.status)))
        else:
            invocation.return_value(None)
        self.note(member, values)
