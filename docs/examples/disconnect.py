#!/usr/bin/python3
"""disconnect.py PROVIDER: ends the enrolment with the provider, an object path. A program with
windows asks first, says what will be removed, and shows that it waits: polkit asks for a password."""

import sys

from gi.repository import Gio, GLib

NAME = "org.dmclient.DMClient1"


def show_error(error):
    """What to show for an error of a call: the message is written for people, but for its prefix."""
    name = Gio.DBusError.get_remote_error(error)
    if name == "org.freedesktop.DBus.Error.AccessDenied":
        print("an administrator has to do this")  # or the dialog was closed: no more to say
    else:
        print(error.message.removeprefix(f"GDBus.Error:{name}: "))


def on_done(connection, result):
    try:
        connection.call_finish(result)
        print("the device is being disconnected")  # its objects go a little later
        ended.append(0)
    except GLib.Error as error:
        show_error(error)
        ended.append(1)
    loop.quit()


ended = []
loop = GLib.MainLoop()
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
# Without the flag nobody is asked; with GLib's usual 25 seconds nobody types in time.
bus.call(NAME, "/org/dmclient/DMClient1", NAME + ".Manager", "Unenroll",
         GLib.Variant("(oa{sv})", (sys.argv[1], {})), None,
         Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION, GLib.MAXINT, None, on_done)
loop.run()
sys.exit(ended[0])
