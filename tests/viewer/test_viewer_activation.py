# SPDX-License-Identifier: MIT
"""The viewer as a session bus starts it by its service file, for whoever has its name and nothing else."""

import os
import select

import gdbus
import harness
import pytest
import screen
from gi.repository import Gio, GLib
from viewer import PROGRAM, Viewer

ID = "org.dmclient.Viewer"
BUILT = harness.BUILD / "desktop" / "data" / f"{ID}.service"


class Activated(Viewer):
    """A session bus, and the viewer that it starts when somebody calls it."""

    def __init__(self, env):
        directory = env.dir / "services"
        directory.mkdir(exist_ok=True)
        words = dict(line.split("=", 1) for line in BUILT.read_text().splitlines() if "=" in line)
        program = words["Exec"].split()[0]
        assert os.path.basename(program) == PROGRAM.name
        (directory / BUILT.name).write_text(BUILT.read_text().replace(program, str(PROGRAM)))
        self.address = f"unix:path={env.dir}/session"
        self.child = 0
        config = env.dir / "session.conf"
        config.write_text(screen.SESSION_CONFIG.format(dir=env.dir).replace(
            f"unix:dir={env.dir}", self.address))
        reading, writing = os.pipe()
        super().__init__(
            env, screen.get(), state="", wait=False, options={"pass_fds": [writing]},
            command=["dbus-daemon", f"--config-file={config}", "--nofork", f"--print-pid={writing}"])
        os.close(writing)
        harness.Process.wait_for(self, reading, "it was ready")
        os.close(reading)
        self.session = gdbus.connect(self.address)

    @property
    def pid(self):
        return self.child

    def ask(self, method, arguments):
        """Calls the application, which need not run."""
        self.session.call_sync(ID, "/org/dmclient/Viewer", "org.freedesktop.Application", method,
                               arguments, None, Gio.DBusCallFlags.NONE, harness.START_TIMEOUT * 1000, None)
        self.child, = self.session.call_sync(
            "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetConnectionUnixProcessID",
            GLib.Variant("(s)", (ID,)), None, Gio.DBusCallFlags.NONE, -1, None).unpack()

    def close(self):
        ended = os.pidfd_open(self.child)
        self.act("window.close")
        assert select.select([ended], [], [], harness.STOP_TIMEOUT)[0], "the viewer stays"
        os.close(ended)
        self.session.close_sync(None)
        self.stop()
        self.bus.close_sync(None)


@pytest.mark.parametrize("method, arguments, text", [
    ("Activate", GLib.Variant("(a{sv})", ({},)), "Several organisations manage this device."),
    ("ActivateAction", GLib.Variant("(sava{sv})", ("show-page", [GLib.Variant(
        "(ss)", ("organisation", f"{harness.BUS_ROOT}/Provider/Fabrikam"))], {})),
     "This organisation manages your device.")])
def test_the_bus_starts_it(office, module_env, method, arguments, text):
    office.enrol("Fabrikam")
    viewer = Activated(module_env)
    try:
        viewer.ask(method, arguments)
        viewer.wait_for_text(text)
        first = viewer.pid
        viewer.ask("Activate", GLib.Variant("(a{sv})", ({},)))
        assert viewer.pid == first and len(viewer.read().children) == 1
        viewer.close()
    finally:
        if viewer.pidfd >= 0:
            viewer.kill()
