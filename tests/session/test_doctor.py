# SPDX-License-Identifier: MIT
"""dmclientctl doctor: what it sees itself, what the broker sees, and what it says to whom."""

import json
import os
import re

import pytest

import cli_json
import harness
from device import PROVIDER

DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
SEARCH = f"{harness.BROKER.parent}:{os.environ['PATH']}"


def doctor(env, *arguments, expect=0, **more):
    """{(by, id): finding}, and what was not looked at."""
    done = env.ctl("doctor", "--json", *arguments, expect=expect, PATH=more.pop("PATH", SEARCH),
                   **more)
    answer = json.loads(done.stdout)
    cli_json.check("doctor", done.stdout)
    for one in answer["findings"]:
        assert one["level"] == "ok" or one["next"]
    order = ["ok", "warning", "error"]
    assert answer["level"] == max((one["level"] for one in answer["findings"]), key=order.index)
    found = {(one["by"], one["id"]): one for one in answer["findings"]}
    return found, answer["not_looked_at"]


def as_nobody(env, *arguments, expect):
    env.dir.chmod(0o755)
    return env.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", harness.CTL,
                   "doctor", *arguments, expect=expect, PATH=SEARCH)


@pytest.fixture
def healthy(device, serve):
    """A device that is enrolled, with everything that runs."""
    server = serve([])
    device.enrol(server)
    device.env.start_broker()
    device.server = server
    return device


def test_nothing_is_wrong(healthy):
    found, skipped = doctor(healthy.env)
    assert {one["level"] for one in found.values()} == {"ok"} and skipped == []
    for name in ("bus", "service", "health", "enrolment"):
        assert ("dmclientctl", name) in found
    for name in ("config", "key-directory", "daemon", "bus", "socket", "store", "certificate",
                 "schedule", "addresses", "server", "clock"):
        assert ("dmclient-broker", name) in found
    assert found["dmclient-broker", "server"]["provider"] == PROVIDER
    assert healthy.server.looks == 1 and not healthy.server.exchanges
    text = healthy.env.ctl("doctor", expect=0, PATH=SEARCH).stdout
    assert text.endswith("\nNothing is wrong.\n")


def test_what_the_broker_finds_is_1(healthy):
    healthy.server.ahead_s = 7 * 86400
    found, _ = doctor(healthy.env, expect=1)
    assert found["dmclient-broker", "clock"]["level"] == "error"
    text = healthy.env.ctl("doctor", expect=1, PATH=SEARCH).stdout
    assert "timedatectl" in text and text.endswith("\nErrors: 1, warnings: 0.\n")


def test_not_enrolled_is_5(env, agent):
    env.run(harness.BROKER, "--import-certificate", "/nonexistent", "--key", "/nonexistent")
    env.start_broker()
    found, _ = doctor(env, expect=5)
    assert found["dmclientctl", "enrolment"]["level"] == "warning"
    assert "dmclientctl provision" in found["dmclientctl", "enrolment"]["next"]


def test_no_service_is_6(env, bus):
    """And the broker is asked all the same."""
    found, _ = doctor(env, expect=6)
    assert found["dmclientctl", "service"]["level"] == "error"
    assert found["dmclient-broker", "socket"]["level"] == "error"
    assert "systemctl start" in found["dmclientctl", "service"]["next"]


def test_no_bus_is_6(env):
    found, _ = doctor(env, expect=6)
    assert found["dmclientctl", "bus"]["level"] == "error"
    assert str(env.dir) in found["dmclientctl", "bus"]["text"]


def test_a_service_that_the_bus_keeps_from_us_is_4(env):
    env.start_bus(harness.BUS_CONFIG.replace(
        "</policy>", '<deny send_destination="org.dmclient.DMClient1"/></policy>'))
    env.start_agent()
    found, _ = doctor(env, expect=4)
    assert found["dmclientctl", "access"]["level"] == "error"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_others_hear_what_was_not_looked_at(healthy):
    env = healthy.env
    env.state_dir.chmod(0o755)
    done = as_nobody(env, "--json", expect=0)
    answer = json.loads(done.stdout)
    assert {one["by"] for one in answer["findings"]} == {"dmclientctl"}
    skipped, = answer["not_looked_at"]
    assert "keys" in skipped["text"] and skipped["next"] == "Run 'sudo dmclientctl doctor'."
    text = as_nobody(env, expect=0).stdout
    assert "Not looked at: keys" in text and "sudo dmclientctl doctor" in text
    assert healthy.server.looks == 0


def test_no_broker_is_found(env, agent):
    found, _ = doctor(env, expect=1, PATH="/nonexistent")
    assert found["dmclientctl", "broker"]["level"] == "error"


@pytest.mark.parametrize("says", ["", "[]", "{}", '{"findings":[{"id":"x"}]}',
                                  '{"findings":[{"id":"x","level":"bad","text":"t"}]}'])
def test_a_broker_that_says_anything_else(env, agent, says):
    script = env.dir / "dmclient-broker"
    script.write_text(f"#!/bin/sh\nprintf '%s' '{says}'\n")
    script.chmod(0o755)
    found, _ = doctor(env, expect=1, PATH=f"{env.dir}:{os.environ['PATH']}")
    assert found["dmclientctl", "broker"]["level"] == "error"


def test_hostile_text_is_escaped(env, agent):
    script = env.dir / "dmclient-broker"
    finding = json.dumps({"findings": [{
        "id": "tls", "level": "error", "provider": "\u202e\x1b[2J", "next": "\x9b1m\nx\u200b",
        "text": "a\n  service         ok  fake"}]})
    script.write_text(f"#!/bin/sh\ncat <<'EOF'\n{finding}\nEOF\n")
    script.chmod(0o755)
    for option in ([], ["--json"]):
        text = env.ctl("doctor", *option, expect=1,
                       PATH=f"{env.dir}:{os.environ['PATH']}").stdout
        assert not DANGEROUS.search(text)
        assert option or not re.search("^  service .*fake", text, re.M), "no line of its own"
