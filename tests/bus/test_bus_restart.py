# SPDX-License-Identifier: MIT
"""The bus goes away and comes back; the service never waits for it, and never gives up."""

import harness
from bus_clients import GdbusClient, path_of


def wait_for_service(client):
    """Until the service has its name on a bus that has just started."""
    owners = []

    def on_owner(_connection, _name, owner):
        owners.append(owner)

    from gi.repository import Gio

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
    """Without a bus the socket is served; on the bus as soon as there is one."""
    env.start_agent(ready=False)
    late = GdbusClientLater(env)
    client = late.connect()
    wait_for_service(client)
    assert client.get(harness.BUS_ROOT, "", "Health")["data"] == "ok"
    client.close()


class GdbusClientLater:
    """The bus is started once the agent has failed to find it."""

    def __init__(self, env):
        self.env = env

    def connect(self):
        import time

        end = time.monotonic() + harness.START_TIMEOUT
        while "not on the bus" not in self.env.agent.output():
            assert self.env.agent.is_running() and time.monotonic() < end
            time.sleep(0.01)
        self.env.start_bus()
        return GdbusClient(self.env)
