# SPDX-License-Identifier: MIT
"""The bus policy (security.md section 2): denied by default, on a bus with the machine's own policy
and the real agent. Who is not named as allowed is refused by the bus, not by the service."""

import itertools
import xml.etree.ElementTree as ElementTree

import pytest

import accounts
import harness
from policy_bus import BUS, NOBODY, UIDS, Refused, bus_config

AGENT_NAME = harness.BUS_NAME
BROKER_NAME = harness.BUS_NAME + ".Broker"
ROOT_PATH = harness.BUS_ROOT
PROPERTIES = BUS + ".Properties"
INTROSPECTABLE = BUS + ".Introspectable"
PEER = BUS + ".Peer"

# RequestName's flag: do not wait for the name.
DO_NOT_QUEUE = 4
EXISTS, OWNER, ALREADY = 3, 1, 4

MAY_OWN = {(accounts.AGENT, AGENT_NAME), (accounts.BROKER, BROKER_NAME)}
NAMES = [AGENT_NAME, BROKER_NAME, AGENT_NAME + ".Other", BROKER_NAME + ".Other"]


@pytest.fixture(scope="module")
def broker(system):
    """Somebody who has the broker's name, as the broker does."""
    caller = system.new_caller(accounts.BROKER)
    reply = caller.bus_call("RequestName", f"('{BROKER_NAME}', uint32 {DO_NOT_QUEUE})")
    assert reply == [OWNER]
    yield caller
    caller.close()


def walk(caller, path=ROOT_PATH):
    """(path, interfaces) of every object that the service shows."""
    xml = caller.call(AGENT_NAME, path, INTROSPECTABLE, "Introspect")[0]
    node = ElementTree.fromstring(xml)
    yield path, {interface.get("name") for interface in node.findall("interface")}
    for child in node.findall("node"):
        yield from walk(caller, f"{path}/{child.get('name')}")


@pytest.fixture(scope="module")
def shown(system):
    """Every interface that the service exports, on any object."""
    objects = dict(walk(system["root"]))
    assert f"{ROOT_PATH}/User/{UIDS[NOBODY]}/Provider/X/FirstSyncStatus" in objects
    return sorted(set().union(*objects.values()))


@pytest.fixture(scope="module")
def destinations(system):
    """The agent by its name and by that of its connection, which a rule holds for alike."""
    return [AGENT_NAME, *system["root"].bus_call("GetNameOwner", f"('{AGENT_NAME}',)")]


# -- names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("user,name", list(itertools.product(UIDS, NAMES)))
def test_own(system, user, name):
    """Each name is one user's, who is not root; none can be put beside them."""
    caller = system.new_caller(user)
    try:
        reply = caller.bus_call("RequestName", f"('{name}', uint32 {DO_NOT_QUEUE})")
    except Refused as refused:
        assert refused.name == BUS + ".Error.AccessDenied"
        assert (user, name) not in MAY_OWN
    else:
        assert (user, name) in MAY_OWN
        # The agent has its name, and keeps it.
        assert reply == [EXISTS if name == AGENT_NAME else OWNER]
    finally:
        caller.close()


# -- calls to the agent --------------------------------------------------------------------------


def test_policy_is_complete(system, shown):
    """What may be called is what the service exports, and nothing else."""
    policy = ElementTree.parse(system.installed / system.installed.bus_policy)
    allowed = [rule.get("send_interface") for rule in policy.iter("allow")
               if rule.get("send_destination") == AGENT_NAME]
    assert sorted(allowed) == shown


@pytest.mark.parametrize("user", UIDS)
def test_every_exported_interface_is_reached(system, shown, destinations, user):
    for destination, interface in itertools.product(destinations, shown):
        refused = system[user].refusal(destination, ROOT_PATH, interface, "Nothing")
        # It is the service that knows no such method.
        assert refused is not None
        assert refused.name in (BUS + ".Error.UnknownMethod", BUS + ".Error.UnknownInterface")


@pytest.mark.parametrize("user", UIDS)
@pytest.mark.parametrize("interface", [
    None,
    AGENT_NAME + ".Other",
    "org.dmclient.DMClient10",
    "org.dmclient.Tree1",
    BUS,
    BUS + ".Debug.Stats",
    BUS + ".Monitoring",
])
def test_no_other_interface_is_reached(system, destinations, user, interface):
    for destination in destinations:
        assert system[user].refusal(destination, ROOT_PATH, interface, "Ping").by_bus


@pytest.mark.parametrize("user", UIDS)
def test_everybody_reads(system, user):
    caller = system[user]
    assert caller.call(AGENT_NAME, ROOT_PATH, PROPERTIES, "Get",
                       f"('{AGENT_NAME}.Manager', 'Managed')") == [True]
    objects, = caller.call(AGENT_NAME, ROOT_PATH, BUS + ".ObjectManager", "GetManagedObjects")
    assert f"{ROOT_PATH}/Provider/X" in objects


@pytest.mark.parametrize("user", UIDS)
def test_nobody_sets(system, destinations, user):
    """Not root either; with a property that there is, with one that is not, without interface."""
    for destination in destinations:
        for name in ("HelpPhoneNumber", "Nothing"):
            arguments = f"('{AGENT_NAME}.Provider', '{name}', <'1'>)"
            for interface in (PROPERTIES, None):
                refused = system[user].refusal(destination, f"{ROOT_PATH}/Provider/X", interface,
                                               "Set", arguments)
                assert refused.by_bus


@pytest.mark.parametrize("user", UIDS)
def test_only_the_agent_asks_what_is_unread(system, user):
    """G8. Of a name; not what else the bus tells of itself."""
    name = system[user].bus_call("GetNameOwner", f"('{AGENT_NAME}',)")[0]
    stats = BUS + ".Debug.Stats"
    asked = system[user].refusal(BUS, "/org/freedesktop/DBus", stats, "GetConnectionStats",
                                 f"('{name}',)")
    if user == accounts.AGENT:
        assert asked is None
    elif user != "root":
        assert asked.by_bus
    if user != "root":
        assert system[user].refusal(BUS, "/org/freedesktop/DBus", stats, "GetStats").by_bus


# -- calls to the broker -------------------------------------------------------------------------


@pytest.mark.parametrize("user", UIDS)
def test_send_to_broker(system, broker, user):
    """Root and the agent see that it is there; it has nothing to be called."""
    owner, = system["root"].bus_call("GetNameOwner", f"('{BROKER_NAME}',)")
    for destination in (BROKER_NAME, owner):
        ping = system[user].refusal(destination, "/", PEER, "Ping")
        if user in ("root", accounts.AGENT):
            assert ping is None
        else:
            assert ping.by_bus
        for interface in (None, PROPERTIES, INTROSPECTABLE, AGENT_NAME, AGENT_NAME + ".Manager"):
            assert system[user].refusal(destination, "/", interface, "Introspect").by_bus


# -- signals and replies that nobody asked for -----------------------------------------------------


@pytest.mark.parametrize("user", UIDS)
@pytest.mark.parametrize("kind", ["signal", "return", "error"])
def test_unasked_messages_do_not_reach_the_agent(system, destinations, user, kind):
    log = system.env.bus.output()
    for destination in destinations:
        system[user].send(kind, destination, ROOT_PATH, PROPERTIES, "PropertiesChanged")
    told = system.env.bus.output()[len(log):]
    assert told.count("Rejected send message") == len(destinations), told
    assert system[user].call(AGENT_NAME, ROOT_PATH, PEER, "Ping") == []


@pytest.mark.parametrize("user", UIDS)
def test_unasked_signals_do_not_reach_the_broker(system, broker, user):
    system[user].send("signal", BROKER_NAME, interface="org.freedesktop.login1.Manager",
                      member="PrepareForSleep")
    assert broker.take() == []


def test_signals_for_everyone_reach_the_broker(system, broker):
    """What it follows of logind and NetworkManager still comes."""
    broker.bus_call("AddMatch", "('type=\\'signal\\',member=\\'PrepareForSleep\\'',)")
    system["root"].send("signal", None, interface="org.freedesktop.login1.Manager",
                        member="PrepareForSleep")
    assert [member for _, _, member in broker.take()] == ["PrepareForSleep"]


def test_signals_of_others_are_not_the_services(system):
    """Who matches the service as sender does not see what somebody else sends in its manner."""
    reader = system.new_caller(NOBODY)
    reader.bus_call("AddMatch", f"('type=\\'signal\\',sender=\\'{AGENT_NAME}\\'',)")
    for user in UIDS:
        system[user].send("signal", None, ROOT_PATH, PROPERTIES, "PropertiesChanged")
    assert reader.take() == []
    reader.close()


# -- a machine on which the users are not yet ------------------------------------------------------


def test_without_the_users_nobody_owns(env, installed):
    """The bus runs with the policy before its users exist, and lets nobody own a name then."""
    env.start_bus(bus_config([installed / installed.bus_policy]))
    for name in NAMES:
        reply = env.run("busctl", f"--address={env.bus_address}", "call", BUS,
                        "/org/freedesktop/DBus", BUS, "RequestName", "su", name, DO_NOT_QUEUE)
        assert reply.returncode == 1 and "Access denied" in reply.stderr


# -- the bus itself ------------------------------------------------------------------------------


@pytest.mark.parametrize("user", UIDS)
def test_monitor_is_roots(system, user):
    """Our users cannot listen to what others say, nor can anybody that the machine does not let."""
    caller = system.new_caller(user)
    try:
        caller.bus_call("BecomeMonitor", "(@as [], uint32 0)", BUS + ".Monitoring")
    except Refused as refused:
        assert user != "root" and refused.by_bus
        caller.close()
    else:
        assert user == "root"
        caller.process.kill()


@pytest.mark.parametrize("user", [user for user in UIDS if user != "root"])
def test_eavesdropping_sees_nothing(system, user):
    """A match for what is sent to others is no way round the monitor's rule."""
    caller = system.new_caller(user)
    for kind in ("method_call", "method_return"):
        refused = None
        try:
            caller.bus_call("AddMatch", f"('eavesdrop=\\'true\\',type=\\'{kind}\\'',)")
        except Refused as error:
            refused = error
        assert refused is not None
    caller.close()
