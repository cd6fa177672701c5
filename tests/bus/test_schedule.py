# SPDX-License-Identifier: MIT
"""The poll schedule as the service tells it (rules section 5)."""

import time

import pytest
from gi.repository import GLib
from harness import BUS_NAME, BUS_ROOT
from treeclient import TreeClient, command

PROVIDER = "./Device/Vendor/MSFT/DMClient/Provider/A"
POLL = PROVIDER + "/Poll"
SIX = ["IntervalForFirstSetOfRetries", "NumberOfFirstRetries", "IntervalForSecondSetOfRetries",
       "NumberOfSecondRetries", "IntervalForRemainingScheduledRetries",
       "NumberOfRemainingScheduledRetries"]
SESSION = BUS_NAME + ".Session"


@pytest.fixture
def client(env, agent):
    made = TreeClient(env.socket)
    made.apply(command("Add", PROVIDER),
               command("Replace", PROVIDER + "/ManagementServiceAddress", "https://one.example/"))
    yield made
    made.close()


def send_poll(client, *numbers):
    """The six numbers as a server sends them, in one message."""
    commands = [command("Replace", f"{POLL}/{name}", str(number))
                for name, number in zip(SIX, numbers, strict=True)]
    # The Poll may be there already: 418.
    statuses = client.status(command("Add", POLL), *commands, provider="A")
    assert statuses[0] in (200, 418) and statuses[1:] == [200] * 6


def get_due(client):
    """When, in µs, and why."""
    (provider, due, reason), = client.call("GetDue")[0]
    assert provider == "A"
    return due, reason


def test_p4_all_off_is_logged_once(env, agent, client):
    send_poll(client, 0, 0, 0, 0, 0, 0)
    assert get_due(client)[1] == "daily"
    send_poll(client, 0, 0, 0, 0, 0, 0)
    client.close()
    agent.stop()
    assert agent.output().count("all poll schedules are off") == 1
    assert "dm_provider=A" in agent.output()


def test_p4_all_counts_zero_is_logged(env, agent, client):
    """What a large server sends: valid, and noted."""
    send_poll(client, 1, 0, 0, 0, 0, 0)
    assert get_due(client)[1] == "first"
    client.close()
    agent.stop()
    assert "all numbers of poll sessions are zero" in agent.output()


def test_p6_same_six_restart_nothing_and_a_kill_loses_nothing(env, agent, client):
    send_poll(client, 15, 5, 60, 30, 1440, 0)
    due = get_due(client)
    assert due[1] == "first"
    assert 14 * 60e6 < due[0] - time.time() * 1e6 < 17 * 60e6
    send_poll(client, 15, 5, 60, 30, 1440, 0)
    assert get_due(client) == due
    client.close()
    agent.kill()
    env.start_agent()
    again = TreeClient(env.socket)
    assert get_due(again) == due
    send_poll(again, 16, 5, 60, 30, 1440, 0)
    assert get_due(again)[0] > due[0]
    again.close()


def test_p8_next_scheduled_is_what_is_due(env, agent, client):
    send_poll(client, 15, 5, 60, 30, 1440, 0)
    due = get_due(client)[0]
    assert env.get_property(f"{BUS_ROOT}/Provider/A", SESSION, "NextScheduled") == due


def test_p3_maintenance_window(env, bus):
    env.configure("[tree]\nmaintenance-window=02:30\n")
    agent = env.start_agent()
    client = TreeClient(env.socket)
    client.apply(command("Add", PROVIDER))
    due, reason = get_due(client)
    local = time.localtime(due / 1e6)
    assert reason == "daily"
    assert local.tm_hour == 2 and 30 <= local.tm_min < 35
    client.close()
    agent.stop()


def test_l5_fallback_is_marked(client):
    """The address that worked comes last, and marked, until the new list has worked."""
    start = client.call("BeginSession", GLib.Variant("(ss)", ("A", "api")))[0]
    assert "fallback" not in start
    client.call("ReportSession", GLib.Variant("(sa{sv})", ("A", {
        "ended": GLib.Variant("b", True),
        "address": GLib.Variant("s", "https://one.example/")})))
    client.apply(command("Replace", PROVIDER + "/ManagementServerAddressList",
                         "<https://two.example/><https://three.example/>"))
    start = client.call("BeginSession", GLib.Variant("(ss)", ("A", "api")))[0]
    assert start["addresses"] == ["https://two.example/", "https://three.example/",
                                  "https://one.example/"]
    assert start["fallback"] is True
