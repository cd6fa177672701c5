# SPDX-License-Identifier: MIT
"""first-sync: how far it is, and watched until its end."""

import json
import os
import re

import pytest

import harness
from cli_helpers import Beside, Terminal, on_terminal

P = "/org/dmclient/DMClient1/Provider"
I = "org.dmclient.DMClient1"
MANAGER = "{'Version': <'0.1.0'>, 'Managed': <true>, 'Health': <'ok'>}"
FAILED = f"""({MANAGER}, {{
 objectpath '{P}/X': {{'{I}.Provider': {{'ProviderID': <'X'>}}}},
 '{P}/X/FirstSyncStatus': {{
  '{I}.FirstSyncStatus': {{'CustomErrorText': <'Call the help desk.\\nTell them: 7'>}},
  '{I}.Progress': {{'Phase': <'failed'>, 'Deadline': <uint64 0>,
    'FailedItems': <['./A 500 the package is broken', '\\u202e./B']>,
    'Categories': <[('Policies', uint32 1200, uint32 1198, uint32 2), ('PFXCerts', 0, 0, 0),
                    ('Some\\u001b[2Jthing', 4, 4, 0)]>}}}},
 '/org/dmclient/DMClient1/User/1000/Provider/X/FirstSyncStatus': {{
  '{I}.Progress': {{'Phase': <'none'>}}}}
}})"""
BARE = f"({MANAGER}, {{objectpath '{P}/X': {{'{I}.Provider': {{'ProviderID': <'X'>}}}}}})"
USER_SYNC = "./User/Vendor/MSFT/DMClient/Provider/X/FirstSyncStatus"
ITEMS = "./Vendor/MSFT/Policy/A\uf000./Vendor/MSFT/Policy/B"


@pytest.fixture
def running(tree, broker):
    """A first sync under way, with two things to do."""
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", "https://mdm.example.test/dm")
    tree.set_leaf("FirstSyncStatus/ExpectedPolicies", ITEMS)
    broker.begin()
    return tree


def finish(tree, how="1"):
    tree.set_leaf("FirstSyncStatus/WasDeviceSuccessfullyProvisioned", how)


def test_text(env, stub, golden):
    stub(FAILED)
    golden("first-sync.txt", env.ctl("first-sync", expect=0).stdout)


def test_json(env, stub, golden):
    stub(FAILED)
    golden("first-sync.json", env.ctl("first-sync", "--json", expect=0).stdout)


def test_hostile_text_is_escaped_on_a_terminal(env, stub):
    stub(FAILED)
    text = on_terminal(env, "first-sync")
    assert "\033[2J" not in text and "\u202e" not in text
    assert "Some\\x1b[2Jthing" in text and "\\u202e./B" in text


@pytest.mark.parametrize("columns", [40, 60])
def test_it_fits_the_terminal(env, stub, columns):
    stub(FAILED)
    lines = Terminal(env, harness.CTL, "first-sync", columns=columns).wait().split("\r\n")
    assert max(len(line) for line in lines) <= columns
    assert any("CATEGORY" in line for line in lines)


def test_real_service(env, running):
    text = env.ctl("first-sync", expect=0).stdout
    assert re.search(r"First sync +running, 0 of 2 done\n", text)
    assert re.search(r"Time left +(59|60) minutes\n", text)
    assert re.search(r"Policies +\[\.{20}\] +0 +0 +2\n", text)


@pytest.mark.parametrize("how, code, word", [("1", 0, "succeeded"), ("0", 1, "failed")])
def test_watched_in_a_pipe(env, running, how, code, word):
    """A line for each change, and the exit code says how it went."""
    watch = Beside(env, "first-sync", "--watch")
    watch.read_until("X: running, 0 of 2 done\n")
    finish(running, how)
    lines = watch.wait(expect=code).splitlines()
    assert lines[0] == "X: running, 0 of 2 done" and lines[-1].startswith(f"X: {word}")


def test_watched_in_json(env, running):
    """An object a line."""
    watch = Beside(env, "first-sync", "--watch", "--json")
    watch.read_until("\n")
    finish(running)
    phases = [json.loads(line)["first_syncs"][0]["phase"] for line in watch.wait().splitlines()]
    assert phases[0] == "running" and phases[-1] == "succeeded"


def test_watched_on_a_terminal(env, running):
    """Drawn over and over in the same place."""
    watch = Terminal(env, harness.CTL, "first-sync", "--watch", columns=80)
    watch.read_until("TOTAL")
    watch.read_until("\033[5A\r\033[J")  # its own five rows
    finish(running)
    text = watch.wait()
    last = text.rsplit("\033[J", 1)[1]
    assert "succeeded" in last and "Time left" not in last


def test_watched_on_a_dumb_terminal(env, running):
    watch = Terminal(env, harness.CTL, "first-sync", "--watch", TERM="dumb")
    watch.read_until("X: running")
    finish(running)
    assert "\033" not in watch.wait()


def test_what_is_over_is_shown_and_no_more(env, running):
    finish(running)
    assert "succeeded" in env.ctl("first-sync", "--watch", expect=0).stdout
    running.set_leaf("HelpPhoneNumber", "112")


def test_nobody_waits_for_other_users(env, running):
    """Theirs begins when they log in; one's own counts."""
    running.add_user(1000)
    finish(running)
    assert "X, user 1000: running" in env.ctl("first-sync", "--watch", expect=0).stdout
    running.add_user(os.getuid())
    watch = Beside(env, "first-sync", "--watch")
    watch.read_until(f"X, user {os.getuid()}: running")
    assert watch.popen.poll() is None
    running.apply(("Replace", f"{USER_SYNC}/WasDeviceSuccessfullyProvisioned", "1"), server="X",
                  user=os.getuid())
    assert f"X, user {os.getuid()}: succeeded" in watch.wait()


def test_the_provider_goes_meanwhile(env, running):
    watch = Beside(env, "first-sync", "--watch")
    watch.read_until("X: running")
    env.ctl("delete", "./Device/Vendor/MSFT/DMClient/Provider/X", expect=0)
    assert "not enrolled" in watch.wait(expect=5)


def test_the_service_goes_meanwhile(env, running, broker):
    watch = Beside(env, "first-sync", "--watch")
    watch.read_until("X: running")
    broker.close()
    env.agent.stop()
    assert "systemctl start" in watch.wait(expect=6)


def test_the_bus_goes_meanwhile(env, running, broker):
    watch = Beside(env, "first-sync", "--watch")
    watch.read_until("X: running")
    broker.close()
    env.agent.stop()
    watch.wait(expect=6)
    env.bus.stop()
    env.ctl("first-sync", "--watch", expect=6)


def test_none_is_3(env, stub):
    stub(BARE)
    assert "no first sync" in env.ctl("first-sync", expect=3).stderr
    assert "no provider is called" in env.ctl("first-sync", "--provider", "Y", expect=3).stderr


def test_not_enrolled_is_5(env, agent):
    env.ctl("first-sync", expect=5)


def test_refused_by_the_bus_is_4(env, stub):
    stub("error org.freedesktop.DBus.Error.AccessDenied no such luck")
    assert "no such luck" in env.ctl("first-sync", expect=4).stderr


def test_no_service_is_6(env, bus):
    env.ctl("first-sync", expect=6)
