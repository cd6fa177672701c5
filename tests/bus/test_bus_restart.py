# SPDX-License-Identifier: MIT
"""The bus goes away and comes back; the service never waits for it, and never gives up."""

import socket

import harness
from bus_clients import GdbusClient, path_of
from gi.repository import Gio


def wait_for_service(client):
    """Until the service has its name on a bus that has just started."""
    owners = []

    def on_owner(_connection, _name, owner):
        owners.append(owner)

    watch = Gio.bus_watch_name_on_connection(client.connection, harness.BUS_NAME,
                                             Gio.BusNameWatcherFlags.NONE, on_owner, None)
    client.wait_for(lambda: owners)
    Gio.bus_unwatch_name(watch)


def test_the_bus_restarts(env, tree):
    """Killed three times: the same objects again, and callers are asked about anew."""
    tree.add_provider()
    for i in range(3):
        env.bus.kill()
        env.start_bus()
        tree.set_leaf("HelpPhoneNumber", str(i))
        client = GdbusClient(env)
        wait_for_service(client)
        assert client.get(path_of("X"), "", "HelpPhoneNumber")["data"] == str(i)
        # Unique names start again from the first: nobody is taken for whoever had it before.
        assert client.get(path_of("X"), "", "RequireMessageSigning")["data"] is False
        client.close()
    assert env.agent.is_running()


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
