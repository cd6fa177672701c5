# SPDX-License-Identifier: MIT
"""From exec of the viewer to its window on a screen, and to all that it shows, with many providers;
against a program with one empty window."""

import ctypes
import ctypes.util
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench import cpu_s, show, stop

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("viewer", ".")]

SUBSTRUCTURE_NOTIFY = 1 << 19
MAP_NOTIFY = 19
N_PROVIDERS = 100
ROUNDS = 11


class MapEvent(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int),
                ("display", ctypes.c_void_p), ("event", ctypes.c_ulong), ("window", ctypes.c_ulong),
                ("override_redirect", ctypes.c_int), ("pad", ctypes.c_long * 24)]


class Watcher:
    """Sees the windows that come on a display."""

    def __init__(self, display):
        self.x11 = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
        self.x11.XOpenDisplay.restype = ctypes.c_void_p
        self.display = ctypes.c_void_p(self.x11.XOpenDisplay(display.encode()))
        root = ctypes.c_ulong(self.x11.XDefaultRootWindow(self.display))
        self.x11.XSelectInput(self.display, root, ctypes.c_long(SUBSTRUCTURE_NOTIFY))
        self.x11.XSync(self.display, 1)

    def wait_for_window(self):
        event = MapEvent()
        while event.type != MAP_NOTIFY:
            self.x11.XNextEvent(self.display, ctypes.byref(event))

    def forget(self):
        self.x11.XSync(self.display, 1)


def measure(watcher, command, env):
    """Milliseconds from exec to the window: of the clock, and of CPU that the program used."""
    watcher.forget()
    start = time.monotonic()
    process = subprocess.Popen(command, env=env)
    watcher.wait_for_window()
    elapsed, cpu = time.monotonic() - start, cpu_s(process)
    stop(process)
    return 1000 * elapsed, 1000 * cpu


def run(bench):
    program = bench.build / "desktop/dmclient-viewer"
    if not program.exists():
        return
    import screen
    display = screen.Screen()
    count = bench.n(N_PROVIDERS, 2)
    agent = bench.agent(bench.make_state(count))
    env = dict(bench.env, **display.env, GDK_BACKEND="x11", GSK_RENDERER="cairo",
               GSETTINGS_BACKEND="memory", GTK_USE_PORTAL="0", ADW_DISABLE_PORTAL="1",
               XDG_STATE_HOME=str(bench.dir / "xdg"))
    watcher = Watcher(display.env["DISPLAY"])
    commands = {"viewer": [str(program)], "empty": [bench.program("bench-window")]}
    times = {name: [] for name in commands}
    for _ in range(bench.n(ROUNDS)):
        for name, command in commands.items():
            times[name].append(measure(watcher, command, env))
    for row, i in (("", 0), ("-cpu", 1)):
        viewer, empty = (statistics.median(time[i] for time in times[name])
                         for name in ("viewer", "empty"))
        show(f"viewer-window-{count}-providers{row}", viewer, "ms", empty)
    stop(agent)
    display.close()
