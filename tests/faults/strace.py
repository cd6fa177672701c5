# SPDX-License-Identifier: MIT
"""Runs a program under strace: to count its system calls, to make one of them fail or be its last,
and to record what it writes."""

import dataclasses
import os
import re
import shutil
import subprocess

import harness

# What changes files. A program's own output (write) is no part of it.
WRITING = ("pwrite64", "fdatasync", "fsync", "ftruncate", "unlink")
TIMEOUT = 30

# An option: stops for the calls that are looked at, and no others.
FAST = "--seccomp-bpf"

LINE = re.compile(r"^(?:\d+ +)?(?P<name>\w+)\((?P<arguments>.*)\) += (?P<result>-?\d+|\?)(?P<rest>.*)$")


def is_available():
    """Why strace cannot be used here; None if it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True)
    return None if probe.returncode == 0 else f"strace: {probe.stderr.strip()}"


def run(argv, log, *options, names=WRITING):
    """Runs `argv` under strace with `options`, its trace in `log`."""
    command = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=" + ",".join(names), *options]
    return subprocess.run(
        [*command, *map(str, argv)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        env=dict(os.environ, **harness.without_leaks()),
    )


@dataclasses.dataclass
class Call:
    name: str
    arguments: str
    result: str
    injected: bool


def parse(log):
    """The finished calls in `log`."""
    calls = []
    for line in log.read_text(errors="replace").splitlines():
        match = LINE.match(line)
        if match:
            injected = "(INJECTED)" in match["rest"]
            calls.append(Call(match["name"], match["arguments"], match["result"], injected))
    return calls


def count(argv, log, names=WRITING):
    """How often `argv` makes each of the calls."""
    result = run(argv, log, FAST, names=names)
    assert result.returncode == 0, result.stderr
    made = [call.name for call in parse(log)]
    return {name: made.count(name) for name in names if name in made}


def inject(argv, log, name, number, what):
    """Runs `argv`; its call `number` of `name` gets `what` ("signal=KILL", "error=ENOSPC")."""
    return run(argv, log, *([] if "signal" in what else [FAST]),  # it would have no signals come
               "-e", f"inject={name}:{what}:when={number}")


def choose(number):
    """Which of that many calls a process is killed in: all; under a sanitizer, which sees little
    of one that is killed, one of four and the last."""
    if not harness.is_sanitized():
        return range(1, number + 1)
    return sorted({*range(1, number + 1, 4), number})
