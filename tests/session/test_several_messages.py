# SPDX-License-Identifier: MIT
"""Sessions of several messages, and their regular ends (protocol.md 1)."""

import pytest

from device import node

PHONE = node("HelpPhoneNumber")


def replace(data):
    return {"verb": "Replace", "loc_uri": PHONE, "data": data}


def test_protocol_1_a_session_goes_on_while_the_server_has_commands(device, session):
    steps = [{"commands": [replace(str(number)), {"verb": "Get", "loc_uri": PHONE}]}
             for number in range(5)]
    server = session(*steps)
    assert [one.header("MsgID") for one in server.exchanges] == ["1", "2", "3", "4", "5", "6"]
    assert [one.results[PHONE][1] for one in server.exchanges[1:]] == ["0", "1", "2", "3", "4"]
    assert len({one.headers["client-request-id"] for one in server.exchanges}) == 6
    assert server.handshakes == 1, "one connection for the whole session"
    assert device.get("HelpPhoneNumber") == "4"


def test_protocol_1_only_Statuses_end_the_session(device, session):
    server = session({})
    assert len(server.exchanges) == 1
    assert device.session_property("LastSuccess") > 0


@pytest.mark.parametrize("content_type", ["application/vnd.syncml.dm+xml", None])
def test_protocol_1_an_empty_body_ends_the_session(device, session, content_type):
    server = session({"commands": [replace("1")]},
                     {"empty": True, "http": {"headers": {"Content-Type": content_type}}})
    assert len(server.exchanges) == 2
    assert device.session_property("LastSuccess") > 0


def test_protocol_1_an_empty_body_to_package_1_ends_the_session(session):
    assert len(session({"empty": True}).exchanges) == 1


def test_protocol_1_without_Final_the_device_asks_with_1222(device, session):
    server = session({"commands": [replace("1")], "final": False},
                     {"commands": [replace("2")]})
    assert [one.alerts for one in server.exchanges] == [["1201", "1224"], ["1222"], []]
    assert device.get("HelpPhoneNumber") == "2"


def test_protocol_1_a_server_that_never_sends_Final_ends_with_a_message_without_commands(
        device, session):
    server = session({"commands": [replace("1")], "final": False},
                     {"commands": [replace("2")], "final": False}, {"final": False})
    assert [one.alerts for one in server.exchanges[1:]] == [["1222"], ["1222"]]
    assert device.session_property("LastSuccess") > 0


def test_protocol_1_no_Final_and_no_command_asks_once(session):
    """The first such message is not the end yet: the package goes on."""
    server = session({"final": False}, {"final": False})
    assert [one.alerts for one in server.exchanges] == [["1201", "1224"], ["1222"]]


def test_protocol_1_a_RespURI_outside_the_address_list_is_ignored(session):
    server = session(
        {"commands": [replace("1")],
         "header": {"extra": "<RespURI>https://mdm.example.test/steal</RespURI>"}})
    assert len(server.exchanges) == 2


def test_protocol_1_each_session_has_a_SessionID_of_its_own(device, session):
    server = session({"commands": [replace("1")]})
    device.sync()
    first, second = server.exchanges[0], server.exchanges[2]
    assert first.header("SessionID") != second.header("SessionID")
    assert second.header("MsgID") == "1"


def test_design_5_State_follows_the_session(device, serve):
    states = []

    def note(_exchange):
        states.append(device.session_property("State"))

    server = serve([{"commands": [replace("1")], "on_request": note}, {"on_request": note}])
    device.enrol(server)
    note(None)
    device.sync()
    note(None)
    assert states == ["idle", "connecting", "running", "idle"]
