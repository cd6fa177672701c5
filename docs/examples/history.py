#!/usr/bin/python3
"""history.py PROVIDER: shows the last five sessions of the provider, an object path."""

import datetime
import sys

from gi.repository import Gio, GLib

NAME = "org.dmclient.DMClient1"

bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
try:
    reply = bus.call_sync(
        NAME, sys.argv[1], NAME + ".Session", "GetHistory", GLib.Variant("(ua{sv})", (5, {})),
        GLib.VariantType("(aa{sv})"), Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION,
        GLib.MAXINT)
except GLib.Error as error:
    name = Gio.DBusError.get_remote_error(error)
    sys.exit(error.message.removeprefix(f"GDBus.Error:{name}: "))
for session in reply.unpack()[0]:  # what is not known of a session is not in it
    start = datetime.datetime.fromtimestamp(session.get("start", 0) // 1_000_000)
    print(start, *[session.get(key, "") for key in ("origin", "result", "reason")], sep="  ")
