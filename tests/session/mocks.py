# SPDX-License-Identifier: MIT
"""Services of the system bus that bring sessions about, as python3-dbusmock has them."""

import subprocess
import time

import harness

MOCK = "org.freedesktop.DBus.Mock"


def settle(env):
    """Until the broker listens to the services on the bus, and has heard what they said so far: it
    answers in order."""
    env.wait_for_name(harness.BROKER_NAME)
    for _ in range(2):  # the second time it knows the answers to what it asked the bus
        env.busctl("call", harness.BROKER_NAME, "/", "org.freedesktop.DBus.Peer", "Ping")


class Mock(harness.Process):
    """A template of python3-dbusmock on the bus of `env`, which has been started; close() it."""

    def __init__(self, env, template, name, path):
        self.env, self.bus_name, self.path = env, name, path
        super().__init__("dbusmock", ["/usr/bin/python3", "-m", "dbusmock", "--system", "--template",
                                      template], env.environ(), env.dir / f"{template}.log",
                         stdout=subprocess.DEVNULL)
        env.wait_for_name(name)

    def call(self, method, *arguments):
        return self.env.busctl("call", self.bus_name, self.path, MOCK, method, *arguments)

    def emit(self, interface, signal, signature, *variants):
        """A signal whose arguments are busctl's variants: "s", "text", …"""
        self.call("EmitSignal", "sssav", interface, signal, signature,
                  str(len(variants) // 2), *variants)

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
        self.call("AddSession", "ssusb", name, "seat0", str(uid), f"user{uid}", "true")
        path = f"{self.path}/session/{name}"
        self.env.busctl("call", self.bus_name, path, MOCK, "UpdateProperties", "sa{sv}",
                        "org.freedesktop.login1.Session", "2", "Class", "s", kind,
                        "TimestampMonotonic", "t", str(since_us))
        return name, path

    def log_in(self, uid, kind="user"):
        name, path = self.add_session(uid, kind, time.monotonic_ns() // 1000)
        self.emit(self.MANAGER, "SessionNew", "so", "s", name, "o", path)

    def suspend(self, begins):
        self.emit(self.MANAGER, "PrepareForSleep", "b", "b", str(begins).lower())


class NetworkManager(Mock):
    CONNECTING, SITE, GLOBAL = 40, 60, 70
    PORTAL, FULL = 2, 4

    def __init__(self, env, state):
        super().__init__(env, "networkmanager", "org.freedesktop.NetworkManager",
                         "/org/freedesktop/NetworkManager")
        self.set_state(state)

    def set_state(self, state):
        self.call("SetGlobalConnectionState", "u", str(state))

    def set_connectivity(self, connectivity):
        self.call("SetConnectivity", "u", str(connectivity))
