#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the benchmarks of design section 10 and prints `name value unit floor ratio` a line."""

import argparse
import os
import select
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

NAME = "org.dmclient.DMClient1"
PATH = "/org/dmclient/DMClient1"
PROVIDER = PATH + "/Provider/P0"
STUB = "org.dmclient.Stub1"
PHONE = "+49 30 1234567"
IDLE_S = 30
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


class Bench:
    def __init__(self, build, directory):
        self.build = build
        self.dir = Path(directory)
        (self.dir / "bus.conf").write_text(BUS_CONFIG.format(path=self.dir / "bus"))
        # One core for the bus, the service and the client, where there is more than one.
        self.pin = ["taskset", "-c", str(min(os.sched_getaffinity(0)))]
        self.env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.dir}/bus")
        self.env.pop("NOTIFY_SOCKET", None)
        self.env["PATH"] = f"{build}/broker:{self.env['PATH']}"
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
        for process in [*self.services, self.bus]:
            process.terminate()
            process.wait()

    def program(self, name):
        return str(self.build / "tests/bench" / name)

    def agent_command(self, state):
        return [str(self.build / "agent/dmclient-agent"), "--plugin", str(self.build / "plugin/dmclient.so"),
                "--state-dir", str(state), "--socket", str(self.dir / "tree")]

    def client(self, *arguments):
        out = subprocess.run([*self.pin, self.program("bench-bus"), *map(str, arguments)], env=self.env,
                             stdout=subprocess.PIPE, text=True, check=True)
        return float(out.stdout)

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
        watch.terminate()
        watch.wait()
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
            agent = self.service(self.agent_command(state), NAME)
            body = self.dir / "fill.xml"
            for first in range(0, n_providers, 25):
                body.write_text(fill(range(first, min(first + 25, n_providers))))
                self.run_ctl("apply", body)
            agent.terminate()
            agent.wait()
        return state

    def run_ctl(self, *arguments):
        subprocess.run([str(self.build / "cli/dmclientctl"), "--socket", str(self.dir / "tree"),
                        *map(str, arguments)], env=self.env, stdout=subprocess.DEVNULL, check=True)


def leaves():
    """LocURI below the provider and a value, for every leaf of the table that a server may set."""
    import csv
    values = {"int": "1", "bool": "false"}
    special = {"SyncApplicationVersion": "2.0", "ManagementServiceAddress": "https://mdm.example.test/dm",
               "ManagementServerAddressList": "https://mdm.example.test/dm",
               "ManagementServerToUpgradeTo": "https://mdm.example.test/next",
               # A schedule that the agent has no reason to warn of (P8).
               "IntervalForFirstSetOfRetries": "15", "NumberOfFirstRetries": "8",
               "IntervalForSecondSetOfRetries": "60", "NumberOfSecondRetries": "30",
               "IntervalForRemainingScheduledRetries": "1440",
               "NumberOfRemainingScheduledRetries": "0"}
    with open(ROOT / "tests/data/nodes.csv", newline="") as file:
        for row in csv.DictReader(file):
            path = row["path"].removeprefix("Provider/{ProviderID}/")
            name = path.split("/")[-1]
            if path == row["path"] or "Replace" not in row["server_ops"] or name.startswith("Cert"):
                continue
            if name in ("IsSyncDone", "ServerHasFinishedProvisioning", "WasDeviceSuccessfullyProvisioned"):
                continue
            yield path, special.get(name) or values.get(row["format"], f"text of {name}")


def fill(numbers):
    commands = []

    def add(verb, uri, data=None):
        text = "" if data is None else f"<Data>{data}</Data>"
        commands.append(f"<{verb}><CmdID>{len(commands) + 1}</CmdID><Item><Target><LocURI>{uri}</LocURI>"
                        f"</Target>{text}</Item></{verb}>")

    for number in numbers:
        provider = f"./Device/Vendor/MSFT/DMClient/Provider/P{number}"
        add("Add", provider)
        for folder in ("Poll", "Push", "CustomEnrollmentCompletePage"):
            add("Add", f"{provider}/{folder}")
        for path, value in leaves():
            add("Replace", f"{provider}/{path}", PHONE if path == "HelpPhoneNumber" else value)
    return "<SyncBody>" + "".join(commands) + "</SyncBody>"


def bench_message(bench):
    subprocess.run([bench.program("bench-message")], check=True)


def bench_commit(bench):
    subprocess.run([bench.program("bench-commit"), str(bench.dir)], check=True)


def bench_fleet(bench):
    """A million simulated devices: peak-to-mean arrivals a minute, beside those without jitter."""
    subprocess.run([bench.program("bench-fleet")], check=True)


def bench_bus(bench):
    state = bench.make_state(1000)
    get = ("get", NAME, PROVIDER, NAME + ".Provider", "HelpPhoneNumber", 40000)
    reply = bench.dir / "managed.bin"
    agent = bench.service(bench.agent_command(state), NAME)
    before = memory(agent.pid)["Pss_Anon"]
    bench.client("managed", NAME, PATH, 7, reply)
    after = memory(agent.pid)["Pss_Anon"]
    stub = bench.service([bench.program("bench-stub"), STUB, PHONE, str(reply)], STUB)
    for verb, row, unit, rest in (("get", "get-64-in-flight", "calls/s", get[2:]),
                                  ("managed", "managed-objects-1000", "ms", (PATH, 7))):
        ours, floors = [], []
        # In turn, so that whatever else the machine does falls on both.
        for _ in range(5):
            ours.append(bench.client(verb, NAME, *rest))
            floors.append(bench.client(verb, STUB, *rest))
        show(row, statistics.median(ours), unit, statistics.median(floors))
    show("managed-objects-memory-after", (after - before) / 1024, "MB")
    for process in (agent, stub):
        process.terminate()
        process.wait()


def bench_start(bench):
    floor = [bench.client("start", STUB, "/", NAME, "X", bench.program("bench-stub"), STUB, PHONE)
             for _ in range(11)]
    for count in (1, 1000):
        state = bench.make_state(count)
        times = [bench.client("start", NAME, PROVIDER, NAME + ".Provider", "HelpPhoneNumber",
                              *bench.agent_command(state)) for _ in range(11)]
        show(f"start-{count}-providers", statistics.median(times), "ms", statistics.median(floor))


def memory(pid):
    """kB by kind, from smaps_rollup."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        key, value = line.split(":")
        sizes[key] = int(value.split()[0])
    return sizes


def bench_memory(bench):
    stub = bench.service([bench.program("bench-stub"), STUB, PHONE], STUB)
    floor = memory(stub.pid)
    sizes = {}
    for count in (1, 1000):
        agent = bench.service(bench.agent_command(bench.make_state(count)), NAME)
        sizes[count] = memory(agent.pid)
        agent.terminate()
        agent.wait()
    stub.terminate()
    stub.wait()
    show("agent-private-dirty", sizes[1]["Private_Dirty"] / 1024, "MB", floor["Private_Dirty"] / 1024)
    show("agent-rss", sizes[1]["Rss"] / 1024, "MB", floor["Rss"] / 1024)
    show("memory-a-provider", (sizes[1000]["Private_Dirty"] - sizes[1]["Private_Dirty"]) / 999, "kB")


def switches(pid):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    return 0


def bench_idle(bench):
    agent = bench.service(bench.agent_command(bench.make_state(1)), NAME)
    before = switches(agent.pid)
    # The one place that waits for time to pass: passing time is what is measured.
    select.select([], [], [], IDLE_S)
    show("idle-wake-ups", (switches(agent.pid) - before) * 60 / IDLE_S, "a-minute")
    agent.terminate()
    agent.wait()


def bench_session(bench):
    import session_bench
    session_bench.run(bench, show)


ROWS = {"message": bench_message, "commit": bench_commit, "fleet": bench_fleet,
        "bus": bench_bus, "start": bench_start,
        "memory": bench_memory, "idle": bench_idle, "session": bench_session}


def main():
    parser = argparse.ArgumentParser(description="Runs the benchmarks of design section 10.")
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], metavar="ROW", help=" ".join(ROWS))
    options = parser.parse_args()
    # Beside the build: a commit's figure is that of the disk the project is on, not of a tmpfs.
    with tempfile.TemporaryDirectory(dir=options.build) as directory:
        bench = Bench(options.build.resolve(), directory)
        try:
            print("name value unit floor ratio")
            for row in options.rows or ROWS:
                ROWS[row](bench)
        finally:
            bench.close()


if __name__ == "__main__":
    main()
