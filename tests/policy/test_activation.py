# SPDX-License-Identifier: MIT
"""The bus starts agent and broker: with the installed activation files, but that the bus itself
starts the programs, as their users, where a system has systemd."""

import configparser
import os
import select
import signal

import pytest

import accounts
import harness
from policy_bus import BUS, NOBODY, System

AGENT_NAME = harness.BUS_NAME
BROKER_NAME = AGENT_NAME + ".Broker"
UNITS = {AGENT_NAME: "dmclient-agent.service", BROKER_NAME: "dmclient-broker.service"}
USERS = {AGENT_NAME: accounts.AGENT, BROKER_NAME: accounts.BROKER}
STARTED, RUNNING = 1, 2

# Has the broker's name, and nothing else.
BROKER = ("import sys, gi; gi.require_version('Gio', '2.0'); from gi.repository import Gio, GLib;"
          "loop = GLib.MainLoop();"
          f"Gio.bus_own_name(Gio.BusType.SYSTEM, '{BROKER_NAME}', 0, None, None,"
          " lambda *_: sys.exit(1)); loop.run()")


def read_file(installed, name):
    """The activation file of a name, as its entries."""
    parser = configparser.ConfigParser(interpolation=None, delimiters="=")
    parser.optionxform = str
    with open(installed / installed.services / f"{name}.service", encoding="utf-8") as stream:
        parser.read_file(stream)
    return dict(parser["D-BUS Service"])


@pytest.mark.parametrize("name", UNITS)
def test_file(installed, name):
    """It names the unit that is installed, and starts nothing without systemd."""
    assert read_file(installed, name) == {
        "Name": name, "Exec": "/bin/false", "User": USERS[name], "SystemdService": UNITS[name]}
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(installed / installed.units / UNITS[name])
    assert unit["Service"]["BusName"] == name
    assert unit["Service"]["User"] == USERS[name]


@pytest.fixture
def system(env, installed):
    """A bus that can start both, as their users."""
    accounts.need()
    made = System(env, installed)
    state = made.make_directory("state", accounts.UIDS[accounts.AGENT])
    (env.dir / "broker.py").write_text(BROKER)
    agent = [*accounts.become(accounts.UIDS[accounts.AGENT]), installed / installed.agent,
             "--plugin", installed / installed.plugin, "--state-dir", state, "--socket",
             state / "tree", "--config", env.config]
    broker = [*accounts.become(accounts.UIDS[accounts.BROKER]), "/usr/bin/python3",
              env.dir / "broker.py"]
    services = env.dir / "services"
    services.mkdir()
    for name, words in ((AGENT_NAME, agent), (BROKER_NAME, broker)):
        entries = read_file(installed, name)
        del entries["SystemdService"]
        entries["Exec"] = " ".join(map(str, words))
        text = "\n".join(f"{key}={value}" for key, value in entries.items())
        (services / f"{name}.service").write_text(f"[D-BUS Service]\n{text}\n")
    made.start_bus(services)
    yield made
    for name in made["root"].bus_call("ListNames")[0]:
        if name in UNITS:
            stop(made, name)
    made.close()


def stop(system, name):
    """Ends the owner of a name, and waits until it has."""
    pid = system["root"].bus_call("GetConnectionUnixProcessID", f"('{name}',)")[0]
    pidfd = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGTERM)
        select.select([pidfd], [], [], harness.STOP_TIMEOUT)
    finally:
        os.close(pidfd)


def start(system, user, name):
    return system[user].bus_call("StartServiceByName", f"('{name}', uint32 0)")[0]


def owner(system, name):
    """The uid that has the name."""
    return system["root"].bus_call("GetConnectionUnixUser", f"('{name}',)")[0]


@pytest.mark.parametrize("name", UNITS)
def test_agents_user_starts_both(system, name):
    assert start(system, accounts.AGENT, name) == STARTED
    assert owner(system, name) == accounts.UIDS[USERS[name]]
    assert start(system, accounts.AGENT, name) == RUNNING


@pytest.mark.parametrize("name", UNITS)
def test_anybody_may_have_them_started(system, name):
    """The bus does not judge StartServiceByName by the name, so that everybody can: what that gives
    is that they run, as after each boot. Nothing can be said to the broker by it."""
    assert start(system, NOBODY, name) == STARTED
    assert owner(system, name) == accounts.UIDS[USERS[name]]


def test_a_message_to_the_broker_starts_it_for_whom_may_send_it(system):
    ping = (BROKER_NAME, "/", BUS + ".Peer", "Ping")
    for user in (NOBODY, accounts.BROKER):
        assert system[user].refusal(*ping).by_bus
    assert not system["root"].bus_call("NameHasOwner", f"('{BROKER_NAME}',)")[0]
    assert system[accounts.AGENT].call(*ping) == []


def test_the_call_that_started_the_agent_is_answered(system):
    """It comes as soon as the agent has its name."""
    value, = system[NOBODY].call(AGENT_NAME, harness.BUS_ROOT, BUS + ".Properties", "Get",
                                 f"('{AGENT_NAME}.Manager', 'Managed')")
    assert value is False
