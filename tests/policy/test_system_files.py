# SPDX-License-Identifier: MIT
"""Units, users and directories as they are installed: they fit each other, the programs and what
systemd says of them. Needs no systemd that runs."""

import configparser
import os
import re
import shutil
import subprocess

import pytest

import accounts
import harness

UNITS = ["dmclient-agent.service", "dmclient-agent.socket", "dmclient-broker.service"]
# Other units that ours name, from the machine's systemd.
MACHINE_UNITS = ["basic", "sysinit", "sockets", "multi-user", "shutdown", "network", "nss-lookup",
                 "paths", "slices", "timers", "local-fs", "swap", "graphical"]
# security.md: the highest exposure that each may have.
EXPOSURE = {"dmclient-agent.service": 1.0, "dmclient-broker.service": 2.0}


def run(*argv, expect=0):
    result = subprocess.run([str(word) for word in argv], capture_output=True, text=True,
                            timeout=harness.RUN_TIMEOUT, check=False)
    assert result.returncode == expect, result.stdout + result.stderr
    return result.stdout + result.stderr


def read_unit(installed, name):
    """A unit's sections; of keys that stand there several times the last."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters="=")
    parser.optionxform = str
    with open(installed / installed.units / name, encoding="utf-8") as stream:
        parser.read_file(stream)
    return parser


@pytest.fixture
def copy(installed, tmp_path):
    """A root directory with the installed tree and the machine's units, to do things in."""
    root = tmp_path / "root"
    shutil.copytree(installed.root, root, symlinks=True)
    units = root / "usr/lib/systemd/system"
    units.mkdir(parents=True, exist_ok=True)
    for name in (*(f"{unit}.target" for unit in MACHINE_UNITS), "dbus.service", "dbus.socket"):
        shutil.copy(f"/lib/systemd/system/{name}", units)
    return root


# -- units ---------------------------------------------------------------------------------------


def test_units_are_verified(copy):
    assert run("systemd-analyze", "verify", "--man=no", f"--root={copy}", *UNITS) == ""


@pytest.mark.parametrize("name", EXPOSURE)
def test_verification_can_fail(copy, installed, name):
    """A key that there is not, and a program that there is not."""
    path = copy / str(installed.units)[1:] / name
    text = path.read_text()
    path.write_text(text.replace("[Service]", "[Service]\nNoSuchKey=yes"))
    assert "NoSuchKey" in run("systemd-analyze", "verify", "--man=no", f"--root={copy}", name)
    path.write_text(re.sub("^ExecStart=.*$", "ExecStart=/nothing/there", text, flags=re.M))
    run("systemd-analyze", "verify", "--man=no", f"--root={copy}", name, expect=1)


@pytest.mark.parametrize("name", EXPOSURE)
def test_exposure(installed, name):
    output = run("systemd-analyze", "security", "--offline=true", "--no-pager",
                 installed / installed.units / name)
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+) ", output)
    assert float(level[1]) <= EXPOSURE[name], output


@pytest.mark.parametrize("name,program", [("dmclient-agent.service", "agent"),
                                          ("dmclient-broker.service", "broker")])
def test_unit_runs_the_installed_program(installed, name, program):
    """Without options: the defaults are those of the system's instance."""
    path = getattr(installed, program)
    assert read_unit(installed, name)["Service"]["ExecStart"] == str(path)
    assert os.access(installed / path, os.X_OK)


@pytest.mark.parametrize("name", EXPOSURE)
def test_restart_on_failure_has_a_limit(installed, name):
    unit = read_unit(installed, name)
    assert unit["Service"]["Type"] == "notify"
    assert unit["Service"]["Restart"] == "on-failure"
    assert int(unit["Unit"]["StartLimitBurst"]) > 0
    assert unit["Unit"]["StartLimitIntervalSec"] != "0"


@pytest.mark.parametrize("name", EXPOSURE)
def test_what_a_unit_must_not_have(installed, name):
    """PrivateUsers= hides who a peer of the tree socket is; a watchdog wakes an idle process."""
    service = read_unit(installed, name)["Service"]
    assert "PrivateUsers" not in service and "WatchdogSec" not in service
    # It would be given to the agent, and taken away with the socket in it when the agent stops.
    assert "RuntimeDirectory" not in service


def test_agent_has_no_network(installed):
    service = read_unit(installed, "dmclient-agent.service")["Service"]
    assert service["RestrictAddressFamilies"] == "AF_UNIX"
    assert service["PrivateNetwork"] == "yes" and service["IPAddressDeny"] == "any"


def test_agent_serves_the_socket_of_its_unit(installed):
    """At the place where clients look for it."""
    socket = read_unit(installed, "dmclient-agent.socket")["Socket"]
    help_text = run(installed / installed.agent, "--help")
    assert f"[{socket['ListenStream']}]" in help_text
    assert socket["SocketMode"] == "0660" and socket["DirectoryMode"] == "0750"


def test_states_are_where_the_programs_look(installed):
    for program, unit in ((installed.agent, "dmclient-agent.service"),
                          (installed.broker, "dmclient-broker.service")):
        service = read_unit(installed, unit)["Service"]
        assert f"/var/lib/{service['StateDirectory']}" in run(installed / program, "--help")
        assert service["StateDirectoryMode"] == "0700"


# -- users and directories -----------------------------------------------------------------------


def read_names(path):
    """Names and numbers of a file such as /etc/passwd."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {line.split(":")[0]: line.split(":") for line in lines}


def test_users(copy, installed):
    """Two of the system, each with a group of its own and in no other, who cannot log in."""
    run("systemd-sysusers", f"--root={copy}", copy / str(installed.sysusers)[1:])
    users, groups = read_names(copy / "etc/passwd"), read_names(copy / "etc/group")
    assert set(accounts.UIDS) <= set(users)
    assert users[accounts.AGENT][2] != users[accounts.BROKER][2]
    for name in accounts.UIDS:
        assert 0 < int(users[name][2]) < 1000
        assert users[name][3] == groups[name][2]
        assert users[name][5] == f"/var/lib/{name}"
        assert users[name][6].endswith("/nologin")
    assert all(group[3] == "" for group in groups.values())


def test_directories(copy, installed):
    if os.geteuid() != 0:
        pytest.skip("only root can give directories to others")
    run("systemd-sysusers", f"--root={copy}", copy / str(installed.sysusers)[1:])
    run("systemd-tmpfiles", f"--root={copy}", "--create", copy / str(installed.tmpfiles)[1:])
    users, groups = read_names(copy / "etc/passwd"), read_names(copy / "etc/group")
    agent, broker = accounts.AGENT, accounts.BROKER
    for path, mode, user, group in (("run/dmclient", 0o750, "root", broker),
                                    (f"var/lib/{agent}", 0o700, agent, agent),
                                    (f"var/lib/{broker}", 0o700, broker, broker)):
        found = (copy / path).stat()
        uid = 0 if user == "root" else int(users[user][2])
        assert (found.st_mode & 0o7777, found.st_uid, found.st_gid) == (
            mode, uid, int(groups[group][2])), path


# -- the tree as a whole -------------------------------------------------------------------------


def test_every_place_is_filled(installed):
    """All that the system reads is there, once, and for everybody to read."""
    expected = [installed.bus_policy, installed.sysusers, installed.tmpfiles, installed.actions,
                *(installed.units / name for name in UNITS),
                *(installed.services / f"org.dmclient.DMClient1{name}.service"
                  for name in ("", ".Broker")),
                *(installed.apparmor / name for name in ("dmclient-agent", "dmclient-broker"))]
    for path in expected:
        mode = (installed / path).stat().st_mode & 0o7777
        assert mode == 0o644, path


def test_no_place_is_left_open(installed):
    """What is to be filled in was, and nothing names the build."""
    for folder in (installed.units, installed.apparmor, installed.services):
        for path in (installed / folder).iterdir():
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"@(agent|broker|plugin)@", text), path
            assert str(harness.ROOT) not in text and str(installed.root) not in text, path


def test_the_agent_finds_its_plugin(installed):
    """Where it was installed."""
    assert f"[{installed.plugin}]" in run(installed / installed.agent, "--help")
    assert (installed / installed.plugin).exists()


def test_without_system_files(tmp_path):
    """-Dsystem_files=false leaves all of them out."""
    build = tmp_path / "build"
    run("meson", "setup", build, harness.ROOT, "-Dsystem_files=false", f"--prefix={tmp_path}/p")
    plan = run("meson", "introspect", "--installed", build)
    assert "dmclientctl" in plan
    for name in (*UNITS, "sysusers", "apparmor.d", "dbus-1/system", "polkit"):
        assert name not in plan.replace(str(tmp_path), ""), name
