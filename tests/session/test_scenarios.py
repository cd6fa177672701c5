# SPDX-License-Identifier: MIT
"""Sessions as a table: what a server sends, what it is answered (protocol.md 1 to 3)."""

import pytest

from device import node
from mdm_server import MdmServer

PHONE = node("HelpPhoneNumber")
MAIL = node("HelpEmailAddress")
UNKNOWN = node("NoSuchNode")
NOWHERE = "./Device/Vendor/MSFT/Nowhere"
PROTOCOL, ABORTED = 17, 18


def put(path=PHONE, data="x", **more):
    return {"verb": "Replace", "loc_uri": path, "data": data, **more}


def raw(name, cmd_id, inside="", uri=PHONE):
    """XML of a command with that CmdID (None: without), or of a container."""
    item = f"<Item><Target><LocURI>{uri}</LocURI></Target><Data>x</Data></Item>"
    number = f"<CmdID>{cmd_id}</CmdID>" if cmd_id is not None else ""
    return f"<{name}>{number}{inside or item}</{name}>"


def answers(session, commands, **step):
    """The (Cmd, CmdRef, code) of the answer to these commands, as XML."""
    body = ('<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD>'
            "<VerProto>DM/1.2</VerProto><SessionID>@SESSION_ID@</SessionID><MsgID>@MSG_ID@</MsgID>"
            "<Target><LocURI>@TARGET@</LocURI></Target><Source><LocURI>@SOURCE@</LocURI></Source>"
            f"</SyncHdr><SyncBody>{commands}<Final/></SyncBody></SyncML>")
    server = session({"body": body, **step})
    assert server.exchanges[1].statuses[0] == ("SyncHdr", "0", 200)
    return server.exchanges[1].statuses[1:]


@pytest.mark.parametrize("commands, expected", [
    (raw("Replace", "2"), [("Replace", "2", 200)]),
    (raw("Replace", "a-b_c.d"), [("Replace", "a-b_c.d", 200)]),
    (raw("Replace", "90dbfca8-d4ac-40c9-bf57-ba5b8cbf1ce0"),
     [("Replace", "90dbfca8-d4ac-40c9-bf57-ba5b8cbf1ce0", 200)]),
    (raw("Replace", "7") + raw("Replace", "7"), [("Replace", "7", 200)] * 2),
    (raw("Replace", "7") + raw("Replace", "7", uri=NOWHERE),
     [("Replace", "7", 200), ("Replace", "7", 404)]),
    (raw("Replace", None) + raw("Replace", "3"), [("Replace", "", 400), ("Replace", "3", 200)]),
    (raw("Replace", ""), [("Replace", "", 400)]),
    (raw("Bogus", "4") + raw("Replace", "5"), [("Bogus", "4", 400), ("Replace", "5", 200)]),
    (raw("Atomic", "1", raw("Replace", "2") + raw("Bogus", "3")),
     [("Atomic", "1", 507), ("Replace", "2", 215), ("Bogus", "3", 400)]),
    (raw("Atomic", "1", raw("Replace", "2") + raw("Replace", "3", uri=UNKNOWN)),
     [("Atomic", "1", 507), ("Replace", "2", 216), ("Replace", "3", 404)]),
    (raw("Atomic", "1", raw("Replace", "2", uri=UNKNOWN) + raw("Replace", "3")),
     [("Atomic", "1", 507), ("Replace", "2", 404), ("Replace", "3", 215)]),
    (raw("Atomic", "1", raw("Replace", None) + raw("Replace", "3")),
     [("Atomic", "1", 507), ("Replace", "", 400), ("Replace", "3", 215)]),
    (raw("Sequence", "1", raw("Replace", "2", uri=NOWHERE) + raw("Replace", "3")),
     [("Sequence", "1", 200), ("Replace", "2", 404), ("Replace", "3", 200)]),
    (raw("Sequence", "1", raw("Bogus", "2") + raw("Replace", "3")),
     [("Sequence", "1", 200), ("Bogus", "2", 400), ("Replace", "3", 200)]),
    (raw("Alert", "1", "<Data>1224</Data>") + raw("Replace", "2"),
     [("Alert", "1", 200), ("Replace", "2", 200)]),
], ids=["number", "text", "uuid", "duplicate", "duplicate-of-two-fates", "missing", "empty",
        "unknown", "unknown-in-Atomic", "Atomic-undone", "Atomic-never-run", "missing-in-Atomic",
        "Sequence-goes-on", "unknown-in-Sequence", "Alert"])
def test_protocol_2_each_command_has_its_Status(session, commands, expected):
    assert answers(session, commands) == expected


def test_M2_a_nested_Atomic_is_500_inside_and_507_outside(device, session):
    inner = raw("Atomic", "2", raw("Replace", "3"))
    got = answers(session, raw("Atomic", "1", inner + raw("Replace", "4")))
    assert got[0] == ("Atomic", "1", 507)
    assert ("Atomic", "2", 500) in got
    assert {code for _, cmd_ref, code in got if cmd_ref in ("3", "4")} == {215}
    assert device.get("HelpPhoneNumber") != "x"


@pytest.mark.parametrize("first", [{}, {"final": False}], ids=["Final", "no-Final"])
def test_protocol_1_an_abort_in_the_middle_runs_nothing_and_gets_no_answer(device, serve, first):
    server = serve([{"commands": [put()], **first},
                    {"commands": [raw("Alert", "1", "<Data>1223</Data>"), put(MAIL)]}])
    device.enrol(server)
    device.sync(expect=ABORTED)
    assert len(server.exchanges) == 2
    assert device.get("HelpPhoneNumber") == "x"
    assert device.get("HelpEmailAddress") != "x"


@pytest.mark.parametrize("steps, alerts", [
    ([{"commands": [put()]}, {"empty": True}], [[]]),
    ([{"commands": [put()], "final": False}, {"empty": True}], [["1222"]]),
    ([{"commands": [put()], "final": False}, {}], [["1222"]]),
    ([{"final": False}, {"commands": [put()]}, {}], [["1222"], []]),
    ([{"final": False}, {"commands": [put()], "final": False}, {"final": False}],
     [["1222"], ["1222"]]),
], ids=["empty", "empty-after-1222", "Final-after-1222", "late-command", "never-Final"])
def test_protocol_1_regular_ends(device, session, steps, alerts):
    server = session(*steps)
    assert [one.alerts for one in server.exchanges[1:]] == alerts
    assert device.get("HelpPhoneNumber") == "x"
    assert device.session_property("LastSuccess") > 0


def test_protocol_1_Results_directly_follow_their_Status(session):
    server = session({"commands": [{"verb": "Get", "loc_uri": PHONE}, put(), put(MAIL),
                                   {"verb": "Get", "loc_uri": MAIL}]})
    names = [element.tag.rsplit("}", 1)[-1] for element in server.exchanges[1].elements]
    at = [index for index, name in enumerate(names) if name == "Results"]
    assert all(names[index - 1] == "Status" for index in at) and at[-1] == len(names) - 2
    assert [server.exchanges[1].results[MAIL][1]] == ["x"]


@pytest.mark.parametrize("message", ["1", "2", "99", "x"])
@pytest.mark.parametrize("command", ["2", "77", "x", ""])
def test_protocol_2_a_Status_for_whatever_command_changes_nothing(session, message, command):
    server = session({"commands": [put()], "extra_statuses": [
        {"msg_ref": message, "cmd_ref": command, "cmd": "Replace", "data": 500}]})
    assert server.exchanges[1].codes == [200]


@pytest.mark.parametrize("code", [400, 403, 404, 412, 500, 503, 505, 513])
def test_protocol_1_a_refused_header_runs_nothing(device, serve, code):
    server = serve([{"header_status": code, "commands": [put()]}])
    device.enrol(server)
    assert str(code) in device.sync(expect=PROTOCOL).stderr
    assert len(server.exchanges) == 1
    assert device.get("HelpPhoneNumber") != "x"


def test_protocol_1_a_RespURI_on_a_listed_host_is_where_the_next_message_goes(device, certs_dir):
    """Host as listed, another path: there, and Target says so."""
    with MdmServer(certs_dir, [{"commands": [put()]}, {}]) as server:
        listed = server.address.replace("MDM.svc", "next")
        server.script.sessions[0][0]["header"] = {"extra": f"<RespURI>{listed}</RespURI>"}
        device.enrol(server)
        device.sync()
        assert [one.target.partition("?")[0] for one in server.exchanges] == [
            "/ManagementServer/MDM.svc", "/ManagementServer/next"]
        assert server.exchanges[1].header("Target/LocURI") == listed
        assert server.exchanges[1].codes == [200]


def test_protocol_4_the_same_message_after_1222_is_a_repetition(device, serve):
    """Without Final and with commands: asking for more is no leave to send the same again."""
    step = {"commands": [put()], "final": False, "statuses": [], "header": {"msg_id": 1}}
    server = serve([step, {**step, "refused": True}])
    device.enrol(server)
    device.sync(expect=PROTOCOL)
    assert [one.alerts for one in server.exchanges[1:]] == [["1222"]]


def test_protocol_4_the_same_commands_under_a_new_number_are_none(session):
    server = session(*[{"commands": [put()], "final": False}] * 3)
    assert [one.codes for one in server.exchanges[1:4]] == [[200]] * 3
