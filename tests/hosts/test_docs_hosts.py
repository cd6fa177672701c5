# SPDX-License-Identifier: MIT
"""The examples of docs/hosts.md: they stand there as they are run, and do what is said of them."""

import os
import select
import signal
import subprocess

import pytest

import harness

DOCS = harness.ROOT / "docs"
HOST = harness.BUILD / "tests" / "hosts" / "example-host"
OTHER_TREE = DOCS / "examples" / "other-tree.py"
A = "./Device/Vendor/MSFT/DMClient/Provider/A"
CAMERA = "./Vendor/MSFT/Policy/Config/Camera"


class Example:
    """An example that runs beside the test."""

    def __init__(self, env, *words):
        self.popen = subprocess.Popen([*map(str, words)], env=env.environ(),
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait_ready(self):
        ready, _, _ = select.select([self.popen.stdout], [], [], harness.START_TIMEOUT)
        line = self.popen.stdout.readline() if ready else ""
        assert line == "ready\n", self.end()

    def end(self, signum=signal.SIGTERM):
        """Ends it, if it has not by itself: exit code and standard error."""
        if self.popen.poll() is None and signum:
            self.popen.send_signal(signum)
        _, complaint = self.popen.communicate(timeout=harness.STOP_TIMEOUT)
        harness.check_sanitizers("example", complaint)
        return self.popen.returncode, complaint


@pytest.mark.parametrize("name, fence", [("host.c", "c"), ("other-tree.py", "python")])
def test_what_the_page_shows_is_what_is_run(name, fence):
    text = (DOCS / "examples" / name).read_text()
    assert f"```{fence}\n{text}```\n" in (DOCS / "hosts.md").read_text()


def test_the_host_has_at_most_60_lines():
    assert len((DOCS / "examples" / "host.c").read_text().splitlines()) <= 60


def test_the_host_loads_serves_and_stops(env, bus):
    """Twice on the same state: what was written is there, and the socket goes with the host."""
    for value in ("1", "2"):
        host = Example(env, HOST, harness.PLUGIN, env.state_dir, env.socket)
        host.wait_ready()
        if value == "1":
            env.ctl("add", A, expect=0)
            env.ctl("add", f"{A}/HelpPhoneNumber", "0", expect=0)
        env.ctl("replace", f"{A}/HelpPhoneNumber", value, expect=0)
        assert env.get_property(f"{harness.BUS_ROOT}/Provider/A", f"{harness.BUS_NAME}.Provider",
                                "HelpPhoneNumber") == value
        assert host.end() == (0, "")
        assert not os.path.exists(env.socket)


def test_the_host_says_who_has_the_state(env, agent):
    host = Example(env, HOST, harness.PLUGIN, env.state_dir, env.dir / "other")
    code, complaint = host.end(signum=None)
    assert code == 1
    assert str(agent.pid) in complaint


def test_another_tree_answers_the_calls_of_this_one(env):
    tree = Example(env, "/usr/bin/python3", OTHER_TREE, env.socket)
    tree.wait_ready()
    env.ctl("add", CAMERA, "off", expect=0)
    env.ctl("add", CAMERA, "off", expect=1)
    assert env.ctl("get", CAMERA, expect=0).stdout == "off\n"
    env.ctl("replace", CAMERA, "on", expect=0)
    assert env.ctl("get", CAMERA, expect=0).stdout == "on\n"
    env.ctl("delete", CAMERA, expect=0)
    env.ctl("get", CAMERA, expect=3)
    assert tree.end()[0] == -signal.SIGTERM
