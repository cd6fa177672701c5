# SPDX-License-Identifier: MIT
"""sync and disconnect: what is asked of the service, and of a person."""

import os
import shutil

import accounts
import harness
import pytest
from cli_helpers import Beside, Terminal

ADDRESS = "https://mdm.example.test/dm"
OTHER = 65534  # a user without rights


@pytest.fixture
def enrolled(tree):
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", ADDRESS)
    return tree


@pytest.fixture
def two(enrolled):
    enrolled.add_provider("MS DM Server")
    return enrolled


@pytest.fixture
def other(env):
    """Words that run dmclientctl as a user without rights."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    program = env.dir / "dmclientctl"
    shutil.copy(harness.CTL, program)
    env.dir.chmod(0o711)
    return [*accounts.become(OTHER), program]


# -- sync -------------------------------------------------------------------------------------------


def test_sync_is_asked_for(env, enrolled, broker):
    result = env.ctl("sync", expect=0)
    assert broker.wait_for_signal("SyncRequested")[0] == "X"
    assert "X is asked for" in result.stdout and "dmclientctl status" in result.stdout


def test_sync_in_json(env, enrolled, broker):
    answer = env.ctl_json("sync")
    session = broker.wait_for_signal("SyncRequested")[1]
    assert answer == {"schema": 1, "provider": "X", "session": session, "ended": False}


def test_sync_waits_for_a_good_end(env, enrolled, broker):
    sync = Beside(env, "sync", "--wait")
    broker.wait_for_signal("SyncRequested")
    broker.begin()
    broker.report(ended=True, state="idle")
    assert "X went well" in sync.wait()


def test_sync_waits_for_a_bad_end(env, enrolled, broker):
    sync = Beside(env, "sync", "--wait", "--json")
    broker.wait_for_signal("SyncRequested")
    broker.begin()
    broker.report(ended=False, state="idle", error="tls", message="mdm.example.test: expired")
    text = sync.wait(expect=1)
    assert "mdm.example.test: expired" in text and '"exit" : 1' in text


def test_sync_says_on_a_terminal_that_it_waits(env, enrolled, broker):
    sync = Terminal(env, harness.CTL, "sync", "--wait")
    sync.read_until("waiting for its end")
    broker.wait_for_signal("SyncRequested")
    broker.begin()
    broker.report(ended=True, state="idle")
    assert "went well" in sync.wait()


@pytest.mark.parametrize("command", [["sync"], ["disconnect", "--yes"]])
def test_which_of_several(env, two, broker, command):
    """One has to be named; the message has the names."""
    result = env.ctl(*command, expect=64)
    assert "'MS DM Server', 'X'" in result.stderr and "--provider" in result.stderr
    env.ctl(*command, "--provider", "Nobody", expect=3)
    env.ctl(*command, "--provider", "MS DM Server", expect=0)
    assert broker.wait_for_signal("SyncRequested")[0] == "MS DM Server"


def test_sync_without_a_broker_is_6(env, enrolled):
    result = env.ctl("sync", expect=6)
    assert "dmclient-broker" in result.stderr


@pytest.mark.parametrize("command", [["sync"], ["disconnect", "--yes"]])
def test_not_enrolled_is_5(env, agent, command):
    env.ctl(*command, expect=5)


@pytest.mark.parametrize("command", [["sync"], ["disconnect", "--yes"]])
def test_no_service_is_6(env, bus, command):
    env.ctl(*command, expect=6)


@pytest.mark.parametrize("command", [["sync"], ["disconnect", "--yes"]])
def test_without_rights_is_4(env, enrolled, broker, other, command):
    result = env.run(*other, *command, expect=4)
    assert "not authorised" in result.stderr


def test_sync_once_a_minute(env, mock_polkit, enrolled, broker, other):
    mock_polkit.allow("sync")
    env.run(*other, "sync", expect=0)
    broker.wait_for_signal("SyncRequested")
    broker.begin()
    broker.report(ended=True, state="idle")
    result = env.run(*other, "sync", expect=1)
    assert "try again in" in result.stderr


# -- disconnect -------------------------------------------------------------------------------------


def is_gone(env, provider="X"):
    return provider not in str(env.ctl_json("tree", "./Device/Vendor/MSFT/DMClient/Provider"))


def test_disconnect(env, enrolled, broker):
    """E2: the service unenrols, and the objects go when the last session is over."""
    assert "status" in env.ctl("disconnect", "--yes", expect=0).stdout
    assert broker.wait_for_signal("SyncRequested")[2] == "unenroll"
    broker.finish_unenroll()
    env.ctl("status", expect=5)


def test_disconnect_in_json(env, enrolled, broker):
    assert env.ctl_json("disconnect", "--yes") == {
        "schema": 1, "provider": "X", "disconnected": True}


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nobody_to_ask_is_64(env, enrolled, options):
    result = env.ctl("disconnect", *options, expect=64)
    assert "--yes" in result.stderr
    assert not is_gone(env)


@pytest.mark.parametrize("answer", ["n\n", "\n", "x\n", "\x04"])
def test_a_person_says_no(env, enrolled, answer):
    enrolled.add_user(1000)
    ask = Terminal(env, harness.CTL, "disconnect", columns=80)
    ask.read_until("[y/N] ")
    ask.write(answer)
    text = ask.wait(expect=2)
    assert "certificate" in text and "1 user" in text and "nothing was changed" in text
    assert not is_gone(env)


@pytest.mark.parametrize("language, question, answer", [
    ("en", "[y/N] ", "y\n"), ("en", "[y/N] ", "YES\n"), ("de", "[j/N] ", "j\n")])
def test_a_person_says_yes(env, enrolled, broker, language, question, answer):
    ask = Terminal(env, harness.CTL, "disconnect", columns=80, LANGUAGE=language,
                   DMCLIENT_LOCALE_DIR=harness.BUILD / "po")
    ask.read_until(question)
    ask.write(answer)
    ask.wait()
    assert broker.wait_for_signal("SyncRequested")[2] == "unenroll"


def test_disconnect_on_a_broken_disk_is_1(env, stub):
    """Refusals of the service come as it said them."""
    stub("error org.dmclient.DMClient1.Error.Storage the disk failed; nothing has changed")
    assert "the disk failed" in env.ctl("disconnect", "--yes", expect=1).stderr
