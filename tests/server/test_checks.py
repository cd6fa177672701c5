# SPDX-License-Identifier: MIT
"""The checks accept what real clients sent, and each of them can fail."""

import glob
import os
import re
import xml.etree.ElementTree as ElementTree

import pytest

from checks import SessionChecker, check_shape, is_request_pending
from expected import Answer, flatten
from syncml import build_message, find, name_of, text_of

DATA = os.path.join(os.path.dirname(__file__), "..", "data", "syncml")
SERVER = "https://windows.fleetdm.ngrok.io/ManagementServer/MDM.svc"
DEVICE = "B5B954E81FBCB94EB79BD08BE625F4EE"
HEADERS = {
    "Host": "windows.fleetdm.ngrok.io",
    "Content-Type": "application/vnd.syncml.dm+xml; charset=utf-8",
    "Accept": "application/vnd.syncml.dm+xml",
    "User-Agent": "MSFT OMA DM Client/1.2.0.1 dmclient/1",
    "client-request-id": "1",
}
TARGET = "/ManagementServer/MDM.svc?mode=Machine&Platform=Linux"


def read(name):
    with open(os.path.join(DATA, name), "rb") as file:
        return file.read()


def rules(violations):
    return {violation.rule for violation in violations}


# -- what real clients sent ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["10_d2s_win10_pkg1.xml", "12_d2s_win10_unenroll_1226_nomark.xml",
                                  "14_d2s_win10_19043_pkg1.xml"])
def test_accepts_recorded_package_1(name):
    assert SessionChecker().check_message(read(name)) == []


def test_accepts_recorded_answer():
    checker = SessionChecker()
    assert checker.check_message(read("14_d2s_win10_19043_pkg1.xml")) == []
    checker.note_answer(build_message(
        {"session_id": "1", "msg_id": 1, "target": "device", "source": "server"}, [],
        [{"verb": "Replace", "cmd_id": "5", "loc_uri": "./Vendor/MSFT/A", "data": "a"},
         {"verb": "Replace", "cmd_id": "6", "loc_uri": "./Vendor/MSFT/B", "data": "b"}]))
    assert checker.check_message(read("16_d2s_win10_replace_status_202.xml")) == []


def test_accepts_request_pending():
    message = read("31_d2s_keepalive_requestpending_no_final.xml")
    root = ElementTree.fromstring(message)
    assert check_shape(root) == []
    assert is_request_pending(list(find(root, "SyncBody")))


def test_sees_what_is_odd_in_examples_of_the_documents():
    """28 and 30 are examples, not recordings: 28 has no Alert 1201, 30 gathers its Results at the
    end, with Cmd in them and a Format that says chr."""
    assert rules(SessionChecker().check_message(
        read("28_d2s_msmdm_sec4_pkg1_no1201.xml"))) == {"package-1"}
    root = ElementTree.fromstring(read("30_d2s_msmdm_sec4_pkg3_results.xml"))
    assert rules(check_shape(root)) == {"dtd"}
    answer = Answer.of(build_message(
        {"session_id": "1", "msg_id": 1, "target": "device", "source": "server"}, [],
        [{"verb": "Get", "cmd_id": "4", "loc_uri": "./DevDetail/SwV"},
         {"verb": "Get", "cmd_id": "5", "loc_uri": "./DevDetail/HwV"}]))
    elements = [one for one in find(root, "SyncBody") if name_of(one) != "Final"]
    assert rules(answer.check(elements, True)) == {"results-place", "results-missing",
                                                   "results-ref", "results-item",
                                                   "results-format"}


@pytest.mark.parametrize("name", sorted(os.path.basename(path) for path in
                                        glob.glob(os.path.join(DATA, "*_d2s_*.frag.xml"))))
def test_accepts_shape_of_recorded_fragment(name):
    text = re.sub(r"</?SyncBody>", "", read(name).decode())
    root = ElementTree.fromstring(
        f'<SyncBody xmlns="SYNCML:SYNCML1.2">{text}</SyncBody>')
    assert check_shape(root) == []


# -- a session of our own, and what may go wrong in it ---------------------------------------------

COMMANDS = [
    {"verb": "Replace", "cmd_id": "a1", "loc_uri": "./Vendor/MSFT/A", "data": "a"},
    {"verb": "Get", "cmd_id": "g1", "items": [{"loc_uri": "./Vendor/MSFT/A"},
                                              {"loc_uri": "./Vendor/MSFT/missing"},
                                              {"loc_uri": "./Device/Vendor/MSFT/C"}]},
    {"verb": "Add", "cmd_id": "quiet", "loc_uri": "./Vendor/MSFT/Q", "data": "", "no_resp": True},
    {"verb": "Add", "cmd_id": None, "loc_uri": "./Vendor/MSFT/N", "data": "n"},
    "<Frobnicate><CmdID>f</CmdID></Frobnicate>",
    {"verb": "Atomic", "cmd_id": "at", "commands": [
        {"verb": "Replace", "cmd_id": "at1", "loc_uri": "./Vendor/MSFT/A", "data": "b"},
        {"verb": "Replace", "cmd_id": "at2", "loc_uri": "./Vendor/MSFT/Z", "data": "b"},
        {"verb": "Replace", "cmd_id": "at3", "loc_uri": "./Vendor/MSFT/B", "data": "b"}]},
    {"verb": "Get", "cmd_id": "g2", "loc_uri": "./DevInfo/Mod"},
]


def status(cmd_id, ref, cmd, code, target=None):
    refs = f"<TargetRef>{target}</TargetRef>" if target else ""
    return (f"<Status><CmdID>{cmd_id}</CmdID><MsgRef>1</MsgRef><CmdRef>{ref}</CmdRef>"
            f"<Cmd>{cmd}</Cmd>{refs}<Data>{code}</Data></Status>")


def item(path, data, form=""):
    meta = f'<Meta><Format xmlns="syncml:metinf">{form}</Format></Meta>' if form else ""
    return f"<Item><Source><LocURI>{path}</LocURI></Source>{meta}<Data>{data}</Data></Item>"


GOOD = "".join([
    '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>',
    "<SessionID>1</SessionID><MsgID>2</MsgID>",
    f"<Target><LocURI>{SERVER}</LocURI></Target><Source><LocURI>{DEVICE}</LocURI></Source>",
    "</SyncHdr><SyncBody>",
    status(1, "0", "SyncHdr", 200),
    status(2, "a1", "Replace", 200),
    status(3, "g1", "Get", 200, "./Vendor/MSFT/A"),
    status(4, "g1", "Get", 404, "./Vendor/MSFT/missing"),
    status(5, "g1", "Get", 200, "./Device/Vendor/MSFT/C"),
    "<Results><CmdID>6</CmdID><MsgRef>1</MsgRef><CmdRef>g1</CmdRef>",
    item("./Vendor/MSFT/A", "a"), item("./Device/Vendor/MSFT/C", "5", "int"), "</Results>",
    status(7, "", "Add", 400),
    status(8, "f", "Frobnicate", 400),
    status(9, "at", "Atomic", 507),
    status(10, "at1", "Replace", 216),
    status(11, "at2", "Replace", 404),
    status(12, "at3", "Replace", 215),
    status(13, "g2", "Get", 200),
    "<Results><CmdID>14</CmdID><CmdRef>g2</CmdRef>", item("./DevInfo/Mod", "Model"), "</Results>",
    "<Final/></SyncBody></SyncML>",
])


def begin():
    checker = SessionChecker()
    assert checker.check_request("POST", TARGET, HEADERS) == []
    assert checker.check_message(read("10_d2s_win10_pkg1.xml")) == []
    return checker


def answered(commands=COMMANDS, **how):
    checker = begin()
    checker.note_answer(build_message(
        {"session_id": "1", "msg_id": 1, "target": DEVICE, "source": SERVER}, [], commands, **how))
    return checker


def test_accepts_good_answer():
    assert answered().check_message(GOOD.encode()) == []


def test_a_missing_MsgRef_means_1():
    checker = answered()
    checker.expected.msg_id = "2"
    assert "msg-ref" in rules(checker.check_message(GOOD.encode()))


@pytest.mark.parametrize("rule, old, new", [
    ("xml", "</SyncML>", ""),
    ("xml", "<SyncML xmlns", "<!DOCTYPE SyncML><SyncML xmlns"),
    ("root", "SYNCML:SYNCML1.2", "SYNCML:SYNCML1.1"),
    ("root", ' xmlns="SYNCML:SYNCML1.2"', ""),
    ("namespace", ' xmlns="syncml:metinf"', ""),
    ("dtd", "<VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>",
     "<VerProto>DM/1.2</VerProto><VerDTD>1.2</VerDTD>"),
    ("dtd", "<MsgID>2</MsgID>", ""),
    ("dtd", "<MsgRef>1</MsgRef><CmdRef>a1</CmdRef>", "<CmdRef>a1</CmdRef><MsgRef>1</MsgRef>"),
    ("dtd", "<Cmd>Replace</Cmd><Data>200</Data>", "<Data>200</Data><Cmd>Replace</Cmd>"),
    ("dtd", "<CmdRef>g2</CmdRef><Item>", "<CmdRef>g2</CmdRef><Cmd>Get</Cmd><Item>"),
    ("dtd", "<Source><LocURI>./DevInfo/Mod</LocURI></Source><Data>Model</Data>",
     "<Data>Model</Data><Source><LocURI>./DevInfo/Mod</LocURI></Source>"),
    ("dtd", "<Final/>", "<Final>1</Final>"),
    ("dtd", "<Final/>", "<Put><CmdID>15</CmdID></Put><Final/>"),
    ("dtd", "<VerDTD>", "<VerDTD a='b'>"),
    ("dtd", "<SyncBody>", "<SyncBody>text"),
    ("final-last", status(13, "g2", "Get", 200), "<Final/>" + status(13, "g2", "Get", 200)),
    ("final", "<Final/>", ""),
    ("version", "DM/1.2", "DM/1.1"),
    ("version", "<VerDTD>1.2", "<VerDTD>1.1"),
    ("session-id", "<SessionID>1", "<SessionID>2"),
    ("msg-id", "<MsgID>2", "<MsgID>1"),
    ("msg-id", "<MsgID>2", "<MsgID>3"),
    ("target", SERVER, SERVER + "/other"),
    ("source", DEVICE, "other"),
    ("credentials", "</SyncHdr>", "<Cred><Data>x</Data></Cred></SyncHdr>"),
    ("credentials", DEVICE + "</LocURI>", DEVICE + "</LocURI><LocName>user</LocName>"),
    ("header", "</SyncHdr>", "<RespURI>https://example.test</RespURI></SyncHdr>"),
    ("cmd-id", "<CmdID>3<", "<CmdID>2<"),
    ("cmd-id", "<CmdID>3<", "<CmdID>13<"),
    ("cmd-id", "<CmdID>3<", "<CmdID>x<"),
    ("status-code", "<Data>404<", "<Data>4040<"),
    ("msg-ref", "<MsgRef>1</MsgRef><CmdRef>a1<", "<MsgRef>2</MsgRef><CmdRef>a1<"),
    ("status-header", status(1, "0", "SyncHdr", 200), ""),
    ("status-header", status(1, "0", "SyncHdr", 200), status(1, "0", "SyncHdr", 400)),
    ("status-missing", status(2, "a1", "Replace", 200), ""),
    ("status-missing", status(4, "g1", "Get", 404, "./Vendor/MSFT/missing"), ""),
    ("status-missing", status(12, "at3", "Replace", 215), ""),
    ("status-twice", status(2, "a1", "Replace", 200), status(2, "a1", "Replace", 200) * 2),
    ("status-unexpected", status(7, "", "Add", 400),
     status(7, "quiet", "Add", 200) + status(7, "", "Add", 400)),
    ("status-unexpected", "<CmdRef>a1<", "<CmdRef>a2<"),
    ("status-unexpected", "./Vendor/MSFT/missing</TargetRef>", "./Vendor/MSFT/x</TargetRef>"),
    ("status-cmd", "<CmdRef>a1</CmdRef><Cmd>Replace<", "<CmdRef>a1</CmdRef><Cmd>Add<"),
    ("status-order", status(10, "at1", "Replace", 216) + status(11, "at2", "Replace", 404),
     status(10, "at2", "Replace", 404) + status(11, "at1", "Replace", 216)),
    ("status-400", status(7, "", "Add", 400), status(7, "", "Add", 200)),
    ("status-400", status(8, "f", "Frobnicate", 400), status(8, "f", "Frobnicate", 501)),
    ("atomic", "<Cmd>Atomic</Cmd><Data>507<", "<Cmd>Atomic</Cmd><Data>200<"),
    ("atomic", status(10, "at1", "Replace", 216), status(10, "at1", "Replace", 200)),
    ("atomic", status(2, "a1", "Replace", 200), status(2, "a1", "Replace", 216)),
    ("results-missing", "<Results><CmdID>14</CmdID><CmdRef>g2</CmdRef>"
     + item("./DevInfo/Mod", "Model") + "</Results>", ""),
    ("results-place", status(8, "f", "Frobnicate", 400), status(8, "f", "Frobnicate", 400)
     + "<Results><CmdID>8</CmdID><CmdRef>f</CmdRef>" + item("./DevInfo/Mod", "") + "</Results>"),
    ("results-place", status(13, "g2", "Get", 200), status(13, "g2", "Get", 404)),
    ("results-ref", "<CmdRef>g2</CmdRef><Item>", "<CmdRef>g1</CmdRef><Item>"),
    ("results-item", item("./DevInfo/Mod", "Model"), item("./DevInfo/Man", "Model")),
    ("results-item", item("./DevInfo/Mod", "Model"), item("./DevInfo/Mod?list=Struct", "Model")),
    ("results-item", item("./Vendor/MSFT/A", "a"), ""),
    ("results-item", item("./Vendor/MSFT/A", "a"), item("./Vendor/MSFT/missing", "a")),
    ("results-item", "<Source><LocURI>./DevInfo/Mod</LocURI></Source>",
     "<Target><LocURI>./DevInfo/Mod</LocURI></Target>"),
    ("results-format", item("./DevInfo/Mod", "Model"), item("./DevInfo/Mod", "Model", "chr")),
    ("results-format", item("./DevInfo/Mod", "Model"), item("./DevInfo/Mod", "Model", "text")),
    ("answer", "<Final/>", "<Alert><CmdID>15</CmdID><Data>1222</Data></Alert><Final/>"),
    ("abort", "<Final/>", "<Alert><CmdID>15</CmdID><Data>1223</Data></Alert><Final/>"),
])
def test_each_check_of_an_answer_can_fail(rule, old, new):
    assert old in GOOD
    assert rule in rules(answered().check_message(GOOD.replace(old, new).encode()))


@pytest.mark.parametrize("rule, old, new", [
    ("package-1", "<Data>1201</Data>", "<Data>1224</Data>"),
    ("package-1", "com.microsoft/MDM/LoginStatus", "com.microsoft/MDM/Other"),
    ("package-1", "<Data>user</Data>", "<Data>root</Data>"),
    ("package-1", "<Data>1224</Data>", "<Data>1</Data>"),
    ("package-1", "</Replace>", "</Replace><Alert><CmdID>5</CmdID><Data>1224</Data></Alert>"),
    ("dev-info", "./DevInfo/Man", "./DevInfo/Maker"),
    ("dev-info", "<Data>VMware, Inc.</Data>", ""),
    ("dev-info", "<Data>en-US</Data>", "<Data></Data>"),
    ("dev-info", "<Data>B5B954E81FBCB94EB79BD08BE625F4EE", "<Data>other"),
    ("final", "<Final/>", ""),
    ("cmd-id-first", "<CmdID>2</CmdID>", "<CmdID>1</CmdID>"),
    ("header", "</SyncHdr>",
     '<Meta><MaxMsgSize xmlns="syncml:metinf">524288</MaxMsgSize></Meta></SyncHdr>'),
    ("msg-id", "<MsgID>1", "<MsgID>2"),
])
def test_each_check_of_package_1_can_fail(rule, old, new):
    good = read("10_d2s_win10_pkg1.xml").decode()
    assert old in good
    assert rule in rules(SessionChecker().check_message(good.replace(old, new).encode()))


def test_package_1_items_in_another_order_fail():
    good = read("10_d2s_win10_pkg1.xml").decode()
    swapped = good.replace("DevInfo/Man", "x").replace("DevInfo/Mod", "DevInfo/Man").replace(
        "./x", "./DevInfo/Mod")
    assert "dev-info" in rules(SessionChecker().check_message(swapped.encode()))


@pytest.mark.parametrize("rule, target, headers", [
    ("http-query", "/ManagementServer/MDM.svc", {}),
    ("http-query", "/ManagementServer/MDM.svc?mode=Other&Platform=Linux", {}),
    ("http-query", "/ManagementServer/MDM.svc?Platform=Linux&mode=Machine", {}),
    ("http-query", "/ManagementServer/MDM.svc?a=bmode=Machine&Platform=Linux", {}),
    ("http-content-type", TARGET, {"Content-Type": "application/vnd.syncml.dm+xml"}),
    ("http-content-type", TARGET, {"Content-Type": "application/vnd.syncml.dm+wbxml"}),
    ("http-accept", TARGET, {"Accept": "*/*"}),
    ("http-user-agent", TARGET, {"User-Agent": "curl/7.88"}),
    ("http-user-agent", TARGET, {"User-Agent": "MSFT OMA DM Client/1.2.0.1"}),
    ("http-compression", TARGET, {"Accept-Encoding": "gzip"}),
    ("http-request-id", TARGET, {"client-request-id": None}),
])
def test_each_check_of_a_request_can_fail(rule, target, headers):
    found = SessionChecker().check_request("POST", target, {**HEADERS, **headers})
    assert rules(found) == {rule}


def test_method_and_repeated_request_id_fail():
    checker = SessionChecker()
    assert rules(checker.check_request("PUT", TARGET, HEADERS)) == {"http-method"}
    assert rules(checker.check_request("POST", TARGET, HEADERS)) == {"http-request-id"}


def test_query_of_the_address_is_kept_and_belongs_to_the_target():
    checker = SessionChecker()
    assert checker.check_request("POST", TARGET.replace("?", "?hwid=1&"), HEADERS) == []
    good = read("10_d2s_win10_pkg1.xml").decode()
    assert rules(checker.check_message(good.encode())) == {"target"}
    checker.message = 0
    checker.target = None
    assert checker.check_message(good.replace(SERVER, SERVER + "?hwid=1").encode()) == []


def test_a_message_over_the_limit_fails():
    good = read("10_d2s_win10_pkg1.xml").decode()
    long = good.replace("VMware7,1", "x" * 524288)
    assert rules(SessionChecker().check_message(long.encode())) == {"size"}


# -- the end of a session (protocol.md 1) ----------------------------------------------------------

BARE = (GOOD[:GOOD.index("<Status>")] + status(1, "0", "SyncHdr", 200)
        + "<Final/></SyncBody></SyncML>")
NEXT = BARE.replace("<Final/>", "<Alert><CmdID>2</CmdID><Data>1222</Data></Alert>")


def test_a_bare_SyncHdr_Status_at_the_end_fails():
    assert rules(answered([]).check_message(BARE.encode())) == {"after-end"}


def test_a_message_after_an_empty_body_fails():
    checker = begin()
    checker.note_answer(b"")
    assert "after-end" in rules(checker.check_message(BARE.encode()))


def test_a_message_after_1223_fails():
    checker = answered([{"verb": "Alert", "code": 1223}])
    assert "after-end" in rules(checker.check_message(BARE.encode()))


def test_without_Final_the_answer_asks_for_the_next_message():
    assert answered([], final=False).check_message(NEXT.encode()) == []
    assert rules(answered([], final=False).check_message(BARE.encode())) == {"final", "answer"}


def test_an_answer_begins_with_CmdID_1():
    late = NEXT.replace("<CmdID>2<", "<CmdID>3<").replace("<CmdID>1<", "<CmdID>2<")
    assert rules(answered([], final=False).check_message(late.encode())) == {"cmd-id-first"}


def test_without_Final_and_command_twice_is_the_end():
    checker = answered([], final=False)
    assert checker.check_message(NEXT.encode()) == []
    checker.note_answer(build_message(
        {"session_id": "1", "msg_id": 2, "target": DEVICE, "source": SERVER}, [], [], final=False))
    late = NEXT.replace("<MsgID>2", "<MsgID>3").replace("<MsgRef>1", "<MsgRef>2")
    assert rules(checker.check_message(late.encode())) == {"after-end"}


def test_a_package_in_two_messages_with_a_command_in_the_first_is_answered():
    """The end is a package without a command, not a message without one."""
    checker = answered([COMMANDS[0]], final=False)
    first = NEXT.replace(status(1, "0", "SyncHdr", 200), status(1, "0", "SyncHdr", 200)
                         + status(2, "a1", "Replace", 200)).replace(
        "<Alert><CmdID>2", "<Alert><CmdID>3")
    assert checker.check_message(first.encode()) == []
    checker.note_answer(build_message(
        {"session_id": "1", "msg_id": 2, "target": DEVICE, "source": SERVER}, [], []))
    last = BARE.replace("<MsgID>2", "<MsgID>3").replace("<MsgRef>1", "<MsgRef>2")
    assert checker.check_message(last.encode()) == []
    checker.note_answer(build_message(
        {"session_id": "1", "msg_id": 3, "target": DEVICE, "source": SERVER}, [], []))
    assert checker.ended


def test_abort_is_in_order_only_after_an_answer_to_refuse():
    abort = BARE.replace("<Final/>", "<Alert><CmdID>2</CmdID><Data>1223</Data></Alert><Final/>")
    checker = begin()
    checker.note_answer(b"<SyncML>")
    assert checker.check_message(abort.encode()) == []
    assert rules(answered().check_message(abort.encode())) == {"abort"}
    checker = begin()
    checker.note_answer(b"<SyncML>")
    assert "final" in rules(checker.check_message(abort.replace("<Final/>", "").encode()))


def test_the_answer_to_request_pending_leaves_the_answer_due():
    """Rules S3: it neither ends the session nor counts as an answer to be answered."""
    checker = answered()
    pending = BARE.replace(status(1, "0", "SyncHdr", 200), (
        '<Alert><CmdID>2</CmdID><Data>1224</Data><Item><Meta><Type xmlns="syncml:metinf">'
        "Reversed-Domain-Name:com.microsoft.mdm.requestpending</Type></Meta><Data>1</Data></Item>"
        "</Alert>")).replace("<Final/>", "")
    assert checker.check_message(pending.encode()) == []
    checker.note_answer(build_message(
        {"session_id": "1", "msg_id": 2, "target": DEVICE, "source": SERVER}, [], []))
    assert checker.check_message(GOOD.replace("<MsgID>2", "<MsgID>3").encode()) == []


def test_credentials_follow_a_challenge():
    checker = begin()
    chal = ('<Chal><Meta><Format xmlns="syncml:metinf">b64</Format>'
            '<Type xmlns="syncml:metinf">syncml:auth-md5</Type></Meta></Chal>')
    checker.note_answer(build_message(
        {"session_id": "1", "msg_id": 1, "target": DEVICE, "source": SERVER},
        [{"msg_ref": 1, "cmd_ref": 0, "cmd": "SyncHdr", "data": 401, "chal": chal}], []))
    assert not checker.ended
    first = read("10_d2s_win10_pkg1.xml").decode()
    again = first.replace("<MsgID>1", "<MsgID>2").replace(
        "</SyncHdr>", "<Cred><Data>x</Data></Cred></SyncHdr>").replace(
        "<SyncBody>", "<SyncBody>" + status(1, "0", "SyncHdr", 200))
    assert checker.check_message(again.encode()) == []


def test_flatten_follows_the_document_and_knows_what_is_no_command():
    root = ElementTree.fromstring(build_message(
        {"session_id": "1", "msg_id": 1, "target": DEVICE, "source": SERVER}, [], COMMANDS))
    commands = flatten(find(root, "SyncBody"))
    assert [(one.name, one.cmd_id) for one in commands] == [
        ("Replace", "a1"), ("Get", "g1"), ("Add", "quiet"), ("Add", ""), ("Frobnicate", "f"),
        ("Atomic", "at"), ("Replace", "at1"), ("Replace", "at2"), ("Replace", "at3"), ("Get", "g2")]
    assert [one.known for one in commands if not one.known] == [False]
    assert text_of(find(root, "SyncHdr"), "Target/LocURI") == DEVICE
