# SPDX-License-Identifier: MIT
"""Three clients of the bus that share no code: libdbus, GDBus and busctl (sd-bus). Each reads the
same calls into the same shape: {"type": signature, "data": …} for a variant, as busctl prints it."""

import json
import re
import subprocess

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

import harness  # noqa: E402
from gdbus import shape  # noqa: E402

PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
PEER = "org.freedesktop.DBus.Peer"

DBUS_ERROR = "org.freedesktop.DBus.Error."
OUR_ERROR = harness.BUS_NAME + ".Error."

LIBDBUS_CLIENT = harness.BUILD / "tests" / "bus" / "bus-client"

DEADLINE = 30  # seconds


class BusError(Exception):
    """An error reply: its name."""


class Client:
    """What the three have in common; `call` is each one's own, with strings as arguments."""

    name = None

    def __init__(self, env):
        self.env = env

    def call(self, path, interface, method, *strings):
        raise NotImplementedError

    def get(self, path, interface, name):
        return self.call(path, interface=PROPERTIES, method="Get", strings=(interface, name))[0]

    def get_all(self, path, interface):
        return self.call(path, interface=PROPERTIES, method="GetAll", strings=(interface,))[0]

    def managed(self):
        return self.call(harness.BUS_ROOT, OBJECT_MANAGER, "GetManagedObjects")[0]

    def introspect(self, path):
        return self.call(path, INTROSPECTABLE, "Introspect")[0]


class LibdbusClient(Client):
    name = "libdbus"
    program = LIBDBUS_CLIENT
    uid = None

    def call(self, path, interface, method, strings=()):
        result = subprocess.run(
            [self.program, "call", path, interface, method, *strings],
            env=self.env.environ(), capture_output=True, text=True, timeout=DEADLINE, check=False,
            user=self.uid,
        )
        harness.check_sanitizers("bus-client", result.stderr)
        if result.returncode != 0:
            raise BusError(result.stderr.strip())
        return json.loads(result.stdout)["data"]


class BusctlClient(Client):
    name = "busctl"


    def call(self, path, interface, method, strings=()):
        signature = ["s" * len(strings)] if strings else []
        result = self.env.run(
            "busctl", f"--address={self.env.bus_address}", "--json=short", "call",
            harness.BUS_NAME, path, interface, method, *signature, *strings,
        )
        if result.returncode != 0:
            raise BusError(result.stderr.strip())
        return json.loads(result.stdout)["data"] if result.stdout.strip() else []


class GdbusClient(Client):
    """Keeps its connection, and with it the signals that came: (path, member, arguments)."""

    name = "GDBus"

    def __init__(self, env):
        super().__init__(env)
        self.signals = []
        self.connection = env.connect()

    def call(self, path, interface, method, strings=(), arguments=None):
        if arguments is None and strings:
            arguments = GLib.Variant(f"({'s' * len(strings)})", strings)
        try:
            reply = self.connection.call_sync(
                harness.BUS_NAME, path, interface, method, arguments, None,
                Gio.DBusCallFlags.NO_AUTO_START, DEADLINE * 1000, None,
            )
        except GLib.Error as error:
            raise BusError(Gio.DBusError.get_remote_error(error) or error.message) from None
        return shape(reply)

    def watch(self):
        """From now on signals are kept."""
        def on_signal(_connection, _sender, path, _interface, member, arguments):
            self.signals.append(
                (path, member, shape(arguments))
            )

        self.connection.signal_subscribe(
            harness.BUS_NAME, None, None, None, None, Gio.DBusSignalFlags.NONE, on_signal
        )
        # The match is there once the bus has answered something after it.
        self.call(harness.BUS_ROOT, PEER, "Ping")

    def take_signals(self):
        """The signals of all that was done before: they come before the answer to a call now."""
        self.call(harness.BUS_ROOT, PEER, "Ping")
        context = GLib.MainContext.default()
        while context.iteration(False):
            pass
        taken, self.signals = self.signals, []
        return taken

    def wait_for(self, condition):
        """Runs until condition() is true; fails after the deadline."""
        harness.wait_until(condition)

    def close(self):
        if not self.connection.is_closed():
            self.connection.close_sync(None)


CLIENTS = {kind.name: kind for kind in (LibdbusClient, GdbusClient, BusctlClient)}


def path_of(provider, *below, uid=None):
    """The object path of a provider, or of a node below it."""
    element = re.sub("[^A-Za-z0-9]", lambda c: "".join(f"_{b:02x}" for b in c[0].encode()), provider)
    root = harness.BUS_ROOT if uid is None else f"{harness.BUS_ROOT}/User/{uid}"
    return "/".join([root, "Provider", element or "_", *below])
