#!/usr/bin/python3
"""Prints what there is, and every change as it happens."""

from gi.repository import Gio, GLib


def on_changed(_manager, _object, interface, changed, invalidated):
    for name, value in changed.unpack().items():
        print("changed", interface.get_object_path(), name, value, flush=True)
    for name in invalidated:  # not for everyone, or unset
        print("changed", interface.get_object_path(), name, flush=True)


manager = Gio.DBusObjectManagerClient.new_for_bus_sync(
    Gio.BusType.SYSTEM, Gio.DBusObjectManagerClientFlags.NONE, "org.dmclient.DMClient1",
    "/org/dmclient/DMClient1", None, None, None)
manager.connect("object-added", lambda _, o: print("added", o.get_object_path(), flush=True))
manager.connect("object-removed", lambda _, o: print("removed", o.get_object_path(), flush=True))
manager.connect("interface-proxy-properties-changed", on_changed)
for item in manager.get_objects():
    print(item.get_object_path(), flush=True)
GLib.MainLoop().run()
