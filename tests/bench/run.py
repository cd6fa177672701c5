#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the benchmarks of design section 10 and prints `name value unit floor ratio` a line."""

import argparse
import tempfile
from pathlib import Path

import bus_bench
import host_bench
import process_bench
import session_bench
import viewer_bench
from bench import Bench

ROOT = Path(__file__).resolve().parents[2]
HEADER = """\
# ratio = value / floor, medians of one run. The floor is the least that does the same: a stub that
# sends the same bytes, a bare write, parse or POST; in rows that end in -vs-gdbus it is the same
# service on GDBus skeletons. Rows -cpu add up service, bus and client: where others use the machine,
# believe them rather than the clock.
name value unit floor ratio"""
GROUPS = {
    "message": ("a SyncML message of 50 commands: CPU a command",
                lambda bench: bench.run("bench-message", *([4] if bench.quick else []))),
    "commit": ("durable commits of 1 and of 100 leaves a second",
               lambda bench: bench.run("bench-commit", bench.dir, *([1] if bench.quick else []))),
    "fleet": ("a million devices by the poll schedule: peak of arrivals to mean",
              lambda bench: bench.run("bench-fleet", *([100] if bench.quick else []))),
    "bus": ("all of the three below", bus_bench.run),
    "read": ("Get and GetAll, memory after them, threads", bus_bench.bench_read),
    "managed": ("GetManagedObjects of 1 to 1,000 providers, memory after it", bus_bench.bench_managed),
    "signals": ("PropertiesChanged of a commit to 1 and to 32 subscribers", bus_bench.bench_signals),
    "start": ("from exec of the agent to the first Get answered", process_bench.bench_start),
    "memory": ("the agent's, idle, and what a provider adds", process_bench.bench_memory),
    "idle": ("wake-ups of an agent with nothing due", process_bench.bench_idle),
    "omadm": ("Get by an OMA-DM client's module, against a tree call", host_bench.bench_omadm),
    "osconfig": ("MmiGet by the module for OSConfig, against a tree call", host_bench.bench_osconfig),
    "session": ("a session of ten messages over TLS", session_bench.run),
    "viewer": ("from exec of the viewer to its window, 100 providers", viewer_bench.run),
}
# Part of another group.
PARTS = ("read", "managed", "signals")


def parse():
    width = max(map(len, GROUPS))
    parser = argparse.ArgumentParser(
        description="Runs the benchmarks of design section 10.", prog="tools/bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="groups (all):\n" + "\n".join(f"  {name:{width}} {text}" for name, (text, _) in GROUPS.items()))
    parser.add_argument("--build", type=Path, default=ROOT / "build", help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true",
                        help="each program once with tiny counts: says that they run, not how fast")
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], metavar="GROUP", help="what to measure")
    return parser.parse_args()


def main():
    options = parse()
    build = options.build.resolve()
    # Beside the build: a commit's figure is that of the disk the project is on, not of a tmpfs.
    with tempfile.TemporaryDirectory(dir=build) as directory:
        bench = Bench(build, directory, options.quick)
        try:
            print(HEADER)
            for name in options.groups or [name for name in GROUPS if name not in PARTS]:
                GROUPS[name][1](bench)
        finally:
            bench.close()


if __name__ == "__main__":
    main()
