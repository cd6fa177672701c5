# SPDX-License-Identifier: MIT
"""A push service as docs/push.md has it, on a bus, in a thread of its own."""

import threading

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

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


class PushService:
    """close() it. `calls` are (method, arguments); a method in `refuse` fails with that error's
    name; `status` is what Register says."""

    def __init__(self, bus_address, name=NAME):
        self.calls = []
        self.refuse = {}
        self.status = 0
        self.channel = "https://push.example.test/{0}/{1}"
        self._name = name
        self._changed = threading.Condition()
        self._context = GLib.MainContext()
        self._loop = GLib.MainLoop(self._context)
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(bus_address, ready), daemon=True)
        self._thread.start()
        ready.wait()

    def close(self):
        self._loop.quit()
        self._thread.join()

    def wait(self, condition, timeout_s=30):
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                raise TimeoutError(f"after {timeout_s} s: {self.calls}")

    def called(self, method):
        return [arguments for name, arguments in self.calls if name == method]

    def say(self, member, signature, *arguments, to=None):
        self._connection.emit_signal(to, PATH, INTERFACE, member,
                                     GLib.Variant(f"({signature})", arguments))
        self._connection.flush_sync(None)

    def wake(self, provider, pfn):
        self.say("Wake", "ss", provider, pfn)

    # .. in the thread

    def _run(self, address, ready):
        self._context.push_thread_default()
        self._connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self._connection.register_object(
            PATH, Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0], self._on_call, None, None)
        if self._name:
            self._connection.call_sync(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                "RequestName", GLib.Variant("(su)", (self._name, 4)), None,
                Gio.DBusCallFlags.NONE, -1, None)
        ready.set()
        self._loop.run()
        self._connection.close_sync(None)
        self._context.pop_thread_default()

    def _on_call(self, _connection, _sender, _path, _interface, member, arguments, invocation):
        values = arguments.unpack()
        if member in self.refuse:
            invocation.return_dbus_error(self.refuse[member], f"{member} is refused")
        elif member == "Register":
            channel = "" if self.status else self.channel.format(*values)
            invocation.return_value(GLib.Variant("(su)", (channel, self.status)))
        else:
            invocation.return_value(None)
        with self._changed:
            self.calls.append((member, values))
            self._changed.notify_all()
