# SPDX-License-Identifier: MIT
"""Services of the system bus that bring sessions about, as python3-dbusmock has them."""

import subprocess
import time

from gi.repository import GLib

import harness

MOCK = "org.freedesktop.DBus.Mock"


def settle(env):
    """Until the broker listens to the services on the bus, and has heard what they said so far: it
    answers in order."""
    env.wait_for_name(harness.BROKER_NAME)
    for _ in range(2):  # the second time it knows the answers to what it asked the bus
        env.call("/", "org.freedesktop.DBus.Peer", "Ping", name=harness.BROKER_NAME)


def start_broker(env):
    """The broker, which has settled."""
    broker = env.start_broker()
    settle(env)
    return broker


class Mock(harness.Process):
    """A template of python3-dbusmock on the bus of `env`, which has been started; close() it."""

    def __init__(self, env, template, name, path):
        self.env, self.bus_name, self.path = env, name, path
        super().__init__("dbusmock", ["/usr/bin/python3", "-m", "dbusmock", "--system", "--template",
                                      template], env.environ(), env.dir / f"{template}.log",
                         stdout=subprocess.DEVNULL)
        env.wait_for_name(name)

    def call(self, method, signature, *values, path=None):
        self.env.call(path or self.path, MOCK, method, signature, *values, name=self.bus_name)

    def emit(self, interface, signal, signature, *values):
        """A signal with arguments of basic types."""
        self.call("EmitSignal", "sssav", interface, signal, signature,
                  [GLib.Variant(kind, value) for kind, value in zip(signature, values)])

    def close(self):
        self.kill()


class Logind(Mock):
    MANAGER = "org.freedesktop.login1.Manager"

    def __init__(self, env):
        super().__init__(env, "logind", "org.freedesktop.login1", "/org/freedesktop/login1")
        self.n_sessions = 0

    def add_session(self, uid, kind="user", since_us=42):
        """A session that nobody is told of, since that time on CLOCK_MONOTONIC; its id and path."""
        self.n_sessions += 1
        name = f"c{self.n_sessions}"
        self.call("AddSession", "ssusb", name, "seat0", uid, f"user{uid}", True)
        path = f"{self.path}/session/{name}"
        self.call("UpdateProperties", "sa{sv}", "org.freedesktop.login1.Session",
                  {"Class": GLib.Variant("s", kind),
                   "TimestampMonotonic": GLib.Variant("t", since_us)}, path=path)
        return name, path

    def log_in(self, uid, kind="user"):
        name, path = self.add_session(uid, kind, time.monotonic_ns() // 1000)
        self.emit(self.MANAGER, "SessionNew", "so", name, path)

    def suspend(self, begins):
        self.emit(self.MANAGER, "PrepareForSleep", "b", begins)


class NetworkManager(Mock):
    CONNECTING, SITE, GLOBAL = 40, 60, 70
    PORTAL, FULL = 2, 4

    def __init__(self, env, state):
        super().__init__(env, "networkmanager", "org.freedesktop.NetworkManager",
                         "/org/freedesktop/NetworkManager")
        self.set_state(state)

    def set_state(self, state):
        self.call("SetGlobalConnectionState", "u", state)

    def set_connectivity(self, connectivity):
        self.call("SetConnectivity", "u", connectivity)
