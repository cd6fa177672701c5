# SPDX-License-Identifier: MIT
"""Commands of a server and their Statuses and Results (protocol.md 2, rules 2 and 3). That the
Statuses are complete and in order is the test server's work."""

import platform

import pytest

from device import PROVIDER, node
from syncml import find, find_all, name_of, text_of

PHONE, SITE, MAIL = node("HelpPhoneNumber"), node("HelpWebsite"), node("HelpEmailAddress")


def replace(path, data="x", **more):
    return {"verb": "Replace", "loc_uri": path, "data": data, **more}


def get(path, **more):
    return {"verb": "Get", "loc_uri": path, **more}


def codes_of(session, *commands, **step):
    """The codes of the Statuses for these commands of one message."""
    return session({"commands": list(commands), **step}).exchanges[1].codes


# -- several items ---------------------------------------------------------------------------------


def test_protocol_2_a_Get_with_several_items_has_a_Status_for_each_and_one_Results(session):
    server = session({"commands": [
        replace(PHONE, "1"), replace(MAIL, "m@example.test"),
        {"verb": "Get", "items": [{"loc_uri": PHONE}, {"loc_uri": SITE}, {"loc_uri": MAIL}]}]})
    answer = server.exchanges[1]
    assert answer.codes == [200, 200, 200, 404, 200]
    assert answer.results == {PHONE: (None, "1"), MAIL: (None, "m@example.test")}
    targets = [text_of(one, "TargetRef") for one in answer.elements
               if text_of(one, "Cmd") == "Get"]
    assert targets == [PHONE, SITE, MAIL]
    assert len([one for one in answer.elements if name_of(one) == "Results"]) == 1


def test_protocol_2_a_Replace_with_several_items_runs_each(device, session):
    codes = codes_of(session, {"verb": "Replace", "items": [
        {"loc_uri": PHONE, "data": "1"}, {"loc_uri": node("NoSuchNode"), "data": "2"},
        {"loc_uri": MAIL, "data": "m@example.test"}]})
    assert codes == [200, 404, 200]
    assert device.get("HelpPhoneNumber") == "1"
    assert device.get("HelpEmailAddress") == "m@example.test"


def test_protocol_2_Format_stands_in_Results_unless_it_is_chr(session):
    server = session({"commands": [
        get(node("Poll/PollOnLogin")), get(node("Poll/NumberOfFirstRetries")), get(node("UPN")),
        get(node("Poll")), get(node("Unenroll"))]})
    formats = [form for form, _ in server.exchanges[1].results.values()]
    assert formats == ["bool", "int", None, "node", "null"]


def test_protocol_7_DevInfo_and_DevDetail_answer_from_the_system(session):
    server = session({"commands": [get("./DevInfo/DevId"), get("./DevInfo/Lang"),
                                   get("./DevDetail/SwV"), get("./DevDetail/NoSuchNode")]})
    answer = server.exchanges[1]
    assert answer.codes == [200, 200, 200, 404]
    assert answer.results["./DevInfo/DevId"][1] == answer.header("Source/LocURI")
    with open("/etc/os-release", encoding="utf-8") as file:
        assert any(answer.results["./DevDetail/SwV"][1] in line for line in
                   [*file, platform.release()])


def test_protocol_7_any_other_LocURI_is_404(session):
    assert codes_of(session, get("./Device/Vendor/MSFT/Policy/Config/Camera/AllowCamera"),
                    replace("./Vendor/MSFT/Personalization/DesktopImageUrl"),
                    {"verb": "Exec", "loc_uri": "./Vendor/MSFT/Reboot/RebootNow"}) == [404] * 3


def test_A1_A3_aliases_and_blanks_around_a_LocURI(device, session):
    assert codes_of(session, replace(
        f"\n      ./Vendor/MSFT/DMClient/Provider/{PROVIDER}/HelpPhoneNumber\n   ", "7")) == [200]
    assert device.get("HelpPhoneNumber") == "7"


def test_A3_list_Struct_names_what_is_below(session):
    server = session({"commands": [get(node("Poll") + "?list=StructData")]})
    results = server.exchanges[1].results
    assert results[node("Poll")][0] == "node"
    assert results[node("Poll/NumberOfFirstRetries")] == ("int", "8")
    assert not any("?" in path for path in results)


# -- Atomic, Sequence ------------------------------------------------------------------------------


def test_M2_a_good_Atomic_is_200_with_all_in_it(device, session):
    assert codes_of(session, {"verb": "Atomic", "commands": [
        replace(PHONE, "1"), {"verb": "Delete", "loc_uri": node("Poll")}]}) == [200, 200, 200]
    assert device.get("HelpPhoneNumber") == "1"
    assert device.get("Poll") is None


def test_M2_a_bad_Atomic_is_507_and_undoes_all(device, session):
    assert codes_of(session, replace(PHONE, "before"), {"verb": "Atomic", "commands": [
        replace(PHONE, "1"), replace(node("NoSuchNode")), replace(MAIL, "m@example.test")]},
        replace(SITE, "https://after.example.test/")) == [200, 507, 216, 404, 215, 200]
    assert device.get("HelpPhoneNumber") == "before"
    assert device.get("HelpEmailAddress") is None
    assert device.get("HelpWebsite") == "https://after.example.test/"


def test_M2_a_Get_inside_an_Atomic_is_500_and_it_507(session):
    codes = codes_of(session, {"verb": "Atomic", "commands": [get(PHONE), replace(MAIL)]})
    assert codes == [507, 500, 215]


def test_protocol_7_an_Atomic_across_two_trees_is_507(device, session):
    codes = codes_of(session, {"verb": "Atomic", "commands": [
        replace(PHONE, "1"), replace("./DevInfo/Mod")]})
    assert codes[0] == 507
    assert device.get("HelpPhoneNumber") is None


def test_M3_a_Sequence_goes_on_after_a_failure(device, session):
    assert codes_of(session, {"verb": "Sequence", "commands": [
        replace(PHONE, "1"), replace(node("NoSuchNode")), replace(MAIL, "m@example.test")]},
    ) == [200, 200, 404, 200]
    assert device.get("HelpEmailAddress") == "m@example.test"


def test_M1_a_failing_command_leaves_the_others(device, session):
    assert codes_of(session, replace(PHONE, "1"), {"verb": "Add", "loc_uri": PHONE, "data": "2"},
                    {"verb": "Delete", "loc_uri": node("UPN")}, replace(MAIL, "m@example.test"),
                    ) == [200, 418, 405, 200]
    assert device.get("HelpPhoneNumber") == "1"


# -- CmdIDs, NoResp, what is no command ------------------------------------------------------------


def test_protocol_1_CmdIDs_are_echoed_as_they_came(session):
    ids = ["90dbfca8-d4ac-40c9-bf57-ba5b8cbf1ce0", "5", "5", "5", "00", "a<b>&\"c"]
    server = session({"commands": [replace(PHONE, str(number), cmd_id=cmd_id)
                                   for number, cmd_id in enumerate(ids)]})
    assert [reference for _, reference, _ in server.exchanges[1].statuses[1:]] == ids


def test_protocol_1_a_missing_CmdID_is_400_with_an_empty_CmdRef(device, session):
    server = session({"commands": [replace(PHONE, "1", cmd_id=None),
                                   replace(MAIL, "m@example.test")]})
    statuses = server.exchanges[1].statuses[1:]
    assert [(cmd, code) for cmd, _, code in statuses] == [("Replace", 400), ("Replace", 200)]
    assert statuses[0][1] == ""
    assert device.get("HelpPhoneNumber") is None, "400 says that it did not run"
    assert device.get("HelpEmailAddress") == "m@example.test"


def test_protocol_2_what_is_no_command_is_400_and_the_rest_runs(device, session):
    server = session({"commands": [
        "<Frobnicate><CmdID>f1</CmdID><Item><Data>x</Data></Item></Frobnicate>",
        {"verb": "Sequence", "commands": ["<Other><CmdID>o1</CmdID></Other>",
                                          replace(PHONE, "1", cmd_id="r")], "cmd_id": "s"}]})
    assert server.exchanges[1].statuses[1:] == [
        ("Frobnicate", "f1", 400), ("Sequence", "s", 200), ("Other", "o1", 400),
        ("Replace", "r", 200)]
    assert device.get("HelpPhoneNumber") == "1"


def test_V5_commands_known_by_name_only_are_501(session):
    verbs = ("Copy", "Search", "Map", "Put")
    assert codes_of(session, *({"verb": verb, "loc_uri": PHONE} for verb in verbs)) == [501] * 4


def test_V5_Exec_where_there_is_nothing_to_run_is_405(session):
    assert codes_of(session, {"verb": "Exec", "loc_uri": PHONE}) == [405]


def test_protocol_2_NoResp_suppresses_the_Status_and_not_the_command(device, session):
    assert codes_of(session, replace(PHONE, "1", no_resp=True), replace(MAIL, "a@b")) == [200]
    assert device.get("HelpPhoneNumber") == "1"


def test_protocol_2_an_Alert_gets_a_Status(session):
    assert codes_of(session, {"verb": "Alert", "code": 1100,
                              "items": [{"data": "MINDT=1"}, {"data": "Hello"}]},
                    replace(PHONE)) == [200, 200]


def test_protocol_2_a_Status_for_a_command_never_sent_gets_no_answer(session):
    assert codes_of(session, replace(PHONE), extra_statuses=[
        {"msg_ref": 1, "cmd_ref": 77, "cmd": "Replace", "data": 200},
        {"msg_ref": 9, "cmd_ref": 2, "cmd": "Alert", "data": 200}]) == [200]


# -- what real servers send (protocol.md 6) --------------------------------------------------------

HEADER = ("<VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto><SessionID>@SESSION_ID@</SessionID>"
          "<MsgID>@MSG_ID@</MsgID><Target><LocURI>@TARGET@</LocURI></Target>"
          "<Source><LocURI>@SOURCE@</LocURI></Source>")
BODY = ("<Status><CmdID>1</CmdID><MsgRef>1</MsgRef><CmdRef>0</CmdRef><Cmd>SyncHdr</Cmd>"
        f"<Data>200</Data></Status><Replace><CmdID>5</CmdID><Item><Target><LocURI>{PHONE}</LocURI>"
        "</Target><Data>1</Data></Item></Replace><Final/>")


def message(header=HEADER, body=BODY, root=' xmlns="SYNCML:SYNCML1.2"', before=""):
    return (f"{before}<SyncML{root}><SyncHdr>{header}</SyncHdr><SyncBody>{body}</SyncBody>"
            "</SyncML>")


@pytest.mark.parametrize("body", [
    message(root=""),
    message(root=" xmlns='SYNCML:SYNCML1.1'"),
    message(header="".join(reversed(
        [part for part in HEADER.replace("><V", ">|<V").replace("><S", ">|<S").replace(
            "><M", ">|<M").replace("><T", ">|<T").split("|")]))),
    message(before="\ufeff"),
    message(before='<?xml version="1.0" encoding="utf-16"?>\n'),
    message(before='<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<!-- from here -->'),
    message(body=BODY.replace("<Final/>", "<Final></Final>")),
    message(body=BODY.replace("><", ">\n  <").replace("<Data>1", "<!-- one --><Data>1")),
    message(body=BODY.replace("<Data>1</Data></Item>", "<Data><![CDATA[1]]></Data></Item>")),
    message(body=BODY.replace("<Item>", "<Item><Meta><Format>chr</Format><Type>text/plain</Type>"
                              "</Meta>")),
    message(body=BODY.replace("</Data></Item>", '</Data><Meta xmlns:A="syncml:metinf"><A:Format>chr'
                              "</A:Format></Meta></Item>")),
], ids=["no-namespace", "namespace-1.1", "header-order", "bom", "utf-16-declared", "comment",
        "final-pair", "pretty", "cdata", "meta-no-namespace", "meta-prefix-after-data"])
def test_protocol_6_takes_what_real_servers_send(device, session, body):
    server = session({"body": body})
    assert server.exchanges[1].codes == [200]
    assert device.get("HelpPhoneNumber") == "1"


def test_protocol_6_markup_inside_Data_is_kept_byte_for_byte(device, session):
    text = '<a href="x">&amp;</a>\n  <b/>'
    server = session({"commands": [replace(node("CommercialID"), xml=text, data=None),
                                   get(node("CommercialID"))]})
    assert server.exchanges[1].results[node("CommercialID")] == (None, text)
    assert device.get("CommercialID") == text


def test_protocol_6_Data_over_64_KiB_is_413_for_that_command_only(device, session):
    codes = codes_of(session, replace(node("CommercialID"), "x" * 65537), replace(PHONE, "1"))
    assert codes == [413, 200]
    assert device.get("HelpPhoneNumber") == "1"
    assert device.get("CommercialID") is None


def test_protocol_6_a_message_just_under_the_cap_is_taken(device, session):
    """About 520 KB: nine Replaces over the cap of their node, and one that is not."""
    large = [replace(node("UPN"), "x" * 57500) for _ in range(9)]
    assert codes_of(session, *large, replace(PHONE, "1")) == [413] * 9 + [200]
    assert device.get("HelpPhoneNumber") == "1"


def test_protocol_2_a_hundred_commands_in_one_message(session):
    assert codes_of(session, *[replace(PHONE, str(n)) for n in range(100)],
                    get(PHONE)) == [200] * 101


# -- two providers (V9) ----------------------------------------------------------------------------


@pytest.fixture
def of_two(device, serve):
    """of_two(command, …): a session of TestMDMServer, beside which there is a provider Other with
    a phone number; returns the answer's Exchange."""

    def run(*commands):
        server = serve([{"commands": list(commands)}])
        device.enrol(server)
        device.enrol("https://localhost:1/other", "Other")
        device.env.ctl("replace", node("HelpPhoneNumber", "Other"), "2", expect=0)
        device.sync()
        assert device.get("HelpPhoneNumber", "Other") == "2"
        return server.exchanges[1]

    return run


def test_V9_other_provider_is_404_to_get(of_two):
    answer = of_two(get(node("HelpPhoneNumber", "Other")), get(node("UPN", "Other")),
                    get(node("HelpPhoneNumber", "Absent")), get(node("Poll", "Other")))
    assert answer.codes == [404] * 4
    assert answer.results == {}


def test_V9_other_provider_is_425_to_write(of_two):
    assert of_two(replace(node("HelpPhoneNumber", "Other")),
                  {"verb": "Add", "loc_uri": node("Poll", "Other")},
                  {"verb": "Delete", "loc_uri": node("HelpPhoneNumber", "Other")},
                  replace(node("HelpPhoneNumber", "Absent"))).codes == [425] * 4


def test_V9_Get_of_Provider_names_only_its_own(of_two):
    path = "./Device/Vendor/MSFT/DMClient/Provider"
    answer = of_two(get(path), get(path + "?list=Struct"))
    assert answer.results[path][0] == "node"
    assert text_of(find_all(answer.elements, "Results")[0], "Item/Data") == PROVIDER
    assert not any("Other" in name for name in answer.results)


def test_V9_a_server_reads_the_root_s_leaves(of_two):
    answer = of_two(get("./Vendor/MSFT/DMClient/HWDevID"))
    assert answer.codes == [200]


def test_V3_a_server_cannot_delete_its_provider(of_two):
    assert of_two({"verb": "Delete", "loc_uri": node()}).codes == [405]


def test_V1_a_server_cannot_add_a_provider(device, of_two):
    answer = of_two({"verb": "Add", "loc_uri": node(provider="Third")})
    assert answer.codes == [425]
    assert device.get("", "Third") is None


def test_V9_what_the_client_fills_is_405_to_a_server(of_two):
    assert of_two(replace(node("ExchangeID")), replace(node("EnrollmentType"), "Full"),
                  replace("./Vendor/MSFT/DMClient/UpdateManagementServiceAddress", "https://x/"),
                  ).codes == [405] * 3


def test_A1_user_tree_without_a_user_is_405(session):
    path = f"./User/Vendor/MSFT/DMClient/Provider/{PROVIDER}/FirstSyncStatus"
    assert codes_of(session, get(path), {"verb": "Add", "loc_uri": path}) == [405, 405]


def test_each_provider_has_its_own_server_and_certificate(device, serve):
    one = serve([{"commands": [replace(node("HelpPhoneNumber", "One"), "1")]}])
    two = serve([{"commands": [replace(node("HelpPhoneNumber", "Two"), "2")]}])
    device.enrol(one, "One")
    device.enrol(two, "Two")
    device.sync("Two")
    device.sync("One")
    assert device.get("HelpPhoneNumber", "One") == "1"
    assert device.get("HelpPhoneNumber", "Two") == "2"
    assert [len(server.exchanges) for server in (one, two)] == [2, 2]


def test_header_of_later_messages_announces_MaxMsgSize(session):
    server = session({"commands": [replace(PHONE)]})
    header = find(server.exchanges[1].root, "SyncHdr")
    assert text_of(header, "Meta/MaxMsgSize") in (None, "524288")
