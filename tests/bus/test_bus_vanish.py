# SPDX-License-Identifier: MIT
"""Callers that leave at any moment: nothing is left of them, no descriptor and no memory, and the
service goes on (security.md section 5). Under sanitizers the end of each test looks for leaks."""

import contextlib
import os
import pwd
import signal

import harness
import pytest
import rawbus
from bus_clients import DBUS_ERROR, path_of
from fake_broker import FakeBroker
from gi.repository import GLib

MANAGER = harness.BUS_NAME + ".Manager"
DETAILS = rawbus.get(path_of("X"), "EntDMID")
GET = rawbus.get(path_of("X"), "ProviderID")


@pytest.fixture
def nobody(env, tree):
    """nobody(): a connection of that user, the service's files open to it."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    env.dir.chmod(0o711)
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", "https://mdm.example.test/dm")
    return lambda: rawbus.Raw(env, pwd.getpwnam("nobody").pw_uid)


@pytest.fixture
def polkit(env, nobody):
    made = rawbus.Authority(env)
    yield made
    made.close()


@pytest.fixture
def broker(env, nobody):
    made = FakeBroker(env)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_left(env, nobody):
    """The service has as many descriptors as before, as soon as it is done with what was sent."""
    witness = rawbus.Raw(env)
    assert witness.ask(rawbus.MANAGED).error is None
    before = count_fds(env)
    yield
    assert witness.ask(rawbus.MANAGED).error is None
    for _ in range(1000):
        if count_fds(env) == before:
            break
        assert witness.ask(GET).error is None
    assert count_fds(env) == before
    assert env.agent.is_running()
    witness.close()


def count_fds(env):
    """Sockets and files; the service's timers and the like come with what is due."""
    n = 0
    for number in os.listdir(f"/proc/{env.agent.pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            n += not os.readlink(f"/proc/{env.agent.pid}/fd/{number}").startswith("anon_inode:")
    return n


def manager(member, options=None, provider=None):
    if provider is None:
        return rawbus.call(harness.BUS_ROOT, MANAGER, member, GLib.Variant("(a{sv})", (options or {},)))
    return rawbus.call(harness.BUS_ROOT, MANAGER, member,
                       GLib.Variant("(oa{sv})", (path_of(provider), options or {})))


@pytest.mark.parametrize("message", [DETAILS, rawbus.MANAGED, manager("Sync", provider="X")],
                         ids=["details", "all", "sync"])
def test_while_the_bus_is_asked_who_they_are(env, nobody, message):
    """They have gone when the service reads what they sent."""
    env.agent.popen.send_signal(signal.SIGSTOP)
    for _ in range(30):
        caller = nobody()
        caller.send(message, count=10)
        caller.settle()
        caller.close()
    env.agent.popen.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("end", ["answers", "leaves", "is-late"])
def test_while_polkit_is_asked(env, nobody, polkit, end):
    callers = [nobody() for _ in range(20)]
    for caller in callers:
        caller.send(DETAILS, rawbus.MANAGED, manager("Sync", provider="X"))
    checks = [polkit.next_call("CheckAuthorization") for _ in range(20)]
    for caller in callers[:-1]:
        caller.close()
    if end == "answers":
        for check in checks:
            polkit.answer(check, authorized=True)
        while callers[-1].expected > 0:
            polkit.settle()
            for check in [m for m in polkit.take() if m.kind == rawbus.CALL]:
                polkit.answer(check)
            callers[-1].settle()
    elif end == "leaves":
        polkit.close()
        rawbus.read_all(callers[-1:])
        assert {m.error for m in callers[-1].messages if m.kind != rawbus.SIGNAL} == {
            None, DBUS_ERROR + "AccessDenied"}
    callers[-1].close()


def test_while_a_person_is_asked(nobody, polkit):
    """The dialog is closed when the caller for whom it is leaves."""
    caller = nobody()
    message = bytearray(DETAILS)
    message[2] |= rawbus.INTERACTIVE
    caller.send(message)
    polkit.answer(polkit.next_call("CheckAuthorization"), challenge=True)
    polkit.next_call("CheckAuthorization")
    caller.close()
    polkit.next_call("CancelCheckAuthorization")


def test_while_they_wait_for_their_turn(env, nobody):
    callers = [rawbus.Raw(env) for _ in range(10)]
    for caller in callers:
        caller.ask(GET)
    env.agent.popen.send_signal(signal.SIGSTOP)
    for caller in callers:
        caller.send(rawbus.MANAGED, manager("Reload"), GET, count=30)
        caller.settle()
        caller.close()
    env.agent.popen.send_signal(signal.SIGCONT)


def test_while_they_wait_for_the_end_of_a_session(env, nobody, broker):
    callers = [rawbus.Raw(env) for _ in range(5)]
    for caller in callers:
        caller.send(manager("Sync", {"wait": GLib.Variant("b", True)}, "X"))
        assert caller.ask(rawbus.MANAGED).error is None  # waits for its turn behind it
    session = broker.wait_for_signal("SyncRequested")[1]
    for caller in callers[:3]:
        caller.close()
    assert broker.begin()["token"] == session
    callers[3].close()
    broker.report(ended=True, state="idle")
    rawbus.read_all(callers[4:])
    assert [m.string() for m in callers[4].messages if m.kind == rawbus.RETURN] == [session]
    callers[4].close()
    broker.close()


def test_while_their_logs_are_collected(env, nobody, broker):
    """The archive that nobody gets is closed."""
    for hands in (True, False):
        caller = rawbus.Raw(env)
        caller.send(manager("CollectLogs"))
        request, = broker.wait_for_signal("LogsRequested")
        caller.close()
        if hands:
            broker.hand_logs(request, [])
    broker.close()


def test_in_the_middle_of_a_message(env, nobody):
    """The bus passes on whole messages only."""
    for size in (1, 15, 16, len(GET) - 1):
        caller = rawbus.Raw(env)
        caller.socket.sendall(bytes(GET)[:size])
        caller.close()
