# SPDX-License-Identifier: MIT
"""A broker without a server: attends at the tree socket, and runs sessions as a test tells it to."""

import harness
import treeclient
from gi.repository import Gio, GLib


class FakeBroker:
    def __init__(self, env, attend=True):
        self.client = treeclient.TreeClient(env.socket)
        self.signals = []  # (member, arguments)
        self.client.connection.signal_subscribe(
            None, treeclient.INTERFACE, None, treeclient.PATH, None, Gio.DBusSignalFlags.NONE,
            self._on_signal)
        if attend:
            self.attend()

    def _on_signal(self, _connection, _sender, _path, _interface, member, arguments):
        self.signals.append((member, arguments.unpack()))

    def attend(self):
        self.client.call("Attend")

    def wait_for_signal(self, member):
        """The arguments of the first signal of that name that has not been taken."""
        harness.wait_until(lambda: any(name == member for name, _ in self.signals), member)
        found = next(signal for signal in self.signals if signal[0] == member)
        self.signals.remove(found)
        return found[1]

    def requests(self):
        """The requests for sessions that have come, taken: those of all that was done before."""
        self.client.call("GetDue")
        while GLib.MainContext.default().iteration(False):
            pass
        taken = [arguments for name, arguments in self.signals if name == "SyncRequested"]
        self.signals = [signal for signal in self.signals if signal[0] != "SyncRequested"]
        return taken

    def begin(self, provider="X", origin="user"):
        """What BeginSession answers."""
        return self.client.call("BeginSession", GLib.Variant("(ss)", (provider, origin)))[0]

    def report(self, provider="X", **fields):
        kinds = {bool: "b", str: "s", list: "a(suu)"}
        longs = {"bytes_sent": "t", "bytes_received": "t", "messages_sent": "u",
                 "messages_received": "u", "certificate_expires": "x"}
        report = {key.replace("_", "-"): GLib.Variant(longs.get(key) or kinds[type(value)], value)
                  for key, value in fields.items()}
        self.client.call("ReportSession", GLib.Variant("(sa{sv})", (provider, report)))

    def finish_unenroll(self, provider="X"):
        self.client.call("FinishUnenroll", GLib.Variant("(s)", (provider,)))

    def hand_logs(self, request, files):
        self.client.call("HandLogs", GLib.Variant("(sa(say))", (request, files)))

    def close(self):
        self.client.close()
