# SPDX-License-Identifier: MIT
"""The AppArmor profiles parse, and let the programs do what they do: a run of each is traced, and
what it did with files is held against its profile, as if it had been at the system's places."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from installed import get_options

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "server"), str(TESTS / "session")]

import certs  # noqa: E402
from device import PROVIDER, Device  # noqa: E402
from mdm_server import MdmServer  # noqa: E402

PROFILES = ["dmclient-agent", "dmclient-broker"]


@pytest.fixture(autouse=True)
def parser():
    if shutil.which("apparmor_parser") is None:
        pytest.skip("apparmor_parser is needed (package apparmor)")
    pytest.importorskip("apparmor.aare", reason="python3-apparmor is needed")


def parse(path):
    return subprocess.run(["apparmor_parser", "--skip-kernel-load", "--skip-cache", "--quiet",
                           "--abort-on-error", path], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", PROFILES)
def test_profile_parses(installed, tmp_path, name):
    path = installed / installed.apparmor / name
    result = parse(path)
    assert result.returncode == 0, result.stderr
    broken = tmp_path / name
    broken.write_text(path.read_text().replace(" mr,", " no,", 1))
    assert parse(broken).returncode != 0


@pytest.fixture
def traced():
    """The module that reads traces; skips where there can be none that means something."""
    import apparmor_profile
    if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True).returncode != 0:
        pytest.skip("strace cannot trace here")
    if get_options()["b_sanitize"] != "none":
        pytest.skip("a sanitizer opens files of its own")
    return apparmor_profile


def places(env, installed):
    """Where the files of a private run are on a system, the longer paths first."""
    return {
        f"{env.state_dir}/broker": "/var/lib/dmclient-broker",
        str(env.state_dir): "/var/lib/dmclient",
        str(env.socket): "/run/dmclient/tree",
        str(env.config): "/etc/dmclient/dmclient.conf",
        f"{env.dir}/bus": "/run/dbus/system_bus_socket",
        f"{env.dir}/certs": "/etc/dmclient",
        str(installed.root): "",
    }


def find_done(module, log, where):
    """(path, access) of what the program did, as it would have been on a system."""
    done = set()
    for path, access in module.read_trace(log):
        for private, system in where.items():
            if path == private or path.startswith(private + "/"):
                path = system + path[len(private):]
                break
        done.add((path, access))
    return done


def run_agent(env, installed, module, log):
    """Starts, shows and stops the agent, twice: the second time there is a store."""
    env.state_dir.mkdir(mode=0o700)
    for _ in range(2):
        reading, writing = os.pipe()
        # Its tracer stands aside, so that the process is the agent; it has the pipe until it ends.
        env.start_agent(program=installed / installed.agent, plugin=installed / installed.plugin,
                        prefix=[*module.trace(log, "-A", "-D")], pass_fds=[writing])
        os.close(writing)
        env.ctl("tree", expect=0)
        env.call_manager("CollectLogs")
        env.agent.stop()
        with os.fdopen(reading, "rb") as pipe:
            assert pipe.read() == b""


def test_agent_does_what_its_profile_lets(env, bus, installed, traced):
    log = env.dir / "trace"
    run_agent(env, installed, traced, log)
    profile = traced.Profile(installed / installed.apparmor / "dmclient-agent")
    done = find_done(traced, log, places(env, installed))
    assert {("/etc/machine-id", "r"), ("/var/lib/dmclient/", "r"),
            ("/run/dbus/system_bus_socket", "rw"), (str(installed.plugin), "mr")} <= done
    assert [what for what in sorted(done) if not profile.lets(*what)] == []
    # Neither what the broker keeps nor what anybody else does.
    for path in ("/var/lib/dmclient-broker/x.key", "/etc/shadow", "/home/a/b", "/etc/dmclient/x"):
        assert not profile.lets(path, "r")
    assert not profile.lets("/etc/dmclient/dmclient.conf", "w")


def test_broker_does_what_its_profile_lets(env, installed, traced):
    log = env.dir / "trace"
    (env.dir / "certs").mkdir()
    certs.make(str(env.dir / "certs"))
    env.start_bus()
    env.start_agent()
    device = Device(env, env.dir / "certs")
    server = MdmServer(str(env.dir / "certs"), [])
    try:
        device.enrol(server)
        env.run(*traced.trace(log), installed / installed.broker, "--once", PROVIDER, expect=0)
    finally:
        server.stop()
    profile = traced.Profile(installed / installed.apparmor / "dmclient-broker")
    done = find_done(traced, log, places(env, installed))
    assert {("/run/dmclient/tree", "rw"), ("/var/lib/dmclient-broker/", "r"),
            ("/etc/dmclient/ca.pem", "r")} <= done
    assert [what for what in sorted(done) if not profile.lets(*what)] == []
    for path in ("/var/lib/dmclient/dmclient.db", "/etc/shadow", "/home/a/b"):
        assert not profile.lets(path, "r")
    assert not profile.lets("/etc/dmclient/dmclient.conf", "w")
