# SPDX-License-Identifier: MIT
"""Sizes (protocol.md 3): what the server takes, answers in several messages, objects in chunks in
either direction. That no message is over MaxMsgSize, and that the parts of an answer are the whole
of it, is the test server's work."""

import pytest

from device import node
from mdm_server import MdmServer
from syncml import find, find_all, name_of, text_of
from test_endings import CODES

PHONE, BODY = node("HelpPhoneNumber"), node("CustomEnrollmentCompletePage/BodyText")
MORE = {"commands": [{"verb": "Alert", "code": 1222}], "final": False}
LONG = "A line with ümläuts, <markup> & more.\n" * 26  # BodyText has 1,024 bytes


def asking(*steps):
    """Steps, the first of which has an answer that may need several messages: the server asks for
    the rest of it as long as there is some."""
    rest = list(steps[1:])

    def step(exchange):
        if find_all(exchange.elements, "Final"):
            return rest.pop(0) if rest else {}
        return MORE

    return [steps[0], *[step] * 30]


def takes(size, objects=None):
    """A header's Meta."""
    more = "" if objects is None else f'<MaxObjSize xmlns="syncml:metinf">{objects}</MaxObjSize>'
    return {"extra": f'<Meta><MaxMsgSize xmlns="syncml:metinf">{size}</MaxMsgSize>{more}</Meta>'}


def replace(path, data, **more):
    return {"verb": "Replace", "loc_uri": path, "data": data, **more}


def get(path):
    return {"verb": "Get", "loc_uri": path}


def chunk(data, more=True, path=PHONE, verb="Add", **fields):
    return {"verb": verb, "loc_uri": path, "data": data, "more_data": more, **fields}


def alerts_of(exchange):
    """(code, LocURI) of each Alert."""
    return [(text_of(one, "Data"), text_of(one, "Item/Target/LocURI"))
            for one in exchange.elements if name_of(one) == "Alert"]


def with_page(device, server):
    """A page with a long text."""
    device.enrol(server)
    device.env.ctl("add", BODY, LONG, expect=0)


# -- what the server takes -------------------------------------------------------------------------


def test_protocol_3_Statuses_that_do_not_fit_go_into_further_messages(device, serve):
    commands = [replace(PHONE, str(number)) for number in range(40)]
    server = serve(asking({"commands": commands, "header": takes(2000)},
                          {"commands": [replace(PHONE, "last")]}))
    device.enrol(server)
    device.sync()
    assert device.get("HelpPhoneNumber") == "last"
    answers = server.exchanges[1:]
    assert sum(one.codes.count(200) - len(one.alerts) for one in answers) > 40
    finals = [find_all(one.elements, "Final") != [] for one in answers]
    assert finals.count(True) == 2, "the package's last message, and that after it"
    assert not any(one.alerts for one in answers), "it is the server that asks"


def test_protocol_3_a_smaller_limit_holds_from_the_message_that_says_it(device, serve):
    commands = [replace(PHONE, str(number)) for number in range(10)]
    server = serve([{"commands": commands},
                    *asking({"commands": commands, "header": takes(1500)})])
    device.enrol(server)
    device.sync()
    assert [len(one.codes) for one in server.exchanges[1:2]] == [10]
    assert len(server.exchanges) > 3


@pytest.mark.parametrize("size", [1800, 1400])
def test_protocol_3_a_Result_over_a_message_comes_in_chunks(device, serve, size):
    server = serve(asking({"commands": [get(PHONE), get(BODY), get(node("UPN"))],
                           "header": takes(size)}))
    with_page(device, server)
    device.sync()
    chunked = [one for one in server.exchanges if any(
        find(item, "MoreData") is not None for element in one.elements
        for item in find_all(element, "Item"))]
    assert chunked and device.session_property("LastSuccess") > 0
    assert text_of(find_all(chunked[0].elements, "Results")[-1], "Item/Meta/Size") == str(
        len(LONG.encode()))


def refuses(code):
    """A step that answers a chunk with that code."""
    def step(exchange):
        results = find_all(exchange.elements, "Results")[-1]
        return {"commands": [{"verb": "Alert", "code": 1222}], "final": False, "extra_statuses": [
            {"msg_ref": exchange.header("MsgID"), "cmd_ref": text_of(results, "CmdID"),
             "cmd": "Results", "data": code}]}
    return step


def test_protocol_3_chunks_go_on_after_213(device, serve):
    server = serve([{"commands": [get(BODY)], "header": takes(1400)}, MORE, refuses(213),
                    *asking(MORE)])
    with_page(device, server)
    device.sync()
    assert len(server.exchanges) > 3


@pytest.mark.parametrize("code", [413, 416, 424, 500])
def test_protocol_3_an_object_that_the_server_does_not_take_is_given_up(device, certs_dir, code):
    """And what comes after it is sent all the same."""
    with MdmServer(certs_dir, [{"commands": [get(BODY), replace(PHONE, "7")],
                                "header": takes(1400)}, MORE, refuses(code)]) as server:
        with_page(device, server)
        device.sync()
        assert len(server.exchanges) == 4
        assert server.exchanges[3].codes == [200, 200], "of Alert 1222 and Replace"
        assert "MoreData" not in server.exchanges[3].body.decode()


def test_protocol_3_an_Atomic_whose_answer_cannot_fit_is_517_and_does_not_run(device, serve):
    inside = [replace(PHONE, str(number)) for number in range(20)]
    server = serve([{"commands": [{"verb": "Atomic", "commands": inside}], "header": takes(2500)},
                    *asking(MORE)])
    device.enrol(server)
    before = device.get("HelpPhoneNumber")
    device.sync()
    assert server.exchanges[1].codes[0] == 517
    assert set(server.exchanges[1].codes[1:]) == {215}
    assert device.get("HelpPhoneNumber") == before


def test_protocol_3_an_Atomic_s_Statuses_stay_in_one_message(device, serve):
    inside = [replace(PHONE, str(number)) for number in range(6)]
    server = serve([{"commands": [*[replace(PHONE, "0")] * 8,
                                  {"verb": "Atomic", "commands": inside}],
                     "header": takes(2600)}, *asking(MORE)])
    device.enrol(server)
    device.sync()
    assert device.get("HelpPhoneNumber") == "5"
    with_atomic = [one for one in server.exchanges if "Atomic" in {
        command for command, _, _ in one.statuses}]
    assert len(with_atomic) == 1
    assert len(with_atomic[0].codes) >= 7


def test_protocol_3_a_limit_that_nothing_fits_into_ends_the_session(device, serve):
    server = serve([{"commands": [get(PHONE)], "header": takes(100), "may_abort": True}])
    device.enrol(server)
    assert "MaxMsgSize" in device.sync(expect=CODES["too-large"]).stderr


def test_protocol_3_no_object_over_MaxObjSize(device, serve):
    server = serve([{"commands": [get(BODY), replace(PHONE, "7"), get(PHONE)],
                     "header": takes(100000, 500)}])
    with_page(device, server)
    device.sync()
    assert server.exchanges[1].codes == [413, 200, 200]
    assert list(server.exchanges[1].results) == [PHONE]


def test_protocol_3_a_limit_of_nothing_is_none(device, serve):
    server = serve([{"commands": [get(BODY)], "header": takes(0, 0)}])
    with_page(device, server)
    device.sync()
    assert server.exchanges[1].results[BODY][1] == LONG


@pytest.mark.parametrize("step, n", [({}, 2), ({"empty": True}, 2), ({"final": False}, 3)],
                         ids=["Final", "empty", "no-Final"])
def test_protocol_3_a_server_that_does_not_ask_for_the_rest(device, serve, step, n):
    """With Final, or with nothing, it says that it is done; else the package goes on."""
    commands = [replace(PHONE, str(number)) for number in range(16)]
    server = serve([{"commands": commands, "header": takes(2500)}, step])
    device.enrol(server)
    device.sync()
    assert len(server.exchanges) == n
    assert device.get("HelpPhoneNumber") == "15"


def test_protocol_3_commands_while_more_is_to_be_sent_lose_nothing(device, certs_dir):
    """A server that should not, and does."""
    commands = [replace(PHONE, str(number)) for number in range(16)]
    with MdmServer(certs_dir, [{"commands": commands, "header": takes(2500)},
                               {"commands": [replace(PHONE, "new")], "final": False},
                               MORE, {}]) as server:
        device.enrol(server)
        device.sync()
        codes = [status for one in server.exchanges[1:] for status in one.statuses
                 if status[0] == "Replace"]
        assert len(codes) == 17 and {code for _, _, code in codes} == {200}
        assert device.get("HelpPhoneNumber") == "new"


# -- chunks from the server ------------------------------------------------------------------------


@pytest.mark.parametrize("final", [False, True])
def test_protocol_3_chunks_are_joined(device, serve, final):
    """213 for each, then the code of the whole. A server that says Final in between is asked for
    the rest all the same."""
    server = serve([{"commands": [chunk("+49 ", size=12)], "final": final},
                    {"commands": [chunk("30 "), ], "final": final},
                    {"commands": [chunk("12345", False), get(PHONE)]}])
    device.enrol(server)
    device.sync()
    assert [one.codes for one in server.exchanges[1:]] == [[213], [213], [200, 200]]
    assert [one.alerts for one in server.exchanges[1:]] == [["1222"], ["1222"], []]
    assert server.exchanges[3].results[PHONE][1] == "+49 30 12345"


@pytest.mark.parametrize("chunks, codes", [
    ([chunk("ab", size=5), chunk("cd", False)], [213, 424]),
    ([chunk("ab", size=3), chunk("cd", False)], [213, 424]),
    ([chunk("ab", size=3), chunk("cd"), chunk("e", False)], [213, 424, 424]),
    ([chunk("ab", size=300000), chunk("cd", False)], [416, 416]),
    ([chunk("ab", path=node("NoSuchNode")), chunk("cd", False, node("NoSuchNode"))], [213, 404]),
    ([chunk("x" * 60000), *[chunk("x" * 60000)] * 3, chunk("x" * 60000, False)],
     [213, 213, 213, 213, 413]),
    ([chunk("x" * 60000), *[chunk("x" * 60000)] * 2, chunk("x" * 60000, False)],
     [213, 213, 213, 413]),
], ids=["too-little", "too-much", "too-much-on-the-way", "Size-over-the-cap", "no-such-node",
        "over-the-cap", "over-the-node-s-own"])
def test_protocol_3_what_becomes_of_the_whole(device, serve, chunks, codes):
    server = serve([{"commands": [one], "final": one is chunks[-1]} for one in chunks])
    device.enrol(server)
    before = device.get("HelpPhoneNumber")
    device.sync()
    assert [code for one in server.exchanges[1:] for code in one.codes] == codes
    assert device.get("HelpPhoneNumber") == before


def test_protocol_3_a_command_between_chunks_drops_the_object(device, serve):
    """1225 says so, the command runs, and the rest is an object of its own."""
    server = serve([{"commands": [chunk("ab", size=4)], "final": False},
                    {"commands": [replace(node("HelpWebsite"), "https://x.example.test/")],
                     "final": False},
                    {"commands": [get(PHONE), get(node("HelpWebsite"))]}])
    device.enrol(server)
    before = device.get("HelpPhoneNumber")
    device.sync()
    assert alerts_of(server.exchanges[2]) == [("1225", PHONE), ("1222", None)]
    assert server.exchanges[2].codes == [200]
    assert device.get("HelpPhoneNumber") == before
    assert device.get("HelpWebsite") == "https://x.example.test/"


def test_protocol_3_a_second_object_drops_the_first(device, serve):
    site = node("HelpWebsite")
    server = serve([{"commands": [chunk("ab", size=4)], "final": False},
                    {"commands": [chunk("https://", path=site)], "final": False},
                    {"commands": [chunk("x.example.test/", False, site)]}])
    device.enrol(server)
    device.sync()
    assert [one.codes for one in server.exchanges[1:]] == [[213], [213], [200]]
    assert device.get("HelpWebsite") == "https://x.example.test/"


def test_protocol_3_an_object_dies_with_its_session(device, serve):
    server = serve({"sessions": [[{"commands": [chunk("ab")], "final": False}, {"empty": True}],
                                 [{"commands": [chunk("cd", False, verb="Replace")]}]]})
    device.enrol(server)
    device.sync()
    device.sync()
    assert device.get("HelpPhoneNumber") == "cd"


def test_protocol_4_the_same_chunk_twice_in_a_row_ends_the_session(device, serve):
    step = {"commands": [chunk("ab", size=4)], "final": False, "statuses": [],
            "header": {"msg_id": 1}}
    server = serve([step, {**step, "refused": True}])
    device.enrol(server)
    before = device.get("HelpPhoneNumber")
    device.sync(expect=CODES["protocol"])
    assert device.get("HelpPhoneNumber") == before


def test_protocol_3_a_chunk_sent_again_under_a_new_number_is_a_mismatch(device, serve):
    """It cannot be told from the next one: Size tells."""
    server = serve([{"commands": [chunk("ab", size=4)], "final": False},
                    {"commands": [chunk("ab")], "final": False},
                    {"commands": [chunk("cd", False)]}])
    device.enrol(server)
    device.sync()
    assert [one.codes for one in server.exchanges[1:]] == [[213], [213], [424]]


@pytest.mark.parametrize("command, codes", [
    ({"verb": "Atomic", "commands": [chunk("ab")]}, [507, 406]),
    ({"verb": "Sequence", "commands": [chunk("ab")]}, [200, 406]),
    ({"verb": "Replace", "items": [{"loc_uri": PHONE, "data": "1"},
                                   {"loc_uri": BODY, "data": "x", "more_data": True}]}, [406]),
    ({"verb": "Get", "loc_uri": PHONE, "more_data": True}, [406]),
], ids=["Atomic", "Sequence", "several-Items", "Get"])
def test_protocol_3_chunks_stand_alone(session, command, codes):
    assert session({"commands": [command]}).exchanges[1].codes == codes


def test_protocol_7_LrgObj_says_that_chunks_are_joined(session):
    server = session({"commands": [get("./DevDetail/LrgObj")]})
    assert server.exchanges[1].results["./DevDetail/LrgObj"] == ("bool", "true")
