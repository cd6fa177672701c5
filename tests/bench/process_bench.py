# SPDX-License-Identifier: MIT
"""The agent as a process: start, memory, wake-ups."""

import select
import statistics
from pathlib import Path

import providers
from bench import NAME, PROVIDER, STUB, memory, show, stop

IDLE_S = 30
INTERFACE = NAME + ".Provider"


def bench_start(bench):
    rounds = bench.n(11)
    floor = [bench.client("start", STUB, "/", NAME, "X", bench.program("bench-stub"), STUB, providers.PHONE)
             for _ in range(rounds)]
    for count in (1, bench.n(1000, 2)):
        state = bench.make_state(count)
        times = [bench.client("start", NAME, PROVIDER, INTERFACE, "HelpPhoneNumber",
                              *bench.agent_command(state)) for _ in range(rounds)]
        show(f"start-{count}-providers", statistics.median(times), "ms", statistics.median(floor))


def bench_memory(bench):
    many = bench.n(1000, 2)
    stub = bench.stub()
    floor = memory(stub)
    sizes = {}
    for count in (1, many):
        agent = bench.agent(bench.make_state(count))
        sizes[count] = memory(agent)
        stop(agent)
    stop(stub)
    show("agent-private-dirty", sizes[1]["Private_Dirty"] / 1024, "MB", floor["Private_Dirty"] / 1024)
    show("agent-rss", sizes[1]["Rss"] / 1024, "MB", floor["Rss"] / 1024)
    show("memory-a-provider", (sizes[many]["Private_Dirty"] - sizes[1]["Private_Dirty"]) / (many - 1), "kB")


def switches(process):
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    return 0


def bench_idle(bench):
    seconds = bench.n(IDLE_S, 0.1)
    agent = bench.agent(bench.make_state(1))
    before = switches(agent)
    # The one place that waits for time to pass: passing time is what is measured.
    select.select([], [], [], seconds)
    show("idle-wake-ups", (switches(agent) - before) * 60 / seconds, "a-minute")
    stop(agent)
