# SPDX-License-Identifier: MIT
"""A private environment for tests: message bus, host agent and state in a temporary directory.

Programs come from the build directory in DM_BUILD_DIR (default: build), which may be a normal or a
sanitizer build: whatever ASan or UBSan reports fails the test that stops the program.

    with Environment() as env:
        env.start_bus()
        agent = env.start_agent()
        assert env.ctl("status").returncode == 0
"""

import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

import gdbus  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = (ROOT / os.environ.get("DM_BUILD_DIR", "build")).resolve()

AGENT = BUILD / "agent" / "dmclient-agent"
BROKER = BUILD / "broker" / "dmclient-broker"
CTL = BUILD / "cli" / "dmclientctl"
PLUGIN = BUILD / "plugin" / "dmclient.so"

BUS_NAME = "org.dmclient.DMClient1"
BUS_ROOT = "/org/dmclient/DMClient1"
BROKER_NAME = BUS_NAME + ".Broker"

START_TIMEOUT = 30  # seconds; a sanitizer build on a loaded machine is slow
STOP_TIMEOUT = 30
RUN_TIMEOUT = 60
TICK_MS = 20  # how often is looked for what nothing tells of

ASAN_OPTIONS = "detect_leaks=1:detect_stack_use_after_return=1"
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak|Memory|Thread)Sanitizer|SUMMARY: \w*Sanitizer|runtime error:"
)

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_destination="*"/>
    <allow send_type="method_call"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
"""


class Failure(AssertionError):
    """A program that did not do what a test rests on; the message holds what it wrote."""


def wait_until(condition, what="it", timeout=START_TIMEOUT):
    """Runs the default main context until condition(); the deadline fails the test, which says
    `what` did not happen."""
    late = []
    source = GLib.timeout_add_seconds(timeout, lambda: late.append(True))
    while not condition():
        if late:
            raise Failure(f"{what} did not happen within {timeout} s")
        GLib.MainContext.default().iteration(True)
    if not late:
        GLib.source_remove(source)


def look_until(condition, what="it", timeout=START_TIMEOUT):
    """wait_until() for what nothing tells of but looking again."""
    tick = GLib.timeout_add(TICK_MS, lambda: True)
    try:
        wait_until(condition, what, timeout)
    finally:
        GLib.source_remove(tick)


def check_sanitizers(name, text):
    """Fails with `text` if a sanitizer reported something in it."""
    if SANITIZER_REPORT.search(text):
        raise Failure(f"{name}: a sanitizer reported:\n{text}")


def is_sanitized():
    """Whether the build in use has a sanitizer in it: figures of memory mean nothing then."""
    return b"__asan_init" in PLUGIN.read_bytes()


def without_leaks():
    """The sanitizers' options for a program whose leaks are not looked for: that takes longer than
    most of them run, needs ptrace for itself, and finds what libraries keep."""
    return {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ASAN_OPTIONS) + ":detect_leaks=0"}


class Process:
    """A program under test that runs beside the test; its standard error goes to a file."""

    def __init__(self, name, argv, env, log, **options):
        self.name = name
        self.log = pathlib.Path(log)
        options.setdefault("stdin", subprocess.DEVNULL)
        with open(self.log, "ab") as stream:
            self.popen = subprocess.Popen(
                [str(word) for word in argv],
                env=env,
                stderr=stream,
                **options,
            )
        self.pidfd = os.pidfd_open(self.popen.pid)

    @property
    def pid(self):
        return self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def output(self):
        """What it wrote to standard error so far."""
        return self.log.read_text(errors="replace")

    def wait_for(self, readable, what, timeout=START_TIMEOUT):
        """Waits until the descriptor can be read; the program's end or the deadline fail it."""
        ready, _, _ = select.select([readable, self.pidfd], [], [], timeout)
        if readable in ready:
            return
        how = "ended" if ready else f"was not ready after {timeout} s"
        raise Failure(f"{self.name} {how} before {what}:\n{self.output()}")

    def wait(self, timeout=STOP_TIMEOUT):
        """Waits for its end and returns the exit code; a sanitizer's report fails it."""
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failure(f"{self.name} did not end within {timeout} s:\n{self.output()}") from None
        self._close()
        check_sanitizers(self.name, self.output())
        return code

    def stop(self, signum=signal.SIGTERM, expect=0):
        """Stops it, and checks that it ended well."""
        if self.is_running():
            self.popen.send_signal(signum)
        code = self.wait()
        if code != expect:
            raise Failure(f"{self.name} ended with {code}, not {expect}:\n{self.output()}")

    def kill(self):
        """Ends it without grace; says nothing of how it went."""
        if self.is_running():
            self.popen.kill()
        self.popen.wait()
        self._close()

    def _close(self):
        if self.pidfd >= 0:
            os.close(self.pidfd)
            self.pidfd = -1


class Agent(Process):
    """dmclient-agent with the plug-in."""


class Broker(Process):
    """dmclient-broker that stays."""


class Bus(Process):
    """A dbus-daemon of our own that lets everybody do everything."""

    address = None


class Environment:
    """A temporary directory, and what runs in it. Everything stops at the end of `with`; whatever
    then ended badly, or was reported by a sanitizer, is raised."""

    def __init__(self):
        # Short: the path of a socket has at most 107 bytes.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="dm.", dir="/tmp"))
        self.state_dir = self.dir / "state"
        self.socket = self.dir / "tree"
        self.config = self.dir / "dmclient.conf"
        self.config.write_text("")
        self.bus = None
        self.agent = None
        self.broker = None
        self.n_logs = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.close(keep_errors=kind is None)

    def close(self, keep_errors=True):
        errors = []
        for process in (self.broker, self.agent, self.bus):
            if process is None or process.pidfd < 0:
                continue
            try:
                process.stop()
            except Failure as failure:
                errors.append(failure)
        shutil.rmtree(self.dir, ignore_errors=True)
        if errors and keep_errors:
            raise errors[0]

    # -- the environment of programs --------------------------------------------------------------

    def environ(self, **more):
        """Variables for any program of ours: nothing of the system is touched."""
        env = dict(os.environ)
        for name in ("NOTIFY_SOCKET", "LISTEN_PID", "LISTEN_FDS", "DBUS_SESSION_BUS_ADDRESS"):
            env.pop(name, None)
        env.update(
            DMCLIENT_STATE_DIR=str(self.state_dir),
            DMCLIENT_SOCKET=str(self.socket),
            DMCLIENT_CONFIG=str(self.config),
            DBUS_SYSTEM_BUS_ADDRESS=self.bus_address,
            LC_ALL="C.UTF-8",
            NO_COLOR="1",
            UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1",
        )
        env.setdefault("ASAN_OPTIONS", ASAN_OPTIONS)
        env.update({name: str(value) for name, value in more.items()})
        return env

    @property
    def bus_address(self):
        """Of the private bus; before start_bus() an address where nobody listens."""
        return f"unix:path={self.dir}/bus"

    def configure(self, text):
        """Writes the configuration file; before start_agent()."""
        self.config.write_text(text)

    def _log(self, name):
        self.n_logs += 1
        return self.dir / f"{name}-{self.n_logs}.log"

    # -- processes --------------------------------------------------------------------------------

    def start_bus(self, text=BUS_CONFIG, prefix=()):
        """Starts the private bus; also again, after one that was stopped. `text`: its
        configuration, with {path} for its socket; `prefix`: words of a program that runs it."""
        config = self.dir / "bus.conf"
        config.write_text(text.format(path=self.dir / "bus"))
        reading, writing = os.pipe()
        try:
            self.bus = Bus(
                "dbus-daemon",
                [*prefix, "dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile",
                 f"--print-address={writing}"],
                self.environ(),
                self._log("bus"),
                pass_fds=[writing],
            )
            os.close(writing)
            writing = -1
            self.bus.wait_for(reading, "it printed its address")
            self.bus.address = os.read(reading, 4096).decode().strip()
        finally:
            os.close(reading)
            if writing >= 0:
                os.close(writing)
        if not self.bus.address:
            raise Failure(f"dbus-daemon did not start:\n{self.bus.output()}")
        return self.bus

    def _start(self, kind, name, argv, ready, **options):
        """Starts a service; with `ready` waits until it tells the service manager that it is."""
        path = self.dir / "notify"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(path))
            os.chmod(path, 0o777)
            process = kind(f"dmclient-{name}", argv, self.environ(NOTIFY_SOCKET=path),
                           self._log(name), **options)
            setattr(self, name, process)
            if ready:
                process.wait_for(notify, "it was ready")
                state = notify.recv(4096).decode()
                if state != "READY=1":
                    raise Failure(f"dmclient-{name} said {state!r}:\n{process.output()}")
        return process

    def start_agent(self, *arguments, ready=True, plugin=PLUGIN, prefix=(), program=AGENT,
                    **options):
        """Starts the host agent with the plug-in, and waits until name and socket are served.
        `prefix`: words of a program that runs it."""
        return self._start(Agent, "agent", [*prefix, program, "--plugin", plugin, *arguments], ready,
                           **options)

    def start_broker(self, *arguments, ready=True, prefix=(), **options):
        """Starts the broker, and waits until it attends at the tree."""
        return self._start(Broker, "broker", [*prefix, BROKER, *arguments], ready, **options)

    def run(self, *argv, stdin=None, expect=None, timeout=RUN_TIMEOUT, **more):
        """Runs a program to its end with output as text. `expect`: the exit code it must have.
        A sanitizer's report fails it."""
        words = [str(word) for word in argv]
        result = subprocess.run(
            words, env=self.environ(**more), input=stdin, capture_output=True, text=True,
            timeout=timeout, check=False,
        )
        check_sanitizers(words[0], result.stderr)
        if expect is not None and result.returncode != expect:
            raise Failure(
                f"{' '.join(words)}: exit code {result.returncode}, not {expect}\n"
                f"{result.stdout}{result.stderr}"
            )
        return result

    def ctl(self, *arguments, **options):
        """Runs dmclientctl."""
        return self.run(CTL, *arguments, **options)

    def ctl_json(self, *arguments, expect=0):
        """Runs dmclientctl --json, and returns what it printed as an object."""
        return json.loads(self.ctl(*arguments, "--json", expect=expect).stdout)

    def connect(self):
        """A connection to the private bus."""
        return gdbus.connect(self.bus_address)

    def call(self, path, interface, method, signature="", *values, name=BUS_NAME):
        """Calls the service, or another one, on the private bus; gdbus.call() has the rest."""
        connection = self.connect()
        try:
            return gdbus.call(connection, name, path, interface, method, signature, *values,
                              timeout_s=RUN_TIMEOUT)
        finally:
            connection.close_sync(None)

    def call_manager(self, method, *path, **options):
        """Calls the service's Manager, about an object if there is a path; options are variants."""
        return self.call(BUS_ROOT, f"{BUS_NAME}.Manager", method, "oa{sv}" if path else "a{sv}", *path,
                         options)

    def get_owner_pid(self):
        """The process that owns the service's name."""
        return self.call("/", "org.freedesktop.DBus", "GetConnectionUnixProcessID", "s", BUS_NAME,
                         name="org.freedesktop.DBus")[0]

    def wait_for_name(self, name=BUS_NAME, timeout=START_TIMEOUT):
        """Waits until somebody on the private bus owns the name."""
        loop = GLib.MainLoop()
        connection = self.connect()
        owners = []

        def on_appeared(_connection, _name, owner):
            owners.append(owner)
            loop.quit()

        watch = Gio.bus_watch_name_on_connection(
            connection, name, Gio.BusNameWatcherFlags.NONE, on_appeared, None)
        deadline = GLib.timeout_add_seconds(timeout, loop.quit)
        loop.run()
        GLib.source_remove(deadline)
        Gio.bus_unwatch_name(watch)
        connection.close_sync(None)
        if not owners:
            raise Failure(f"nobody owned {name} after {timeout} s")
        return owners[0]

    def get_property(self, path, interface, name):
        """A property of the service, as a Python value."""
        value, = self.call(path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, name)
        return value["data"]
