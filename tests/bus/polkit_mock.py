# SPDX-License-Identifier: MIT
"""python3-dbusmock's polkitd on the private bus: it says yes to the actions that it is told."""

import subprocess

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

import harness  # noqa: E402

NAME = "org.freedesktop.PolicyKit1"
PATH = "/org/freedesktop/PolicyKit1/Authority"
AUTHORITY = NAME + ".Authority"
MOCK = "org.freedesktop.DBus.Mock"
ACTION = harness.BUS_NAME + "."


class MockPolkit:
    def __init__(self, env):
        self.connection = Gio.DBusConnection.new_for_address_sync(
            env.bus_address,
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.process = subprocess.Popen(
            ["/usr/bin/python3", "-m", "dbusmock", "--system", "--template", "polkitd"],
            env=env.environ(), stdout=subprocess.DEVNULL)
        env.wait_for_name(NAME)

    def _call(self, method, signature, *arguments):
        self.connection.call_sync(NAME, PATH, MOCK, method, GLib.Variant(signature, arguments), None,
                                  Gio.DBusCallFlags.NO_AUTO_START, 30000, None)

    def allow(self, *actions):
        """These actions are authorised from now on, and no others; polkit says so."""
        self._call("SetAllowed", "(as)", [ACTION + action for action in actions])
        self._call("EmitSignal", "(sssav)", AUTHORITY, "Changed", "", [])

    def hang(self, *actions):
        """These actions get no answer."""
        self._call("SimulateHangActions", "(as)", [ACTION + action for action in actions])

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.connection.close_sync(None)
