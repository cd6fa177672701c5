# SPDX-License-Identifier: MIT
"""history: the last sessions of each provider, for whom polkit lets see them."""

import json
import re

import pytest

import cli_json
import harness
from cli_helpers import on_terminal

P = "/org/dmclient/DMClient1/Provider"
I = "org.dmclient.DMClient1"

SERVICE = f"""({{'Version': <'0.1.0'>, 'Managed': <true>, 'Health': <'ok'>}}, {{
 objectpath '{P}/A': {{'{I}.Session': {{'State': <'idle'>}}}},
 '{P}/MS_20DM_20Server': {{'{I}.Session': {{'State': <'idle'>}}}}}})"""

SESSIONS = """[
 {'id': <'3'>, 'origin': <'user'>, 'result': <'ok'>, 'reason': <''>,
  'start': <uint64 1767348000000000>, 'end': <uint64 1767348002500000>,
  'duration': <uint64 2500000>, 'address': <'mdm.contoso.com:443'>,
  'messages-sent': <uint64 3>, 'messages-received': <uint64 2>,
  'bytes-sent': <uint64 4096>, 'bytes-received': <uint64 2048>,
  'commands': <[('Get', uint32 200, uint32 7), ('Replace', 405, 1)]>},
 {'id': <'2'>, 'origin': <'schedule'>, 'result': <'tls'>,
  'reason': <'mdm.contoso.com:443: the certificate of the server has expired, and nobody renewed it'>,
  'start': <uint64 1767344400000000>, 'end': <uint64 1767344520000000>,
  'duration': <uint64 120000000>, 'messages-sent': <uint64 1>, 'messages-received': <uint64 0>},
 {'id': <'1'>, 'start': <uint64 1767340800000000>}]"""

HOSTILE = """[{'origin': <'a\\n\\u001b[2J'>, 'result': <'\\u202eko'>, 'id': <'x'>,
  'reason': <'\\u009b31m\\nSTARTED  fake  ok\\u2066\\u200b'>, 'start': <uint64 1767348000000000>,
  'commands': <[('\\u001bGet', uint32 200, uint32 1)]>}]"""

DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.fixture
def tell(env, stub):
    """tell(SESSIONS): a service with two providers, which have these sessions."""

    def start(sessions, service=SERVICE):
        (env.dir / "answer.history").write_text(sessions, encoding="utf-8")
        stub(service)

    return start


def test_text(env, tell, golden):
    tell(SESSIONS)
    golden("history.txt", env.ctl("history", expect=0, TZ="UTC").stdout)


def test_json(env, tell, golden):
    tell(SESSIONS)
    text = env.ctl("history", "--json", "--provider", "A", expect=0, TZ="Asia/Tokyo").stdout
    answer = json.loads(text)
    cli_json.check("history", text)
    sessions = answer["providers"][0]["sessions"]
    assert [one["id"] for one in sessions] == ["3", "2", "1"]
    golden("history.json", text)


@pytest.mark.parametrize("option", [["-n", "1"], ["--count=1"]])
def test_no_more_than_asked_for(env, tell, option):
    tell(SESSIONS)
    answer = env.ctl("history", "--json", *option, expect=0).stdout
    assert [len(one["sessions"]) for one in json.loads(answer)["providers"]] == [1, 1]


@pytest.mark.parametrize("number", ["0", "201", "-1", "x", ""])
def test_a_wrong_number_is_64(env, number):
    assert "1 to 200" in env.ctl("history", "--count", number, expect=64).stderr


@pytest.mark.parametrize("columns", [60, 80, 132])
def test_the_table_fits_the_terminal(env, tell, columns):
    tell(SESSIONS)
    lines = on_terminal(env, "history", COLUMNS=str(columns)).splitlines()
    assert max(len(line) for line in lines) <= columns
    cut = [line for line in lines if line.endswith("…")]
    assert len(cut) >= 2, "the reasons of both providers"


def test_nothing_is_cut_in_a_pipe(env, tell):
    tell(SESSIONS)
    assert "and nobody renewed it\n" in env.ctl("history", expect=0, COLUMNS="40").stdout


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_hostile_text_is_escaped(env, tell, option):
    tell(HOSTILE)
    text = env.ctl("history", *option, expect=0).stdout
    assert not DANGEROUS.search(text)
    if option:
        assert json.loads(text)["providers"][0]["sessions"][0]["origin"] == "a\n\x1b[2J"
    else:
        assert len(text.splitlines()) == 7, "two providers, their headings, one line each"


def test_no_session_yet(env, tell):
    tell("@aa{sv} []")
    assert "No session yet." in env.ctl("history", expect=0).stdout
    assert env.ctl_json("history")["providers"][0]["sessions"] == []


@pytest.mark.parametrize("name", ["AccessDenied", "InteractiveAuthorizationRequired"])
def test_not_authorised_is_4(env, tell, name):
    tell(f"error org.freedesktop.DBus.Error.{name} not for you")
    result = env.ctl("history", expect=4)
    assert "sudo dmclientctl history" in result.stderr and "not for you" in result.stderr


def test_other_errors_are_1(env, tell):
    tell("error org.dmclient.DMClient1.Error.Storage the disk failed")
    assert "the disk failed" in env.ctl("history", expect=1).stderr


def test_unknown_provider_is_3(env, tell):
    tell(SESSIONS)
    env.ctl("history", "--provider", "Nobody", expect=3)


def test_not_enrolled_is_5(env, stub):
    stub("({'Managed': <false>}, {})")
    env.ctl("history", expect=5)


def test_no_service_is_6(env, bus):
    env.ctl("history", expect=6)


def test_real_service(env, provider):
    assert env.ctl_json("history")["providers"] == [
        {"id": "Contoso", "path": f"{harness.BUS_ROOT}/Provider/Contoso", "sessions": []}]
