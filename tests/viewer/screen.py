# SPDX-License-Identifier: MIT
"""A screen of the tests' own: Xvfb, a session bus on which nobody is, and a bus for screen readers.
One a process, which its tests share."""

import atexit
import os
import pathlib
import select
import shutil
import struct
import subprocess
import tempfile
import zlib

import gi
import gdbus
import harness
import pytest

gi.require_version("Gio", "2.0")
from gi.repository import Gio  # noqa: E402

WIDTH, HEIGHT = 1000, 1000
DEADLINE = 30  # seconds
REGISTRY = "/usr/libexec/at-spi2-registryd"
A11Y_CONFIG = "/usr/share/defaults/at-spi2/accessibility.conf"
SESSION_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:dir={dir}</listen><auth>EXTERNAL</auth>
<servicedir>{dir}/services</servicedir>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/><allow user="*"/></policy></busconfig>
"""


def need():
    """Skips the test where there is no screen to be had."""
    for program, package in (("Xvfb", "xvfb"), ("dbus-daemon", "dbus-daemon")):
        if shutil.which(program) is None:
            pytest.skip(f"needs package {package}")
    if not os.path.exists(REGISTRY):
        pytest.skip("needs package at-spi2-core")


class Screen:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dms.", dir="/tmp"))
        self.processes = []
        (self.dir / "services").mkdir()
        # Also for viewers of other users.
        self.dir.chmod(0o711)
        (self.dir / "session.conf").write_text(SESSION_CONFIG.format(dir=self.dir))
        (self.dir / "a11y.conf").write_text(pathlib.Path(A11Y_CONFIG).read_text().replace(
            '<allow user="root"/>', '<allow user="*"/>'))
        number = self._start("Xvfb", "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-fbdir", self.dir,
                             "-nolisten", "tcp", "-noreset", "-ac", tell="-displayfd")
        self.env = {"DISPLAY": f":{number}"}
        self.env["DBUS_SESSION_BUS_ADDRESS"] = self._start(
            "dbus-daemon", f"--config-file={self.dir}/session.conf", "--nofork",
            tell="--print-address")
        self.env["AT_SPI_BUS_ADDRESS"] = self._start(
            "dbus-daemon", f"--config-file={self.dir}/a11y.conf", "--nofork", tell="--print-address")
        self._start_registry()
        atexit.register(self.close)

    def _start_registry(self):
        """By itself: as its file for activation has it, it looks for a desktop's session first."""
        with open(self.dir / "log", "ab") as log:
            self.processes.append(subprocess.Popen(
                [REGISTRY], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=dict(os.environ, **self.env)))
        connection = self.connect()
        owners = []
        watch = Gio.bus_watch_name_on_connection(
            connection, "org.a11y.atspi.Registry", Gio.BusNameWatcherFlags.NONE,
            lambda *_: owners.append(True), None)
        harness.wait_until(lambda: owners, "the registry of screen readers")
        Gio.bus_unwatch_name(watch)
        connection.close_sync(None)

    def _start(self, program, *arguments, tell):
        """Starts a program, and returns the line that it writes to a descriptor when it is ready."""
        reading, writing = os.pipe()
        option = [f"{tell}={writing}"] if tell.startswith("--") else [tell, str(writing)]
        with open(self.dir / "log", "ab") as log:
            self.processes.append(subprocess.Popen(
                [program, *map(str, arguments), *option], stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, pass_fds=[writing], env=dict(os.environ, **getattr(self, "env", {}))))
        os.close(writing)
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([reading], [], [], DEADLINE)[0] or not (c := os.read(reading, 512)):
                raise AssertionError(f"{program} did not start: {(self.dir / 'log').read_text()}")
            line += c
        os.close(reading)
        return line.decode().strip()

    def connect(self):
        """A connection to the bus for screen readers; close with close_sync(None)."""
        return gdbus.connect(self.env["AT_SPI_BUS_ADDRESS"])

    def read_pixels(self, left, top, width, height):
        """Rows of what an area shows, 3 bytes a pixel."""
        data = (self.dir / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", data[:100])
        size, line, n_colors = header[0], header[12], header[19]
        start = size + 12 * n_colors
        rows = []
        for y in range(top, min(top + height, HEIGHT)):
            first = start + y * line
            row = data[first + 4 * left:first + 4 * min(left + width, WIDTH)]
            # Blue, green, red, nothing.
            pixels = bytearray(3 * (len(row) // 4))
            pixels[0::3], pixels[1::3], pixels[2::3] = row[2::4], row[1::4], row[0::4]
            rows.append(bytes(pixels))
        return rows

    def close(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def write_png(path, rows):
    """A picture of rows of 3 bytes a pixel."""
    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    size = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", body)
                     + chunk(b"IEND", b""))


_screens = []


def get():
    """The screen of this process, started when it is first asked for."""
    if not _screens:
        need()
        _screens.append(Screen())
    return _screens[0]
