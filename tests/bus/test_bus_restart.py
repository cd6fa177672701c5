# SPDX-License-Identifier: MIT
"""The bus goes away and comes back; the service never waits for it, and never gives up."""

import os
import pwd
import socket

import bus_tree
import harness
import pytest
import rawbus
from bus_clients import DBUS_ERROR, GdbusClient, path_of
from fake_broker import FakeBroker
from gi.repository import Gio, GLib
from treeclient import TreeClient, command

MANAGER = harness.BUS_NAME + ".Manager"
DETAILS = rawbus.get(path_of("X"), "EntDMID")
ADDRESS = "https://mdm.example.test/dm"
PHONE = f"{bus_tree.URI}/Provider/X/HelpPhoneNumber"


def wait_for_service(client):
    """Until the service has its name on a bus that has just started."""
    owners = []

    def on_owner(_connection, _name, owner):
        owners.append(owner)

    watch = Gio.bus_watch_name_on_connection(client.connection, harness.BUS_NAME,
                                             Gio.BusNameWatcherFlags.NONE, on_owner, None)
    client.wait_for(lambda: owners)
    Gio.bus_unwatch_name(watch)


def restart(env):
    """Kills the bus, starts another in its place; a client of it, once the service is there."""
    env.bus.kill()
    env.start_bus()
    client = GdbusClient(env)
    wait_for_service(client)
    return client


def sync(wait):
    options = {"wait": GLib.Variant("b", True)} if wait else {}
    return rawbus.call(harness.BUS_ROOT, MANAGER, "Sync",
                       GLib.Variant("(oa{sv})", (path_of("X"), options)))


@pytest.fixture
def enrolled(tree):
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", ADDRESS)
    return tree


@pytest.fixture
def nobody(env):
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    env.dir.chmod(0o711)
    return pwd.getpwnam("nobody").pw_uid


def test_the_bus_restarts(env, tree):
    """Killed three times: the same objects again, and callers are asked about anew."""
    tree.add_provider()
    tree.fill()
    before = None
    for i in range(3):
        client = restart(env)
        tree.set_leaf("HelpPhoneNumber", str(i))
        assert client.get(path_of("X"), "", "HelpPhoneNumber")["data"] == str(i)
        managed = client.managed()
        for path in (path_of("X"), path_of("X", "FirstSyncStatus")):
            for name in ("HelpPhoneNumber", "NextScheduled"):
                for properties in managed[path].values():
                    properties.pop(name, None)
        assert before in (None, managed)
        before = managed
        client.close()
    assert env.agent.is_running()


def test_signals_after_a_restart(env, enrolled):
    client = restart(env)
    client.watch()
    enrolled.set_leaf("HelpPhoneNumber", "1")
    enrolled.add_provider("Y")
    signals = client.take_signals()
    assert (path_of("X"), "PropertiesChanged",
            [bus_tree.interface_of(""), {"HelpPhoneNumber": {"type": "s", "data": "1"}}, []]) in signals
    assert [arguments[0] for _, member, arguments in signals if member == "InterfacesAdded"
            ].count(path_of("Y")) == 1
    client.close()


def test_the_bus_comes_late(env):
    """What is at the bus's address first hangs up on the service; the real bus comes after."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.settimeout(harness.START_TIMEOUT)
        listener.bind(str(env.dir / "bus"))
        listener.listen()
        env.start_agent(ready=False)
        listener.accept()[0].close()
    (env.dir / "bus").unlink()
    env.start_bus()
    client = GdbusClient(env)
    wait_for_service(client)
    assert client.get(harness.BUS_ROOT, "", "Health")["data"] == "ok"
    client.close()


def test_in_a_session_over_the_socket(env, enrolled):
    """Goes on undisturbed: what is sent again gets the answer that it had, also while there is no
    bus."""
    peer = TreeClient(env.socket)
    token = peer.call("BeginSession", GLib.Variant("(ss)", ("X", "user")))[0]["token"]

    def send(message):
        return peer.apply(command("Add", PHONE, str(message)), session=token, message=message,
                          provider="X")

    assert [status for status, _ in send(1)] == [200]
    env.bus.kill()
    # Twice it would be 418.
    assert [status for status, _ in send(1)] == [200]
    assert [status for status, _ in send(2)] == [418]
    env.start_bus()
    client = GdbusClient(env)
    wait_for_service(client)
    assert [status for status, _ in send(2)] == [418]
    assert peer.status(command("Replace", PHONE, "3"), session=token, message=3,
                       provider="X") == [200]
    assert client.get(path_of("X"), "", "HelpPhoneNumber")["data"] == "3"
    assert client.get(path_of("X"), "", "State")["data"] == "connecting"
    client.close()
    peer.close()


def test_in_a_flood(env, enrolled):
    bus_tree.fill_many(env, 30)
    flood = [rawbus.Raw(env) for _ in range(5)]
    for connection in flood:
        connection.send(rawbus.MANAGED, sync(wait=False), count=60)
    client = restart(env)
    assert len(client.managed()) > 30
    for connection in flood:
        connection.close()
    client.close()


def test_while_polkit_is_asked(env, enrolled, nobody):
    """The question is forgotten; whoever asks on the next bus is asked about anew, and an answer to
    the old one that comes there is none."""
    polkit = rawbus.Authority(env)
    caller = rawbus.Raw(env, nobody)
    caller.send(DETAILS, rawbus.MANAGED, sync(wait=True))
    old = polkit.next_call("CheckAuthorization")
    client = restart(env)
    again = rawbus.Raw(env, nobody)
    assert again.ask(DETAILS).error == DBUS_ERROR + "AccessDenied"
    polkit.close()
    polkit = rawbus.Authority(env)
    serial = again.send(DETAILS)
    check = polkit.next_call("CheckAuthorization")
    old.fields[rawbus.SENDER] = check.fields[rawbus.SENDER]
    if old.serial != check.serial:
        polkit.answer(old, authorized=True)
    assert again.find_reply(serial) is None
    polkit.answer(check)
    assert again.wait_reply(serial).error == DBUS_ERROR + "AccessDenied"
    for connection in (caller, polkit, again, client):
        connection.close()


def test_while_a_session_is_waited_for(env, enrolled):
    """Who waits is told by the bus that goes; the broker is still there, and the session runs."""
    broker = FakeBroker(env)
    waiting = rawbus.Raw(env)
    waiting.send(sync(wait=True))
    session = broker.wait_for_signal("SyncRequested")[1]
    client = restart(env)
    while not waiting.is_closed:
        waiting.read()
    caller = rawbus.Raw(env)
    assert caller.ask(sync(wait=False)).string() == session
    assert broker.begin()["token"] == session
    serial = caller.send(sync(wait=True))
    caller.ask(rawbus.MANAGED)  # waits for its turn behind it
    broker.report(ended=True, state="idle")
    assert caller.wait_reply(serial).string() == session
    assert broker.requests() == []
    # And attends as before.
    another = caller.ask(sync(wait=False)).string()
    assert broker.wait_for_signal("SyncRequested") == ("X", another, "user", -1)
    for connection in (broker, waiting, caller, client):
        connection.close()


def test_nobody_inherits_a_name(env, enrolled, nobody):
    """Unique names start again from the first: who gets the one that root had is not root."""
    enrolled.set_leaf("EntDMID", "secret")
    roots = [rawbus.Raw(env) for _ in range(8)]
    for connection in roots:
        assert b"secret" in connection.ask(DETAILS).body
    names = {connection.name for connection in roots}
    client = restart(env)
    inherited = 0
    for _ in range(20):
        heir = rawbus.Raw(env, nobody)
        inherited += heir.name in names
        assert heir.ask(DETAILS).error == DBUS_ERROR + "AccessDenied"
        heir.close()
    assert inherited > 0
    for connection in (*roots, client):
        connection.close()


# -- the name ---------------------------------------------------------------------------------------


def request_name(connection, flags):
    """The bus's answer: 1 owner, 2 in the queue, 3 somebody else is."""
    body = GLib.Variant("(su)", (harness.BUS_NAME, flags))
    reply = connection.ask(rawbus.call("/org/freedesktop/DBus", rawbus.BUS, "RequestName", body,
                                       destination=rawbus.BUS))
    return int.from_bytes(reply.body, "little")


def test_the_name_cannot_be_taken_over(env, enrolled):
    """Not by root either: the service does not allow it, and is not asked."""
    thief = rawbus.Raw(env)
    get = rawbus.get(path_of("X"), "ProviderID")
    owner = thief.ask(get).fields[rawbus.SENDER]
    assert request_name(thief, 1 | 2 | 4) == 3  # allow another, replace the owner, do not queue
    assert request_name(thief, 1 | 2) == 2
    assert thief.ask(get).fields[rawbus.SENDER] == owner
    env.agent.stop()
    thief.close()


def test_the_name_belongs_to_another(env, bus):
    """Says whose it is, and fails; once that one has gone the next start is good."""
    holder = rawbus.Raw(env)
    assert request_name(holder, 0) == 1
    refused = env.run(harness.AGENT, "--plugin", harness.PLUGIN, expect=1).stderr
    assert harness.BUS_NAME in refused and f"process {os.getpid()} of uid {os.geteuid()}" in refused
    holder.close()
    env.start_agent()
    assert env.get_property(harness.BUS_ROOT, MANAGER, "Health") == "ok"
