# SPDX-License-Identifier: MIT
"""Sessions when the network is not up yet (protocol.md section 8, rule L4: waiting is no try)."""

import pytest

import mdm_server
from device import PROVIDER, Device
from http_proxy import HttpProxy
from mocks import NetworkManager, settle, start_broker
from test_daemon import Watch, is_idle, sync

HOST = "mdm.example.test"  # of the certificate server-wrong-host


@pytest.fixture
def proxy():
    """The way to HOST, for which nobody asks the network."""
    with HttpProxy(hosts={HOST: "127.0.0.1"}) as made:
        yield made


class Remote:
    """A device whose server is not on the loopback interface, as far as the device knows."""

    def __init__(self, env, certs_dir, proxy, server, *lines):
        self.device = Device(env, certs_dir)
        self.server = server
        self.configure = lambda *more: self.device.configure(f"proxy={proxy.address}", *more)
        self.configure(*lines)
        self.device.enrol(server.address.replace("localhost", HOST))

    def state(self):
        return self.device.session_property("State")


@pytest.fixture
def remote(env, certs_dir, proxy):
    """remote(state, …): starts everything, NetworkManager in that state."""
    running = []

    def make(state, *lines, script=()):
        env.start_bus()
        env.start_agent()
        running.append(mdm_server.MdmServer(certs_dir, list(script),
                                            certificate="server-wrong-host"))
        made = Remote(env, certs_dir, proxy, running[0], *lines)
        made.watch = Watch(env)
        made.manager = NetworkManager(env, state)
        running.append(made.manager)
        made.broker = start_broker(env)
        settle(env)  # NetworkManager's own answer
        return made

    yield make
    running[0].stop()
    running[1].close()


def test_L4_it_waits_for_the_network_and_no_retry_is_burnt(remote, proxy):
    made = remote(NetworkManager.CONNECTING)
    sync(made.device)
    made.watch.until(lambda: made.state() == "waiting")
    # A new trigger does not bring the network up.
    sync(made.device)
    assert not proxy.requests
    made.manager.set_state(NetworkManager.GLOBAL)
    made.watch.until(lambda: is_idle(made.device))
    assert made.device.session_property("LastError") == ""
    assert len(made.server.exchanges) == 1
    assert {one.session for one in made.server.exchanges} == {1}


def test_L4_a_portal_is_no_network(remote, proxy):
    made = remote(NetworkManager.CONNECTING)
    made.manager.set_connectivity(NetworkManager.PORTAL)
    made.manager.set_state(NetworkManager.SITE)
    settle(made.device.env)
    sync(made.device)
    made.watch.until(lambda: made.state() == "waiting")
    assert not proxy.requests
    made.manager.set_connectivity(NetworkManager.FULL)
    made.watch.until(lambda: is_idle(made.device) and made.server.exchanges)


def test_L4_the_wait_has_a_limit(remote):
    """NetworkManager may be wrong: it is tried all the same."""
    made = remote(NetworkManager.CONNECTING, "network-wait=1")
    sync(made.device)
    made.watch.until(lambda: made.state() == "waiting")
    made.watch.until(lambda: made.server.exchanges and is_idle(made.device))
    assert made.device.session_property("LastError") == ""


@pytest.mark.parametrize("state", [NetworkManager.SITE, NetworkManager.GLOBAL])
def test_where_it_is_up_nobody_waits(remote, state):
    made = remote(state)
    sync(made.device)
    made.server.wait(lambda: made.server.exchanges)


def test_a_limit_of_0_is_no_wait(remote):
    made = remote(NetworkManager.CONNECTING, "network-wait=0")
    sync(made.device)
    made.server.wait(lambda: made.server.exchanges)


def test_the_loopback_interface_is_always_up(device, serve):
    server = serve([])
    device.enrol(server)
    manager = NetworkManager(device.env, NetworkManager.CONNECTING)
    start_broker(device.env)
    sync(device, PROVIDER)
    server.wait(lambda: server.exchanges)
    manager.close()


def test_E2_the_end_of_an_enrolment_waits_for_no_network(remote, proxy):
    made = remote(NetworkManager.CONNECTING)
    sync(made.device)
    made.watch.until(lambda: made.state() == "waiting")
    made.device.env.ctl("exec", "./Device/Vendor/MSFT/DMClient/Unenroll", PROVIDER, expect=0)
    made.watch.until(lambda: made.device.get("") is None)


def test_a_stop_ends_the_wait(remote):
    made = remote(NetworkManager.CONNECTING)
    sync(made.device)
    made.watch.until(lambda: made.state() == "waiting")
    made.broker.stop()
    assert made.state() == "idle"
    assert "told to stop" in made.device.session_property("LastErrorMessage")
