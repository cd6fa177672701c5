#!/usr/bin/python3
"""first-sync.py PROVIDER: shows the first sync of the provider, an object path, until it is over."""

import sys

from gi.repository import Gio, GLib

NAME = "org.dmclient.DMClient1"


def show():
    """Shows where it is; whether it is over."""
    phase, categories = map(progress.get_cached_property, ("Phase", "Categories"))
    if phase is None or categories is None:
        sys.exit("there is no first sync")
    print(phase.get_string(), flush=True)
    for category, total, done, failed in categories.unpack():
        if total > 0:
            print(f"  {category}: {done} of {total}, {failed} failed", flush=True)
    return phase.get_string() in ("succeeded", "failed")


progress = Gio.DBusProxy.new_for_bus_sync(
    Gio.BusType.SYSTEM, Gio.DBusProxyFlags.NONE, None, NAME, sys.argv[1] + "/FirstSyncStatus",
    NAME + ".Progress", None)
loop = GLib.MainLoop()
progress.connect("g-properties-changed", lambda *_: show() and loop.quit())
if not show():
    loop.run()
