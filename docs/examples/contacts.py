#!/usr/bin/python3
"""Prints the help contacts of each provider that manages this device."""

import sys

from gi.repository import Gio

NAME = "org.dmclient.DMClient1"


def proxy(path, interface):
    return Gio.DBusProxy.new_for_bus_sync(
        Gio.BusType.SYSTEM, Gio.DBusProxyFlags.NONE, None, NAME, path, interface, None)


providers = proxy("/org/dmclient/DMClient1", NAME + ".Manager").get_cached_property("Providers")
if providers is None:
    sys.exit("the service is not running")
for path in providers.unpack():
    print(path)
    provider = proxy(path, NAME + ".Provider")
    for contact in ("HelpPhoneNumber", "HelpWebsite", "HelpEmailAddress"):
        value = provider.get_cached_property(contact)
        if value is not None:  # one that is not set is not there
            print(" ", value.get_string())
