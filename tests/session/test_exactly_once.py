# SPDX-License-Identifier: MIT
"""A message runs exactly once, whatever happens to the connection with the service (G2)."""

import pytest

import harness
from device import PROVIDER, node
from proxy import Proxy

PHONE = node("HelpPhoneNumber")
ADD = {"verb": "Add", "loc_uri": PHONE, "data": "1"}


@pytest.mark.parametrize("cut, applies", [(None, 1), ("request", 2), ("reply", 2)])
def test_G2_a_message_runs_once_when_the_connection_drops(device, serve, cut, applies):
    """Add answers 418 the second time: 200 says that nothing ran twice. Cut before the request the
    first Apply never arrived; cut before the reply it was committed."""
    server = serve([{"commands": [ADD, {"verb": "Get", "loc_uri": PHONE}]}])
    device.enrol(server)
    path = device.env.dir / "proxy"
    proxy = Proxy(path, device.env.socket, cut)
    try:
        device.env.run(harness.BROKER, "--once", PROVIDER, expect=0, DMCLIENT_SOCKET=path)
    finally:
        proxy.close()
    assert server.exchanges[1].codes == [200, 200]
    assert server.exchanges[1].results == {PHONE: (None, "1")}
    assert len(server.exchanges) == 2
    assert len(proxy.applies) == applies
    assert proxy.connections == (1 if cut is None else 2)


def test_G1_a_session_goes_on_after_the_agent_was_killed_and_started_again(device, serve):
    """Between two messages, while the server has the word."""

    def restart(_exchange):
        device.env.agent.kill()
        device.env.start_agent()

    server = serve([{"commands": [ADD]},
                    {"commands": [{"verb": "Get", "loc_uri": PHONE}], "on_request": restart}])
    device.enrol(server)
    device.sync()
    assert server.exchanges[2].results == {PHONE: (None, "1")}


def test_G1_nothing_of_a_session_is_lost_when_the_agent_is_killed_after_it(device, session):
    session({"commands": [ADD]})
    device.env.agent.kill()
    device.env.start_agent()
    assert device.get("HelpPhoneNumber") == "1"
    assert device.session_property("LastSuccess") > 0


def test_an_agent_that_does_not_come_back_ends_the_session(device, serve):
    server = serve([{"commands": [ADD], "may_abort": True,
                     "on_request": lambda _: device.env.agent.kill()}])
    device.enrol(server)
    assert device.sync(expect=6).stderr
    assert [one.codes for one in server.exchanges[1:]] in ([], [[]])
    device.env.start_agent()
    assert device.get("HelpPhoneNumber") is None
