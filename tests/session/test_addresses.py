# SPDX-License-Identifier: MIT
"""Which of a provider's server addresses a session uses (rules 4)."""

import pytest

from device import node
from mdm_server import free_port


def closed():
    return f"https://localhost:{free_port()}/closed"


def angle(*addresses):
    return "".join(f"<{address}>" for address in addresses)


def put(name, data):
    return {"verb": "Replace", "loc_uri": node(name), "data": data}


def test_L3_addresses_are_tried_in_order_until_one_answers(device, serve):
    server, later = serve([]), serve([])
    device.enrol(angle(closed(), server.address, later.address))
    device.sync()
    assert (len(server.exchanges), len(later.exchanges)) == (1, 0)
    assert server.exchanges[0].header("Target/LocURI") == server.address
    assert server.exchanges[0].header("MsgID") == "1"


@pytest.mark.parametrize("status, answers", [(500, False), (503, False), (429, False),
                                             (408, False), (404, True), (403, True)])
def test_L3_an_answer_is_any_HTTP_status_but_408_429_and_5xx(device, serve, status, answers):
    first, second = serve([{"http": {"status": status}}]), serve([])
    device.enrol(angle(first.address, second.address))
    device.sync(expect=13 if answers else 0)
    assert (len(first.exchanges), len(second.exchanges)) == (1, 0 if answers else 1)


def test_L3_the_next_session_starts_with_the_address_that_worked(device, serve):
    first, second = serve([{"http": {"status": 503}}]), serve([])
    device.enrol(angle(first.address, second.address))
    device.sync()
    device.sync()
    assert (len(first.exchanges), len(second.exchanges)) == (1, 2)


def test_L3_a_changed_address_is_used_in_the_next_session_only(device, serve):
    old, new = serve({"sessions": [[]]}), serve([])
    old.script.sessions[0] += [{"commands": [put("ManagementServiceAddress", new.address)]},
                               {"commands": [put("HelpPhoneNumber", "1")]}]
    device.enrol(old)
    device.sync()
    assert (len(old.exchanges), len(new.exchanges)) == (3, 0)
    device.sync()
    assert (len(old.exchanges), len(new.exchanges)) == (3, 1)


def test_L2_ManagementServerAddressList_is_the_only_source_once_it_is_set(device, serve):
    listed, ignored = serve([]), serve({"sessions": [[], []]})
    ignored.script.sessions[0].append(
        {"commands": [put("ManagementServerAddressList", angle(listed.address))]})
    ignored.script.sessions[0].append({"commands": [put("ManagementServiceAddress",
                                                        ignored.address)]})
    device.enrol(ignored)
    device.sync()
    device.sync()
    assert (len(ignored.exchanges), len(listed.exchanges)) == (3, 1)


def test_L1_http_is_refused_but_for_tests(device, serve):
    server = serve([], tls=False)
    done = device.provision(device.document(server.address), expect=1)
    assert "400" in done.stderr
    assert server.exchanges == []
