#!/usr/bin/python3
"""Keeps up with who manages this device and how far the first sync is, as a panel or a page of the
settings does: never blocks, and goes on when the service stops and starts."""

import sys

from gi.repository import Gio, GLib

NAME = "org.dmclient.DMClient1"


def text(interface, name):
    """The text of a property; None where it is unset, or not for this user to see."""
    value = interface.get_cached_property(name)
    return value.get_string() if value is not None else None


def show(manager, *_):
    if manager.get_name_owner() is None:
        print("the service is not running", flush=True)
    for item in manager.get_objects():
        provider, session = (item.get_interface(f"{NAME}.{i}") for i in ("Provider", "Session"))
        progress = manager.get_interface(item.get_object_path() + "/FirstSyncStatus",
                                         NAME + ".Progress")
        if provider is None or session is None:  # a user's part has no sessions
            continue
        phase = text(progress, "Phase") if progress is not None else "none"
        phone = text(provider, "HelpPhoneNumber") or "not known"
        print(f"{text(provider, 'ProviderID')}: session {text(session, 'State')}, "
              f"first sync {phase}, help desk {phone}", flush=True)


def on_ready(_source, result):
    try:
        manager = Gio.DBusObjectManagerClient.new_for_bus_finish(result)
    except GLib.Error as error:
        sys.exit(error.message)
    for signal in ("notify::name-owner", "object-added", "object-removed",
                   "interface-proxy-properties-changed"):
        manager.connect(signal, show)
    show(manager)
    managers.append(manager)  # it lives as long as somebody has it


managers = []
Gio.DBusObjectManagerClient.new_for_bus(
    Gio.BusType.SYSTEM, Gio.DBusObjectManagerClientFlags.NONE, NAME, "/org/dmclient/DMClient1",
    None, None, None, on_ready)
GLib.MainLoop().run()
