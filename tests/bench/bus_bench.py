# SPDX-License-Identifier: MIT
"""The tree on the bus: reading it, signals of it, and what they leave in memory; against the stub
that sends the same bytes, and against the same service on GDBus."""

import contextlib
import select
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from bench import GDBUS, NAME, PATH, PROVIDER, STUB, memory, show, show_all, show_cpu, stop, threads

INTERFACE = NAME + ".Provider"
# GetManagedObjects of how many providers, and how many calls a round.
MANAGED = {1: 500, 10: 200, 100: 30, 1000: 5}
MANAGED_QUICK = {1: 1, 2: 1}
# What a large answer uses is given back a second after it.
GIVEN_BACK_S = 15
LEFT_KB = 1024


@contextlib.contextmanager
def services(bench, state):
    """The agent, the stub and the GDBus service by name, all with what is in `state`; and the
    agent's memory while nobody had asked for anything, in kB."""
    managed, everything = bench.dir / "managed.bin", bench.dir / "all.bin"
    running = {NAME: bench.agent(state)}
    idle = memory(running[NAME])["Private_Dirty"]
    bench.client("managed", NAME, PATH, 1, managed)
    bench.client("get-all", NAME, PROVIDER, INTERFACE, 1, everything)
    running[STUB] = bench.stub(managed, everything)
    running[GDBUS] = bench.gdbus(managed)
    try:
        yield running, idle
    finally:
        stop(*running.values())


def show_memory(row, running):
    """RSS and what is private and dirty, of each."""
    sizes = {name: memory(process) for name, process in running.items()}
    for kind, key in (("rss", "Rss"), ("dirty", "Private_Dirty")):
        show_all(f"{row}-{kind}", "MB", {name: size[key] / 1024 for name, size in sizes.items()})


def wait_given_back(process, idle):
    """The agent's memory over `idle` kB, as soon as it is little, or when there was time for it."""
    deadline = time.monotonic() + GIVEN_BACK_S
    while memory(process)["Private_Dirty"] - idle > LEFT_KB and time.monotonic() < deadline:
        # Nothing tells when it happens.
        select.select([], [], [], 0.05)
    return memory(process)["Private_Dirty"] - idle


def bench_read(bench):
    calls = {"get": (bench.n(20000, 10), ["HelpPhoneNumber"]), "get-all": (bench.n(10000, 10), [])}
    with services(bench, bench.make_state(1)) as (running, _):
        show_memory("idle-1", running)
        for row, (n, names) in calls.items():
            figures, cpu = bench.in_turns(
                lambda name: bench.client(row, name, PROVIDER, INTERFACE, *names, n), running, 5)
            show_all(f"{row}-64-in-flight", "calls/s", figures)
            show_cpu(row, cpu, n)
            show_memory(f"after-{row}", running)
        show_all("threads", "threads", {name: threads(process) for name, process in running.items()})


def bench_managed(bench):
    for count, calls in (MANAGED_QUICK if bench.quick else MANAGED).items():
        row = f"managed-objects-{count}"
        with services(bench, bench.make_state(count)) as (running, idle):
            figures, cpu = bench.in_turns(lambda name: bench.client("managed", name, PATH, calls), running, 5)
            show_all(row, "ms", figures)
            show_cpu(row, cpu, calls)
            wait_given_back(running[NAME], idle)
            show_memory(f"after-{row}", running)
    bench_first(bench, bench.make_state(count), count)


def bench_first(bench, state, count):
    """The call that finds no memory from the one before, and what it leaves behind."""
    agent = bench.agent(state)
    idle = memory(agent)["Private_Dirty"]
    stub = bench.stub(bench.dir / "managed.bin")
    ours, floors, left = [], [], 0
    for _ in range(bench.n(3)):
        ours.append(bench.client("managed", NAME, PATH, 1))
        left = wait_given_back(agent, idle)
        floors.append(bench.client("managed", STUB, PATH, 1))
    show(f"managed-objects-{count}-once", statistics.median(ours), "ms", statistics.median(floors))
    show(f"managed-objects-{count}-left", left / 1024, "MB")
    stop(agent, stub)


@contextlib.contextmanager
def in_memory(state):
    """A copy of a state directory that no disk slows down, where there is such a place."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else state.parent) as directory:
        yield shutil.copytree(state, Path(directory) / "state")


def bench_signals(bench):
    """One commit that changes a leaf in each of many providers."""
    count = bench.n(1000, 2)
    with in_memory(bench.make_state(count)) as state, services(bench, state) as (running, _):
        for subscribers in (1, bench.n(32, 2)):
            figures, _ = bench.in_turns(
                lambda name: bench.ask("bench-signals", name, subscribers, count, bench.n(3),
                                       *([bench.socket] if name == NAME else [])), running, 5)
            show_all(f"signals-{subscribers}-subscribers", "signals/s", figures)
        show_memory("after-signals", running)


def run(bench):
    bench_read(bench)
    bench_managed(bench)
    bench_signals(bench)
