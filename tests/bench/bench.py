# SPDX-License-Identifier: MIT
"""What the benchmarks share: a private bus, the services on it, and how a figure is printed."""

import os
import resource
import select
import statistics
import subprocess
from pathlib import Path

import providers

NAME = "org.dmclient.DMClient1"
PATH = "/org/dmclient/DMClient1"
PROVIDER = PATH + "/Provider/P0"
STUB = "org.dmclient.Stub1"
GDBUS = "org.dmclient.GDBus1"
BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
<allow receive_sender="*"/></policy></busconfig>
"""


def show(name, value, unit, floor=None):
    if floor:
        print(f"{name} {value:.3f} {unit} {floor:.3f} {value / floor:.2f}", flush=True)
    else:
        print(f"{name} {value:.3f} {unit} - -", flush=True)


def memory(process):
    """kB by kind, from smaps_rollup."""
    sizes = {}
    for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]:
        key, value = line.split(":")
        sizes[key] = int(value.split()[0])
    return sizes


def cpu_s(process):
    """CPU that all its threads have used."""
    tasks = Path(f"/proc/{process.pid}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9


def threads(process):
    return len(list(Path(f"/proc/{process.pid}/task").iterdir()))


def stop(*processes):
    for process in processes:
        process.terminate()
        process.wait()


class Bench:
    """`quick`: each program once, with tiny counts, only to see that it runs."""

    def __init__(self, build, directory, quick=False):
        self.build = build
        self.dir = Path(directory)
        self.quick = quick
        (self.dir / "bus.conf").write_text(BUS_CONFIG.format(path=self.dir / "bus"))
        # One core for the bus, the service and the client, where there is more than one.
        self.pin = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
        self.env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.dir}/bus")
        self.env.pop("NOTIFY_SOCKET", None)
        self.env["PATH"] = f"{build}/broker:{self.env['PATH']}"
        self.socket = self.dir / "tree"
        self.services = []
        self.bus = self.start_bus()

    def start_bus(self):
        bus = subprocess.Popen(
            [*self.pin, "dbus-daemon", f"--config-file={self.dir}/bus.conf", "--nofork", "--print-address=1"],
            stdout=subprocess.PIPE, stderr=open(self.dir / "bus.log", "w"), text=True)
        if not bus.stdout.readline():
            raise RuntimeError("the private message bus did not start")
        return bus

    def close(self):
        stop(*self.services, self.bus)

    def n(self, count, tiny=1):
        """`count`, or where it is only to be seen that it runs, `tiny`."""
        return tiny if self.quick else count

    # -- programs

    def program(self, name):
        return str(self.build / "tests/bench" / name)

    def run(self, name, *arguments):
        """Runs a program that prints its rows itself."""
        subprocess.run([self.program(name), *map(str, arguments)], check=True)

    def ask(self, name, *arguments):
        """Runs a program that prints one number, on the one core."""
        out = subprocess.run([*self.pin, self.program(name), *map(str, arguments)], env=self.env,
                             stdout=subprocess.PIPE, text=True, check=True)
        return float(out.stdout)

    def client(self, *arguments):
        return self.ask("bench-bus", *arguments)

    def run_ctl(self, *arguments):
        subprocess.run([str(self.build / "cli/dmclientctl"), "--socket", str(self.socket),
                        *map(str, arguments)], env=self.env, stdout=subprocess.DEVNULL, check=True)

    # -- services

    def agent_command(self, state):
        return [str(self.build / "agent/dmclient-agent"), "--plugin", str(self.build / "plugin/dmclient.so"),
                "--state-dir", str(state), "--socket", str(self.socket)]

    def agent(self, state):
        return self.service(self.agent_command(state), NAME)

    def stub(self, *files):
        return self.service([self.program("bench-stub"), STUB, providers.PHONE, *map(str, files)], STUB)

    def gdbus(self, file):
        return self.service([self.program("gdbus-service"), GDBUS, str(file)], GDBUS)

    def service(self, command, name):
        """Starts a service and waits until it owns its name."""
        watch = subprocess.Popen(
            ["dbus-monitor", "--system", "--profile",
             f"type='signal',member='NameOwnerChanged',arg0='{name}'"],
            env=self.env, stdout=subprocess.PIPE)
        # The monitor prints its own arrival first.
        select.select([watch.stdout], [], [], 10)
        process = subprocess.Popen([*self.pin, *command], env=self.env)
        self.services.append(process)
        while True:
            if not select.select([watch.stdout], [], [], 30)[0]:
                raise RuntimeError(f"{command[0]} did not take {name}")
            os.read(watch.stdout.fileno(), 65536)
            if self.has_owner(name):
                break
        stop(watch)
        return process

    def has_owner(self, name):
        out = subprocess.run(["dbus-send", "--system", "--print-reply=literal", "--dest=org.freedesktop.DBus",
                              "/", "org.freedesktop.DBus.NameHasOwner", f"string:{name}"],
                             env=self.env, stdout=subprocess.PIPE, text=True, check=True)
        return "true" in out.stdout

    def make_state(self, n_providers):
        """A state directory with `n_providers`, every leaf that can be set, set."""
        state = self.dir / f"state-{n_providers}"
        if not state.exists():
            agent = self.agent(state)
            body = self.dir / "fill.xml"
            for first in range(0, n_providers, 25):
                body.write_text(providers.fill(range(first, min(first + 25, n_providers))))
                self.run_ctl("apply", body)
            stop(agent)
        return state

    # -- figures

    def in_turns(self, measure, running, rounds):
        """The median of `measure(name)` for each service, taken in turn, so that whatever else the
        machine does falls on all of them; and that of the CPU, in seconds, that the service, the
        bus and the client took for it, on which the rest of the machine has little influence."""
        figures = {name: [] for name in running}
        cpu = {name: [] for name in running}
        for _ in range(self.n(rounds)):
            for name, process in running.items():
                before = self.get_cpu_s(process)
                figures[name].append(measure(name))
                cpu[name].append(self.get_cpu_s(process) - before)
        return [{name: statistics.median(values) for name, values in all_of.items()}
                for all_of in (figures, cpu)]

    def get_cpu_s(self, process):
        clients = resource.getrusage(resource.RUSAGE_CHILDREN)
        return cpu_s(process) + cpu_s(self.bus) + clients.ru_utime + clients.ru_stime


def show_all(row, unit, figures):
    """A row against the stub, and one against GDBus."""
    show(row, figures[NAME], unit, figures[STUB])
    show(f"{row}-vs-gdbus", figures[NAME], unit, figures[GDBUS])


def show_cpu(row, cpu, n_calls):
    show_all(f"{row}-cpu", "us/call", {name: seconds / n_calls * 1e6 for name, seconds in cpu.items()})
