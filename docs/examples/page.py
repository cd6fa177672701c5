#!/usr/bin/python3
"""page.py PROVIDER: the page that the organisation shows when the device is ready, of the provider,
an object path. Its texts are a server's: shown as text, and its link only where it is one."""

import sys

from gi.repository import Gio, GLib

NAME = "org.dmclient.DMClient1"


def link_host(href):
    """The host that a link leads to, to be shown beside it; None: it must not be followed."""
    try:
        uri = GLib.Uri.parse(href, GLib.UriFlags.NONE)
    except GLib.Error:
        return None
    if uri.get_scheme() != "https" or uri.get_userinfo() is not None:
        return None
    return uri.get_host() or None


def text(name):
    value = page.get_cached_property(name)
    return value.get_string() if value is not None else None


page = Gio.DBusProxy.new_for_bus_sync(
    Gio.BusType.SYSTEM, Gio.DBusProxyFlags.NONE, None, NAME,
    sys.argv[1] + "/CustomEnrollmentCompletePage", NAME + ".CustomEnrollmentCompletePage", None)
title, body, href = text("Title"), text("BodyText"), text("HyperlinkHref")
if title is None and body is None:
    sys.exit(print("there is no page"))
# In GTK: Gtk.Label.set_text(), never set_markup().
print(f"{title or ''}\n\n{body or ''}")
host = link_host(href) if href is not None else None
if host is not None:
    print(f"\n{text('HyperlinkText') or href} ({host})")
