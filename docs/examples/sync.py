#!/usr/bin/python3
"""sync.py PROVIDER: has a session run with the server of the provider, an object path, and waits
for its end."""

import sys

from gi.repository import Gio, GLib

NAME = "org.dmclient.DMClient1"

bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
options = {"wait": GLib.Variant("b", True)}
try:
    reply = bus.call_sync(
        NAME, "/org/dmclient/DMClient1", NAME + ".Manager", "Sync",
        GLib.Variant("(oa{sv})", (sys.argv[1], options)), GLib.VariantType("(s)"),
        Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION, GLib.MAXINT)
except GLib.Error as error:
    name = Gio.DBusError.get_remote_error(error)
    sys.exit(error.message.removeprefix(f"GDBus.Error:{name}: "))
print("session", reply.unpack()[0], "has ended")
