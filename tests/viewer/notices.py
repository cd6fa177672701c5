# SPDX-License-Identifier: MIT
"""A desktop's session for the session agent: a bus, a service that shows notifications, somebody in
the viewer's place, and the agent itself."""

import configparser
import os

import gdbus
import harness
import pytest
from gi.repository import Gio, GLib
from screen import SESSION_CONFIG
from viewer import PROGRAM

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
AGENT_NAME = "org.dmclient.Viewer.Agent"
CAPABILITIES = ("body", "body-markup", "actions")
SERVICE_XML = """<node><interface name="org.freedesktop.Notifications">
<method name="GetCapabilities"><arg type="as" direction="out"/></method>
<method name="Notify"><arg type="s" direction="in"/><arg type="u" direction="in"/>
<arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="s" direction="in"/>
<arg type="as" direction="in"/><arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>
<arg type="u" direction="out"/></method>
<method name="CloseNotification"><arg type="u" direction="in"/></method>
</interface></node>"""
VIEWER_XML = """<node><interface name="org.freedesktop.Application">
<method name="ActivateAction"><arg type="s" direction="in"/><arg type="av" direction="in"/>
<arg type="a{sv}" direction="in"/></method></interface></node>"""


def need():
    if not PROGRAM.exists():
        pytest.skip("built without the viewer: GTK 4 or libadwaita is not there")


def wait_for_name(address, name):
    connection = gdbus.connect(address)
    owners = []
    watch = Gio.bus_watch_name_on_connection(connection, name, Gio.BusNameWatcherFlags.NONE,
                                             lambda *_: owners.append(True), None)
    harness.wait_until(lambda: owners, f"the name {name}")
    Gio.bus_unwatch_name(watch)
    connection.close_sync(None)


class Named:
    """An object of the test's own on the session bus, under a name."""

    def __init__(self, address, name, path, xml):
        self.bus = gdbus.connect(address)
        self.names = []
        for interface in Gio.DBusNodeInfo.new_for_xml(xml).interfaces:
            self.bus.register_object(path, interface, self.on_call, None, None)
        Gio.bus_own_name_on_connection(self.bus, name, Gio.BusNameOwnerFlags.NONE,
                                       lambda *_: self.names.append(name), None)
        harness.wait_until(lambda: self.names, f"the name {name}")

    def on_call(self, _bus, sender, _path, _interface, method, arguments, invocation):
        answer = getattr(self, method)(sender, *arguments.unpack())
        invocation.return_value(GLib.Variant("(" + answer[0] + ")", (answer[1],)) if answer else None)

    def close(self):
        self.bus.close_sync(None)


class Service(Named):
    """Shows notifications: `shown` has those that are there, by id; `calls` all that were asked for,
    an id and the words."""

    def __init__(self, address, capabilities=CAPABILITIES):
        self.capabilities = capabilities
        self.shown = {}
        self.calls = []
        self.asked = []  # methods
        super().__init__(address, NAME, PATH, SERVICE_XML)

    def GetCapabilities(self, _sender):
        self.asked.append("GetCapabilities")
        return "as", self.capabilities

    def Notify(self, _sender, application, replaced, icon, title, body, actions, hints, timeout):
        self.asked.append("Notify")
        key = replaced or len(self.calls) + 1
        self.shown[key] = {"application": application, "icon": icon, "title": title, "body": body,
                           "actions": actions, "hints": hints, "timeout": timeout}
        self.calls.append((key, title, body))
        return "u", key

    def CloseNotification(self, _sender, key):
        self.asked.append("CloseNotification")
        self.shown.pop(key, None)

    def titles(self):
        return sorted(notice["title"] for notice in self.shown.values())

    def wait_for(self, *titles):
        harness.wait_until(lambda: self.titles() == sorted(titles),
                           f"{titles} as notifications; there were {self.calls}")

    def find(self, title):
        """Id and content of the one with that title."""
        return next((key, notice) for key, notice in self.shown.items() if notice["title"] == title)

    def tell(self, signal, kinds, *arguments):
        self.bus.emit_signal(None, PATH, NAME, signal, GLib.Variant(f"({kinds})", arguments))

    def click(self, title, token=None):
        key, _ = self.find(title)
        if token is not None:
            self.tell("ActivationToken", "us", key, token)
        self.tell("ActionInvoked", "us", key, "default")
        self.tell("NotificationClosed", "uu", key, 2)
        del self.shown[key]


class ViewerStub(Named):
    """What is asked of the viewer: the action, its parameters, what came with it."""

    def __init__(self, address):
        self.actions = []
        super().__init__(address, "org.dmclient.Viewer", "/org/dmclient/Viewer", VIEWER_XML)

    def ActivateAction(self, _sender, *arguments):
        self.actions.append(arguments)


class SessionAgent(harness.Process):
    def __init__(self, desktop, **more):
        super().__init__("dmclient-viewer --agent", [PROGRAM, "--agent"], desktop.environ(**more),
                         desktop.env._log("session-agent"))


class Desktop:
    """The session of a user who is logged in at the device of `env`."""

    def __init__(self, env):
        self.env = env
        self.dir = env.dir / f"session-{env.n_logs}"
        (self.dir / "services").mkdir(parents=True)
        (self.dir / "bus.conf").write_text(SESSION_CONFIG.format(dir=self.dir))
        self.state = self.dir / "state"
        self.address = f"unix:path={self.dir}/bus"
        self.bus = None
        self.agents = []
        self.others = []
        self.log_in()

    def environ(self, **more):
        """No display: the session agent needs none."""
        environ = self.env.environ(
            DBUS_SESSION_BUS_ADDRESS=self.address, XDG_STATE_HOME=self.state, HOME=self.dir,
            DMCLIENT_LOCALE_DIR=harness.BUILD / "po", TZ="Europe/Berlin", G_DEBUG="fatal-warnings",
            GIO_USE_VFS="local", GSETTINGS_BACKEND="memory", **{"LANGUAGE": "en", **more})
        for name in ("DISPLAY", "WAYLAND_DISPLAY"):
            environ.pop(name, None)
        return environ

    def log_in(self):
        """A session bus."""
        reading, writing = os.pipe()
        self.bus = harness.Bus(
            "dbus-daemon",
            ["dbus-daemon", f"--config-file={self.dir}/bus.conf", "--nofork", "--nopidfile",
             f"--address={self.address}", f"--print-address={writing}"],
            self.env.environ(), self.env._log("session-bus"), pass_fds=[writing])
        os.close(writing)
        self.bus.wait_for(reading, "it printed its address")
        os.close(reading)

    def log_out(self):
        """The session's bus ends, and with it who is on it."""
        self.bus.stop()
        for agent in self.agents:
            if agent.pidfd >= 0:
                code = agent.wait()
                assert code == 0, agent.output()
        self.agents.clear()

    def start_agent(self, **more):
        """Starts the session agent, and waits until it is the one of the session."""
        self.agents.append(SessionAgent(self, **more))
        wait_for_name(self.address, AGENT_NAME)
        return self.agents[-1]

    def wait_until_remembered(self, key, value, provider="Contoso"):
        """Waits until the agent's key file has it; nothing tells of that but looking again."""
        file = self.state / "dmclient-viewer" / "told"

        def read():
            parser = configparser.ConfigParser()
            parser.read(file)
            return parser.get(f"{harness.BUS_ROOT}/Provider/{provider}", key, fallback=None)

        harness.look_until(lambda: read() == str(value), f"{key}={value} in {file}")

    def start_service(self, **options):
        self.others.append(Service(self.address, **options))
        return self.others[-1]

    def start_viewer_stub(self):
        self.others.append(ViewerStub(self.address))
        return self.others[-1]

    def close(self):
        for agent in self.agents:
            if agent.pidfd >= 0:
                agent.stop()
        for other in self.others:
            if not other.bus.is_closed():
                other.close()
        if self.bus.pidfd >= 0:
            self.bus.stop()
