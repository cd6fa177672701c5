# SPDX-License-Identifier: MIT
"""G8: whatever one user sends, another is answered soon. What "soon" means is held by the order in
which the service answers, not by a clock: its messages are numbered in the order in which it sends
them. The service is stopped while calls are sent, so that all of them wait when it goes on."""

import collections
import contextlib
import itertools
import os
import pwd
import resource
import signal
import time

import bus_tree
import harness
import pytest
import rawbus
from bus_clients import DBUS_ERROR, INTROSPECTABLE, path_of
from gi.repository import GLib

pytestmark = pytest.mark.long

LIMITS_EXCEEDED = DBUS_ERROR + "LimitsExceeded"
MANAGER = harness.BUS_NAME + ".Manager"

PROVIDERS = 300
# As dbus-daemon has them for the system bus.
PENDING = 128  # calls of a connection that wait for their replies
WAITING = 4096  # calls of a user that wait for their turn
CONNECTIONS = 256  # of a user
# What the bus keeps of a sender's messages: 127 MB as it comes; less, so that it is full sooner, by
# that many heavy answers.
MB = 1024 * 1024
BUS_BYTES = 64 * MB
MOST_KEPT = 56  # MB of them; the service lets 40 be, and some is on its way when it learns of that
FILLING = 100
# Heavy calls of a connection: their replies, of all such connections in a test, are less than the
# memory that the bus has for the service's messages.
HEAVY = 40

GET = rawbus.get(path_of("P0"), "ProviderID")
PUBLIC = rawbus.get(path_of("P1"), "HelpPhoneNumber")
DETAILS = rawbus.get(path_of("P0"), "EntDMID")
HISTORY = rawbus.call(path_of("P0"), harness.BUS_NAME + ".Session", "GetHistory",
                      GLib.Variant("(ua{sv})", (1, {})))
CHEAP = [PUBLIC, DETAILS, rawbus.get_all(path_of("P2")), rawbus.get(path_of("Nobody"), "ProviderID"),
         rawbus.get(path_of("P3"), "Name", "org.example.None"),
         rawbus.call(path_of("P4"), INTROSPECTABLE, "Introspect"),
         rawbus.call(path_of("P4"), harness.BUS_NAME + ".Provider", "Nothing"),
         rawbus.call(harness.BUS_ROOT, MANAGER, "Sync", GLib.Variant("(oa{sv})", (path_of("P0"), {})))]


def silent(message):
    quiet = bytearray(message)
    quiet[2] |= rawbus.NO_REPLY
    return quiet


class Crowd:
    """A service with much to tell, and the connections of a test to its bus."""

    def __init__(self, env):
        self.env = env
        self.open = []

    def join(self, uid, n=1):
        """Connections of that user, known to the service."""
        joined = []
        for _ in range(n):
            joined.append(rawbus.Raw(self.env, uid))
            self.open.append(joined[-1])
        return joined

    @contextlib.contextmanager
    def stopped(self):
        """The service does nothing meanwhile."""
        self.env.agent.popen.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.env.agent.popen.send_signal(signal.SIGCONT)

    def leave(self):
        for connection in self.open:
            connection.close()
        self.open = []


def with_memory(size):
    """The configuration of a bus that keeps that many bytes of a sender's messages."""
    return harness.BUS_CONFIG.replace(
        "</busconfig>", f'<limit name="max_incoming_bytes">{size}</limit></busconfig>')


@pytest.fixture(scope="module")
def service():
    """The tests share it, as the users of a machine do."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1024:
        pytest.skip("300 connections need more descriptors than there are")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1024), hard))
    with harness.Environment() as env:
        env.start_bus(with_memory(BUS_BYTES))
        env.dir.chmod(0o711)
        env.start_agent()
        bus_tree.fill_many(env, PROVIDERS)
        yield env
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def crowd(service):
    made = Crowd(service)
    yield made
    made.leave()
    # It has outlived the test, and is done with what the test left.
    rawbus.Raw(service).ask(rawbus.MANAGED)
    assert service.agent.is_running()


@pytest.fixture
def nobody():
    return pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def other(crowd):
    """A connection of another user than those who send too much."""
    connection, = crowd.join(pwd.getpwnam("daemon").pw_uid)
    assert connection.ask(GET).kind == rawbus.RETURN
    return connection


def replies(connection):
    return [m for m in connection.messages if m.kind in (rawbus.RETURN, rawbus.ERROR)]


def count(connections):
    """How often each outcome came; of errors the name, and whether the bus itself made it."""
    return collections.Counter((m.error, m.is_of_bus) for c in connections for m in replies(c))


def ask_twenty(connection):
    """Simple calls, which are with the service when this returns."""
    connection.take()
    connection.send(GET, count=20)
    connection.settle()


def check_answered(connection, n=20):
    """All its calls were, and with what was asked for."""
    assert [m.error for m in replies(connection)] == [None] * n
    assert all(m.body.endswith(b"P0\0") for m in replies(connection))


def check_turns(other, flood, n_heavy):
    """The twenty simple calls had every second turn while they were there; nothing is unanswered."""
    rawbus.read_all([other])
    check_answered(other)
    turns = [m.serial for m in replies(other)]
    for connection in flood:
        connection.settle()  # what the service sent before the other's last is here now
    heavy = [m.serial for c in flood for m in replies(c) if m.size > rawbus.LARGE]
    for before, after in itertools.pairwise(turns):
        assert len([serial for serial in heavy if before < serial < after]) <= 2
    assert len([serial for serial in heavy if serial < turns[-1]]) <= n_heavy / 2
    rawbus.read_all(flood)
    assert count(flood) == {(None, False): n_heavy}


@pytest.mark.parametrize("user", ["root", "nobody"])
def test_g8_users_take_turns(crowd, other, user):
    """Several connections' heavy calls wait before the simple ones of another user, who is one of
    two users, not of five connections."""
    flood = crowd.join(pwd.getpwnam(user).pw_uid, 4)
    for connection in flood:
        connection.ask(rawbus.MANAGED)
    with crowd.stopped():
        for connection in flood:
            connection.send(rawbus.MANAGED, count=HEAVY // 2)
            connection.settle()
        ask_twenty(other)
    check_turns(other, flood, 2 * HEAVY)


def test_g8_users_take_turns_after_polkit(crowd, other, nobody):
    """Many heavy calls wait for the same answer of polkit. When it comes they wait for their turn."""
    polkit = rawbus.Authority(crowd.env)
    crowd.open.append(polkit)
    root, = crowd.join(0)
    flood, = crowd.join(nobody)
    flood.send(rawbus.MANAGED, count=60)
    polkit.answer(polkit.next_call("CheckAuthorization"))
    check = polkit.next_call("CheckAuthorization")
    # As many turns as this gets, the others get: after these all of them wait for the answer.
    for _ in range(60 + 1):
        root.ask(HISTORY)
    with crowd.stopped():
        flood.settle()
        if replies(flood):
            pytest.skip("polkit's five seconds were over too soon on this machine")
        polkit.answer(check)
        ask_twenty(other)
    check_turns(other, [flood], 60)


def test_g8_10000_calls_on_250_connections(crowd, other, nobody):
    """As many connections of one user as the bus lets in, 10,000 calls of all sorts. One more is
    turned away; another user's is not."""
    flood = crowd.join(nobody, CONNECTIONS)
    with pytest.raises(rawbus.TurnedAway, match="LimitsExceeded"):
        rawbus.Raw(crowd.env, nobody)
    crowd.join(pwd.getpwnam("daemon").pw_uid)
    with crowd.stopped():
        for connection in flood[:250]:
            connection.send(*CHEAP, count=40 // len(CHEAP))
            connection.settle()
        ask_twenty(other)
    rawbus.read_all([other])
    check_answered(other)
    rawbus.read_all(flood)
    outcomes = count(flood)
    assert sum(outcomes.values()) == 10_000
    # As many of a user as may wait for their turn are served, however fast they come.
    assert outcomes[LIMITS_EXCEEDED, False] <= 10_000 - WAITING
    assert not [error for error, is_of_bus in outcomes if is_of_bus]
    assert {error for error, _ in outcomes} - {None, LIMITS_EXCEEDED} == {
        DBUS_ERROR + name for name in (
            "AccessDenied", "UnknownObject", "UnknownInterface", "UnknownMethod")}


@pytest.mark.parametrize("message", [rawbus.MANAGED, DETAILS, PUBLIC], ids=["all", "details", "get"])
def test_g8_10000_calls_on_one_connection(crowd, other, nobody, message):
    """The bus lets as many through as may wait for replies, and says so of the others."""
    flood, = crowd.join(nobody)
    with crowd.stopped():
        flood.send(message, count=10_000)
        flood.settle()
        ask_twenty(other)
    rawbus.read_all([other])
    check_answered(other)
    rawbus.read_all([flood])
    outcomes = count([flood])
    assert sum(outcomes.values()) == 10_000
    assert outcomes[LIMITS_EXCEEDED, True] == 10_000 - PENDING
    assert outcomes[None, False] + outcomes[DBUS_ERROR + "AccessDenied", False] >= PENDING / 2


def test_g8_10000_calls_without_reply(crowd, other, nobody):
    """What wants no reply waits for none, so the bus lets all of it through; nothing comes back."""
    flood, = crowd.join(nobody)
    with crowd.stopped():
        flood.send(*map(silent, [*CHEAP, rawbus.MANAGED, rawbus.MANAGED]), count=1000)
        flood.settle()
        ask_twenty(other)
    rawbus.read_all([other])
    check_answered(other)
    assert flood.ask(PUBLIC).error in (None, LIMITS_EXCEEDED)
    assert replies(flood) == []


# -- clients that do not read -----------------------------------------------------------------------


def private_dirty(pid):
    """MB that are the process's alone."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as stream:
        return next(int(line.split()[1]) for line in stream
                    if line.startswith("Private_Dirty:")) / 1024


def test_g8_clients_that_never_read(crowd, other, nobody):
    """What is not read waits at the bus. The service keeps little of it, serves others meanwhile,
    and gives its memory back when the clients have gone."""
    pid = crowd.env.agent.pid
    silent_ones = crowd.join(nobody, 2)
    before = most = private_dirty(pid)
    for connection in silent_ones:
        connection.send(rawbus.MANAGED, count=HEAVY)
    # Heavy too, and so in turn with theirs: after as many all of theirs have been dealt with.
    for _ in range(2 * HEAVY):
        assert other.ask(GET).error is None
        assert other.ask(rawbus.MANAGED).error is None
        most = max(most, private_dirty(pid))
    for connection in silent_ones:
        connection.close()
    for _ in range(2):
        assert other.ask(rawbus.MANAGED).error is None
    if harness.is_sanitized():
        return  # it keeps what was freed
    assert most < before + 32
    deadline = time.monotonic() + harness.STOP_TIMEOUT
    while private_dirty(pid) > before + 8:
        assert time.monotonic() < deadline, f"{private_dirty(pid)} MB are in use, before {before}"
        assert other.ask(rawbus.MANAGED).error is None


def check_outcomes(connections, n_calls):
    """All calls of each were answered, by the service: but for those that polkit would have had to be asked
    about more than are asked about at a time."""
    outcomes = count(connections)
    assert sum(outcomes.values()) == n_calls * len(connections)
    assert set(outcomes) <= {(None, False), (LIMITS_EXCEEDED, False)}
    assert outcomes[None, False] >= n_calls / 2 * len(connections)


STATS = "org.freedesktop.DBus.Debug.Stats"


def kept_by_the_bus(env):
    """MB of the service's messages that the bus holds."""
    path = "/org/freedesktop/DBus"
    owner, = env.call(path, rawbus.BUS, "GetNameOwner", "s", harness.BUS_NAME, name=rawbus.BUS)
    stats, = env.call(path, STATS, "GetConnectionStats", "s", owner, name=rawbus.BUS)
    return stats["IncomingBytes"]["data"] / MB


@pytest.mark.parametrize("users", [["nobody"], ["nobody", "bin", "sys"]], ids=["one", "three"])
def test_g8_whoever_leaves_answers_unread_waits(crowd, other, users):
    """More is asked for than the bus can hold of a sender. Others are answered all the same, and
    all of it comes once it is read."""
    uids = [pwd.getpwnam(user).pw_uid for user in users]
    silent_ones = [c for uid in uids for c in crowd.join(uid, 2)]
    bystander, = crowd.join(uids[0])
    n_calls = PENDING // len(users)
    with crowd.stopped():
        for connection in silent_ones:
            connection.send(rawbus.MANAGED, count=n_calls)
            connection.settle()
    # Heavy too, and in turn with theirs, which would all have been made after as many.
    for _ in range(FILLING):
        assert other.ask(GET).error is None
        assert other.ask(rawbus.MANAGED).error is None
    assert kept_by_the_bus(crowd.env) < MOST_KEPT
    # With them waits what else that user runs: one more message, and one that is an error.
    bystander.send(GET, rawbus.get(path_of("Nobody"), "ProviderID"),
                   rawbus.call("/", "org.freedesktop.DBus.Peer", "Ping"))
    bystander.settle()
    assert other.ask(rawbus.MANAGED).error is None
    assert not [m for m in bystander.messages if not m.is_of_bus]
    rawbus.read_all([*silent_ones, bystander])
    check_outcomes(silent_ones, n_calls)
    assert [m.error for m in replies(bystander) if not m.is_of_bus] == [
        None, DBUS_ERROR + "UnknownObject", None]
    assert bystander.ask(GET).error is None


def test_g8_who_comes_later_finds_no_share_of_its_own(crowd, other):
    """One user's full share is there already when the next one comes."""
    silent_ones = []
    for user, n in (("nobody", FILLING), ("bin", FILLING // 3), ("sys", FILLING // 3),
                    ("games", FILLING // 3)):
        silent_ones += crowd.join(pwd.getpwnam(user).pw_uid)
        silent_ones[-1].send(rawbus.MANAGED, count=PENDING)
        for _ in range(n):
            assert other.ask(rawbus.MANAGED).error is None
    assert kept_by_the_bus(crowd.env) < MOST_KEPT
    rawbus.read_all(silent_ones)
    check_outcomes(silent_ones, PENDING)


def test_g8_whoever_leaves_is_not_waited_for(crowd, other, nobody):
    """A user's next program is answered when the one that read nothing has gone."""
    for connection in crowd.join(nobody, 2):
        connection.send(rawbus.MANAGED, count=PENDING)
    for _ in range(FILLING):
        assert other.ask(rawbus.MANAGED).error is None
    for connection in crowd.open[-2:]:
        connection.close()
    next_one, = crowd.join(nobody)
    assert next_one.ask(GET).error is None
    assert next_one.ask(rawbus.MANAGED).error is None


def test_g8_a_bus_that_does_not_say_what_is_unread(nobody):
    """It may have quotas of its own; calls are answered as ever."""
    config = harness.BUS_CONFIG.replace(
        "</policy>", f'<deny send_destination="{rawbus.BUS}" send_interface="{STATS}"/></policy>')
    with harness.Environment() as env:
        env.start_bus(config)
        env.dir.chmod(0o711)
        env.start_agent()
        bus_tree.fill_many(env, 50)
        caller = rawbus.Raw(env, nobody)
        caller.send(rawbus.MANAGED, PUBLIC, count=PENDING // 2)
        rawbus.read_all([caller])
        check_outcomes([caller], PENDING)
        caller.close()


def test_g8_a_bus_that_does_not_say_it_any_longer(nobody):
    """Whoever waited until something is read does not wait for ever."""
    def config(policy=""):
        return harness.BUS_CONFIG.replace("</policy>", policy + "</policy>")

    with harness.Environment() as env:
        env.start_bus(config())
        env.dir.chmod(0o711)
        env.start_agent()
        bus_tree.fill_many(env, PROVIDERS)
        silent_one, bystander = rawbus.Raw(env, nobody), rawbus.Raw(env, nobody)
        other = rawbus.Raw(env, pwd.getpwnam("daemon").pw_uid)
        silent_one.send(rawbus.MANAGED, count=FILLING)
        for _ in range(FILLING):
            assert other.ask(rawbus.MANAGED).error is None
        serial = bystander.send(GET)
        bystander.settle()
        assert other.ask(rawbus.MANAGED).error is None
        assert bystander.find_reply(serial) is None
        denied = f'<deny send_destination="{rawbus.BUS}" send_interface="{STATS}"/>'
        (env.dir / "bus.conf").write_text(config(denied).format(path=env.dir / "bus"))
        env.bus.popen.send_signal(signal.SIGHUP)
        assert bystander.wait_reply(serial).error is None
        rawbus.read_all([silent_one])
        check_outcomes([silent_one], FILLING)
        for connection in (silent_one, bystander, other):
            connection.close()


def test_g8_more_than_the_bus_can_hold(service, nobody):
    """A bus whose memory is full of a sender's messages takes no more from that sender until they
    are read: one that has less than it has by default. The service waits, in bounded memory, and
    goes on."""
    with harness.Environment() as env:
        env.start_bus(with_memory(1000000))
        env.dir.chmod(0o711)
        agent = env.start_agent()
        bus_tree.fill_many(env, 50)
        other = rawbus.Raw(env, pwd.getpwnam("daemon").pw_uid)
        assert other.ask(GET).error is None
        before = private_dirty(agent.pid)
        silent_ones = [rawbus.Raw(env, nobody) for _ in range(2)]
        with Crowd(env).stopped():
            for connection in silent_ones:
                connection.send(rawbus.MANAGED, count=PENDING)
                connection.settle()
        # One of them reads at last: all who wait are answered then, whoever they are.
        other.take()
        other.send(GET, count=20)
        silent_ones[0].close()
        rawbus.read_all([silent_ones[1], other])
        check_answered(other)
        assert sum(count(silent_ones[1:]).values()) == PENDING
        assert harness.is_sanitized() or private_dirty(agent.pid) < before + 32
        silent_ones[1].close()
        other.close()
