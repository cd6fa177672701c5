# SPDX-License-Identifier: MIT
"""The units in a system that systemd runs, with all that they confine (security.md section 1)."""

import json
import pathlib
import shutil
import tempfile

import pytest

import booted

CONFINED = {"CapBnd": "0" * 16, "CapEff": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2",
            "own users": False}


@pytest.fixture(scope="module")
def facts(installed):
    """What was found in one boot, which all tests look at."""
    booted.need(installed)
    directory = pathlib.Path(tempfile.mkdtemp(prefix="dm.", dir="/tmp"))
    try:
        found = booted.boot(directory, installed)
        print(found["journal"][1])  # shown with a test that fails
        yield found
    finally:
        shutil.rmtree(directory)


def test_places(facts):
    """One socket, 0660 in a directory of 0750: root and the broker; the states 0700."""
    assert facts["places"] == {
        "/run/dmclient": "750 root dmclient-broker",
        "/run/dmclient/tree": "660 root dmclient-broker",
        "/var/lib/dmclient": "700 dmclient dmclient",
        "/var/lib/dmclient-broker": "700 dmclient-broker dmclient-broker",
    }
    assert facts["states"].items() <= facts["places"].items()


def test_socket_starts_the_agent(facts):
    assert facts["before"] == {"ActiveState": "inactive"}
    assert facts["enrolled"][0] == 0, facts["enrolled"]
    assert facts["socket starts"] == {"ActiveState": "active"}


def test_bus_starts_the_agent(facts):
    """By whoever reads a property."""
    code, version = facts["bus starts"]
    assert code == 0 and version.startswith("s "), version


def test_keys_are_the_brokers(facts):
    """Also those that root imported before the broker ever ran."""
    keys = [name for name in facts["keys"] if not name.endswith(".lock")]
    assert keys
    for name in keys:
        assert facts["keys"][name] == "600 dmclient-broker dmclient-broker"


def test_agent_is_confined(facts):
    assert facts["agent"] == {"user": "dmclient", "own network": True, **CONFINED}


def test_peers_of_the_socket(facts):
    """Root and the broker; the agent's own user does not count in a system's instance."""
    assert facts["peers"]["root"] == facts["peers"]["dmclient-broker"] == "OK"
    assert facts["peers"]["dmclient"] == facts["peers"]["nobody"] == "PermissionError:"


def test_agent_is_back_after_a_kill(facts):
    """G9: the same state is on the bus within two seconds."""
    killed = facts["killed"]
    assert killed["new"]
    assert killed["providers"][0] == 0 and killed["providers"][1].startswith("ao 1 "), killed
    assert killed["seconds"] < 2


def test_agent_ends_well(facts):
    assert facts["ends"]["dmclient-agent.service"] == {"Result": "success"}


def test_bus_starts_the_broker(facts):
    """By the agent's user; it runs confined, with the network, and has its name."""
    assert facts["broker activation"] == [0, "u 1"]
    assert facts["broker"] == {"user": "dmclient-broker", "own network": False, **CONFINED}
    assert facts["broker owner"][0] == 0
    assert facts["broker unit"] == {"ActiveState": "active", "NRestarts": "0"}
    assert facts["ends"]["dmclient-broker.service"] == {"Result": "success"}


def test_doctor_sees_what_its_caller_may(facts):
    """Root's check becomes the broker's user, and finds its directory, keys and peers in order."""
    code, text = facts["doctor"]["root"]
    assert code == 1, "no server is in the container"
    found = {(one["by"], one["id"]): one["level"] for one in json.loads(text)["findings"]}
    for name in ("key-directory", "daemon", "bus", "socket", "store", "addresses"):
        assert found["dmclient-broker", name] == "ok", text
    assert found["dmclient-broker", "certificate"] == "warning", "it is made for 30 days"
    assert {name for (_, name), level in found.items() if level == "error"} <= {"resolve", "connect"}
    code, text = facts["doctor"]["nobody"]
    assert code == 0 and len(json.loads(text)["not_looked_at"]) == 1, text


def test_nobody_else_watches_sessions(facts):
    code, text = facts["monitor"]
    assert code == 4 and "only root" in text
