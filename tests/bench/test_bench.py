# SPDX-License-Identifier: MIT
"""Every benchmark runs, and prints figures. How fast is not judged here: that is for people."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("DM_BUILD_DIR", ROOT / "build")).resolve()
# Rows that each group has at least.
ROWS = {
    "message": {"message-50-commands"},
    "commit": {"commit-1-leaf", "commit-100-leaves"},
    "fleet": {"fleet-daily"},
    "read": {"get-64-in-flight", "get-all-64-in-flight-vs-gdbus", "get-cpu", "after-get-rss", "threads"},
    "managed": {"managed-objects-1", "managed-objects-1-vs-gdbus", "managed-objects-2-once",
                "managed-objects-2-left"},
    "signals": {"signals-1-subscribers", "signals-2-subscribers-vs-gdbus", "after-signals-dirty"},
    "start": {"start-1-providers"},
    "memory": {"agent-private-dirty", "agent-rss", "memory-a-provider"},
    "idle": {"idle-wake-ups"},
    "omadm": {"omadm-get", "omadm-get-cpu"},
    "osconfig": {"osconfig-get", "osconfig-get-cpu"},
    "session": {"session-10-messages", "session-10-messages-durable"},
    "viewer": {"viewer-window-2-providers"},
}


@pytest.fixture(scope="module")
def programs():
    """Those are built only when they are asked for."""
    built = subprocess.run(["ninja", "-C", BUILD, "benches"], capture_output=True, text=True)
    assert built.returncode == 0, built.stdout


@pytest.mark.parametrize("group", ROWS)
def test_bench_runs(programs, group):
    if group == "viewer" and not (BUILD / "tests/bench/bench-window").exists():
        pytest.skip("built without the viewer: GTK 4 or libadwaita is not there")
    # What serves the benchmarks is ended, not closed: what it holds then is no leak.
    sanitizers = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
    out = subprocess.run([sys.executable, ROOT / "tests/bench/run.py", "--build", BUILD, "--quick", group],
                         env=dict(os.environ, ASAN_OPTIONS=sanitizers), capture_output=True, text=True)
    assert out.returncode == 0, out.stderr
    rows = [line.split() for line in out.stdout.splitlines() if not line.startswith("#")]
    assert rows.pop(0) == ["name", "value", "unit", "floor", "ratio"]
    assert ROWS[group] <= {row[0] for row in rows}
    for _, value, _, floor, ratio in rows:
        float(value)
        assert (floor == "-") == (ratio == "-")
        if floor != "-":
            assert float(floor) > 0
            float(ratio)


def test_help_names_every_group():
    out = subprocess.run([ROOT / "tools/bench", "--help"], capture_output=True, text=True)
    assert out.returncode == 0
    groups = {line.split()[0] for line in out.stdout.split("groups (all):")[1].splitlines() if line}
    assert groups == {*ROWS, "bus"}
