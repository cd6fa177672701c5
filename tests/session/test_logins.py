# SPDX-License-Identifier: MIT
"""Sessions at logins (rule P9) and around suspend (P7), as logind tells of them."""

import threading

import pytest

from device import PROVIDER, node
from mocks import Logind, start_broker
from mocks import settle as settle_bus
from syncml import text_of
from test_daemon import Watch, is_idle, make_due, sync

USER_TREE = node().replace("./Device", "./User")


@pytest.fixture
def watch(device):
    return Watch(device.env)


@pytest.fixture
def logind(device):
    """A logind on the device's bus: with nobody logged in."""
    made = Logind(device.env)
    yield made
    made.close()


def enrol(device, server, extra):
    device.enrol(server, sample="06-no-dmclient.xml")
    for name in extra:
        device.env.ctl("add", node("Poll"))
        device.env.ctl("add", node(f"Poll/{name}"), "true", "--format", "bool", expect=0)


def settle(device, server, watch):
    """One more session, asked for; all that was wanted before it has run by then. How many there
    were before."""
    n_before = len(set(sessions(server)))
    sync(device)
    server.wait(lambda: len(set(sessions(server))) > n_before)
    watch.until(lambda: is_idle(device))
    return n_before


def sessions(server):
    return [one.session for one in server.exchanges]


def login_status(exchange):
    return [text_of(one, "Item/Data") for one in exchange.elements if text_of(one, "Data") == "1224"]


def test_P9_PollOnLogin_a_session_of_the_user_at_every_login(device, serve, logind, watch):
    server = serve({"sessions": [[{"commands": [{"verb": "Add", "loc_uri": USER_TREE}]}], []]})
    enrol(device, server, ["PollOnLogin"])
    start_broker(device.env)
    logind.log_in(1234)
    server.wait(lambda: len(server.exchanges) == 2)
    watch.until(lambda: is_idle(device))
    assert device.session_property("Origin") == "login"
    assert login_status(server.exchanges[0]) == ["user"]
    assert server.exchanges[1].codes == [200], "there is a user, who has a tree (A1)"
    logind.log_in(1234)
    server.wait(lambda: len(server.exchanges) == 3)


def test_P9_AllUsersPollOnFirstLogin_once_for_each_user(device, serve, logind, watch):
    server = serve([])
    enrol(device, server, ["AllUsersPollOnFirstLogin"])
    broker = start_broker(device.env)
    for number, uid in enumerate((1000, 1001), 1):
        logind.log_in(uid)
        server.wait(lambda number=number: len(server.exchanges) == number)
        watch.until(lambda: is_idle(device))
        logind.log_in(uid)
    # Also after both have started again.
    broker.stop()
    device.env.agent.stop()
    device.env.start_agent()
    start_broker(device.env)
    logind.log_in(1000)
    logind.log_in(1002)
    server.wait(lambda: len(server.exchanges) == 3)
    watch.until(lambda: is_idle(device))
    assert settle(device, server, watch) == 3


@pytest.mark.parametrize("kind", ["greeter", "background", "manager", "lock-screen"])
def test_P9_what_is_no_person_does_not_log_in(device, serve, logind, watch, kind):
    server = serve([])
    enrol(device, server, ["PollOnLogin", "AllUsersPollOnFirstLogin"])
    start_broker(device.env)
    logind.log_in(120, kind)
    logind.log_in(1000)
    server.wait(lambda: server.exchanges)
    watch.until(lambda: is_idle(device))
    assert settle(device, server, watch) == 1


def test_P9_who_was_there_before_the_broker(device, serve, logind, watch):
    """It may be the user's first login, which is not missed; it is not a login now."""
    servers = {name: serve([]) for name in (PROVIDER, "Other")}
    for name, server in servers.items():
        device.enrol(server, name, sample="06-no-dmclient.xml")
        flag = "AllUsersPollOnFirstLogin" if name == PROVIDER else "PollOnLogin"
        device.env.ctl("add", node("Poll", name))
        device.env.ctl("add", node(f"Poll/{flag}", name), "true", "--format", "bool", expect=0)
    logind.add_session(1000)
    broker = start_broker(device.env)
    servers[PROVIDER].wait(lambda: servers[PROVIDER].exchanges)
    watch.until(lambda: is_idle(device))
    broker.stop()
    start_broker(device.env)
    logind.log_in(1001)
    for name, n in ((PROVIDER, 2), ("Other", 1)):
        servers[name].wait(lambda name=name, n=n: len(servers[name].exchanges) == n)


def test_P9_a_login_while_the_agent_is_away_is_not_lost(device, serve, logind):
    server = serve([])
    enrol(device, server, ["AllUsersPollOnFirstLogin"])
    start_broker(device.env)
    device.env.agent.stop()
    logind.log_in(1000)
    device.env.start_agent()
    server.wait(lambda: server.exchanges)


def test_P9_no_flag_no_session(device, serve, logind, watch):
    server = serve([])
    enrol(device, server, [])
    start_broker(device.env)
    logind.log_in(1000)
    assert settle(device, server, watch) == 0


def test_protocol_8_triggers_of_all_kinds_are_merged(device, serve, logind, watch):
    """While a session runs: five requests and what falls due are that one, the logins of a user are
    one more, with the user, and there are never two at a time."""
    hold = threading.Event()
    server = serve({"sessions": [[{"event": hold}], []]})
    enrol(device, server, ["PollOnLogin"])
    start_broker(device.env)
    sync(device)
    server.wait(lambda: server.exchanges)
    for _ in range(3):
        sync(device)
        logind.log_in(1000)
    settle_bus(device.env)
    assert len(server.exchanges) == 1
    hold.set()
    server.wait(lambda: len(server.exchanges) == 2)
    watch.until(lambda: is_idle(device))
    assert [login_status(one) for one in server.exchanges][1] == ["user"]
    assert settle(device, server, watch) == 2


# -- suspend ---------------------------------------------------------------------------------------


def test_P7_what_is_due_in_suspend_runs_once_after_it(device, serve, logind, watch):
    server = serve([])
    device.enrol(server)
    broker = start_broker(device.env)
    logind.suspend(True)
    settle_bus(device.env)
    # The agent has not heard of the suspend: what it says is due meanwhile.
    device.env.agent.stop()
    make_due(device, 7 * 86400)
    device.env.start_agent()
    sync(device)
    assert not server.exchanges
    assert device.session_property("State") == "idle"
    logind.suspend(False)
    server.wait(lambda: server.exchanges)
    watch.until(lambda: is_idle(device) and device.session_property("LastSuccess") > 0)
    assert set(sessions(server)) == {1}, "both in one"
    assert broker.is_running()


def test_P7_a_suspend_whose_end_nobody_tells(device, serve, logind):
    server = serve([])
    device.enrol(server)
    start_broker(device.env)
    logind.suspend(True)
    settle_bus(device.env)
    sync(device)
    assert not server.exchanges
    logind.kill()
    server.wait(lambda: server.exchanges)
