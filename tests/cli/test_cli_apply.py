# SPDX-License-Identifier: MIT
"""apply: SyncML from a file against the real service."""

import json
import xml.etree.ElementTree

import pytest

from cli_helpers import ROOT_URI, on_terminal

GET = """<Get><CmdID>7</CmdID><Item><Target><LocURI>{uri}</LocURI></Target></Item></Get>"""
REPLACE = """<Replace><CmdID>3</CmdID><Item><Target><LocURI>{uri}</LocURI></Target>
<Data>{data}</Data></Item></Replace>"""
MESSAGE = """<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2</VerProto>
<SessionID>1</SessionID><MsgID>4</MsgID><Target><LocURI>device</LocURI></Target>
<Source><LocURI>https://localhost/</LocURI></Source></SyncHdr>
<SyncBody>{commands}<Final/></SyncBody></SyncML>"""


def local(element):
    """The tag's name without its namespace."""
    return element.tag.rpartition("}")[2]


def flatten(text):
    """The answering SyncBody as a list: each element's name with its children's texts."""
    root = xml.etree.ElementTree.fromstring(text)
    assert local(root) == "SyncBody"
    return [(local(entry), {local(child): (child.text or "").strip() for child in entry})
            for entry in root]


@pytest.fixture
def message(env):
    """message(TEXT): a file with it."""

    def write(text):
        path = env.dir / "message.xml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_bare_commands(env, provider, message, golden):
    uri = f"{provider}/UPN"
    path = message(REPLACE.format(uri=uri, data="anna@example.test") + GET.format(uri=uri))
    result = env.ctl("apply", path, expect=0)
    assert result.stderr == ""
    golden("apply-bare.xml", result.stdout)
    answer = flatten(result.stdout)
    assert [(name, entry.get("Cmd"), entry["CmdRef"], entry.get("Data")) for name, entry in answer] == [
        ("Status", "Replace", "3", "200"), ("Status", "Get", "7", "200"), ("Results", None, "7", None)]
    assert env.ctl("get", uri, expect=0).stdout == "anna@example.test\n"


def test_sync_body_from_standard_input(env, provider):
    text = f"<SyncBody>{GET.format(uri=provider)}</SyncBody>"
    answer = flatten(env.ctl("apply", "-", stdin=text, expect=0).stdout)
    assert [entry["MsgRef"] for _, entry in answer] == ["1", "1"]


def test_whole_message(env, provider, message, golden):
    """The header's Status comes first, refs are to its MsgID, and Final ends what had one."""
    path = message(MESSAGE.format(commands=GET.format(uri=f"{provider}/MaxSyncApplicationVersion")))
    text = env.ctl("apply", path, expect=0).stdout
    golden("apply-message.xml", text)
    answer = flatten(text)
    assert answer[0][1]["Cmd"] == "SyncHdr"
    assert answer[0][1]["CmdRef"] == "0"
    assert answer[0][1]["Data"] == "200"
    assert {entry["MsgRef"] for name, entry in answer if name != "Final"} == {"4"}
    assert answer[-1][0] == "Final"


def test_failing_command_is_1_and_answered(env, provider, message):
    path = message(GET.format(uri=f"{ROOT_URI}/Provider/Nobody") + GET.format(uri=provider))
    result = env.ctl("apply", path, expect=1)
    assert [entry["Data"] for name, entry in flatten(result.stdout) if name == "Status"] == [
        "404", "200"]
    assert str(path) in result.stderr


def test_what_is_no_command_is_400(env, provider, message):
    path = message("<SyncBody><Frobnicate><CmdID>1</CmdID></Frobnicate>" +
                   GET.format(uri=provider) + "</SyncBody>")
    result = env.ctl("apply", path, expect=1)
    assert [entry["Data"] for name, entry in flatten(result.stdout) if name == "Status"] == [
        "400", "200"]
    assert ": 1 of its commands" in result.stderr


def test_message_is_one_commit_with_atomic(env, provider, message):
    """M2: all of an Atomic, or nothing."""
    uri = f"{provider}/UPN"
    path = message("<Atomic><CmdID>2</CmdID>" + REPLACE.format(uri=uri, data="lost") +
                   REPLACE.format(uri=f"{provider}/RequireMessageSigning", data="maybe") + "</Atomic>")
    result = env.ctl("apply", path, expect=1)
    assert [entry["Data"] for name, entry in flatten(result.stdout) if name == "Status"] == [
        "507", "216", "415"]
    env.ctl("get", uri, expect=3)


def test_same_file_runs_twice(env, provider, message):
    """Each run is a session of its own: exactly-once is not in its way."""
    path = message(f"<Add><CmdID>1</CmdID><Item><Target><LocURI>{provider}/Poll</LocURI></Target>"
                   "</Item></Add>")
    env.ctl("apply", path, expect=0)
    result = env.ctl("apply", path, expect=1)
    assert flatten(result.stdout)[0][1]["Data"] == "418"


def test_server_has_its_rights_only(env, provider, message):
    """V9: other providers are 404 to Get, 425 to write; its own are not."""
    env.ctl("add", f"{ROOT_URI}/Provider/Other", expect=0)
    other = f"{ROOT_URI}/Provider/Other/UPN"
    path = message(GET.format(uri=other) + REPLACE.format(uri=other, data="x") +
                   REPLACE.format(uri=f"{provider}/UPN", data="x"))
    result = env.ctl("apply", "--server", "Contoso", path, expect=1)
    assert [entry["Data"] for name, entry in flatten(result.stdout) if name == "Status"] == [
        "404", "425", "200"]


def test_user_context(env, agent, message):
    """A1: ./User without a user is 405."""
    path = message("<Add><CmdID>1</CmdID><Item><Target><LocURI>"
                   "./User/Vendor/MSFT/DMClient/Provider/Contoso</LocURI></Target></Item></Add>")
    assert flatten(env.ctl("apply", path, expect=1).stdout)[0][1]["Data"] == "405"
    assert flatten(env.ctl("apply", "--user", "1000", path, expect=0).stdout)[0][1]["Data"] == "200"


def test_json(env, provider, message):
    uri = f"{ROOT_URI}/Provider/Nobody"
    result = env.ctl("apply", "--json", message(GET.format(uri=uri)), expect=1)
    answer = json.loads(result.stdout)
    assert answer["schema"] == 1
    assert flatten(answer["syncml"])[0][1]["Data"] == "404"
    assert answer["results"] == [
        {"command": "Get", "loc_uri": uri, "status": 404, "text": "not found"}]


@pytest.mark.parametrize("text", [
    "<SyncBody/>",
    "<SyncBody><Status><CmdID>1</CmdID><CmdRef>0</CmdRef><Data>200</Data></Status><Final/></SyncBody>",
])
def test_nothing_to_do_is_2(env, message, text):
    result = env.ctl("apply", message(text), expect=2)
    assert result.stdout == ""
    assert "nothing to do" in result.stderr


@pytest.mark.parametrize("text", ["", "<Get>", "<!DOCTYPE a><Get/>", "no markup"])
def test_malformed_is_1_and_names_the_file(env, message, text):
    path = message(text)
    result = env.ctl("apply", path, expect=1)
    assert result.stdout == ""
    assert str(path) in result.stderr


def test_too_large_is_1(env, message):
    path = message("<Get>" + " " * (512 * 1024 + 1) + "</Get>")
    result = env.ctl("apply", path, expect=1)
    assert str(path) in result.stderr
    assert "524288" in result.stderr


def test_missing_file_is_1(env):
    path = env.dir / "nothing-here.xml"
    result = env.ctl("apply", path, expect=1)
    assert str(path) in result.stderr


def test_no_service_is_6(env, message):
    env.ctl("apply", message(GET.format(uri="./A")), expect=6)


def test_data_keeps_its_white_space_and_markup(env, provider, message):
    """Indenting the answer changes no value."""
    uri = f"{provider}/CustomEnrollmentCompletePage/BodyText"
    value = " <p>a</p>\n\n  <br/>b "
    env.ctl("add", f"{provider}/CustomEnrollmentCompletePage", expect=0)
    env.ctl("add", uri, value, expect=0)
    root = xml.etree.ElementTree.fromstring(
        env.ctl("apply", message(GET.format(uri=uri)), expect=0).stdout)
    data = [e.text for e in root.iter() if local(e) == "Data"]
    assert data == ["200", value]


def test_terminal_is_safe(env, provider, message):
    uri = f"{provider}/UPN"
    path = message(REPLACE.format(uri=uri, data="a\u009bb") + GET.format(uri=uri))
    assert "a\\u009bb" in on_terminal(env, "apply", path)
