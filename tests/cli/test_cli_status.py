# SPDX-License-Identifier: MIT
"""status, help-contacts, page: what everyone may see on the bus."""

import json
import re

import pytest

import harness
from cli_helpers import on_terminal

MANAGER = "{'Version': <'0.1.0'>, 'Managed': <true>, 'Health': <'ok'>}"
P = "/org/dmclient/DMClient1/Provider"
I = "org.dmclient.DMClient1"

# Two providers: one with everything, one with nothing.
FULL = f"""({MANAGER}, {{
 objectpath '{P}/MS_20DM_20Server': {{
  '{I}.Provider': {{'ProviderID': <'MS DM Server'>, 'HelpPhoneNumber': <'+49 30 1234'>,
    'HelpWebsite': <'https://help.contoso.com/'>, 'HelpEmailAddress': <'help@contoso.com'>}},
  '{I}.Session': {{'State': <'idle'>, 'ServerHost': <'mdm.contoso.com'>, 'Origin': <'schedule'>,
    'LastAttempt': <uint64 1767348000000000>, 'LastSuccess': <uint64 1767344400000000>,
    'NextScheduled': <uint64 1767351600000000>, 'LastError': <'tls'>,
    'LastErrorMessage': <'mdm.contoso.com: the certificate has expired'>,
    'CertificateExpires': <uint64 1798884000000000>, 'UnenrollDeadline': <uint64 0>}}}},
 '{P}/MS_20DM_20Server/FirstSyncStatus': {{
  '{I}.FirstSyncStatus': {{'IsSyncDone': <false>}},
  '{I}.Progress': {{'Phase': <'running'>, 'Deadline': <uint64 1767351600000000>,
    'Categories': <[('Policies', uint32 3, uint32 1, uint32 1), ('NetworkProfiles', 2, 0, 0)]>}}}},
 '/org/dmclient/DMClient1/User/1000/Provider/MS_20DM_20Server/FirstSyncStatus': {{
  '{I}.Progress': {{'Phase': <'succeeded'>}}}},
 '{P}/MS_20DM_20Server/CustomEnrollmentCompletePage': {{
  '{I}.CustomEnrollmentCompletePage': {{'Title': <'Welcome to Contoso'>,
    'BodyText': <'Your device is ready.\\n\\nMind the gap.'>,
    'HyperlinkText': <'First steps'>, 'HyperlinkHref': <'https://contoso.com/start'>}}}},
 '{P}/Bare': {{'{I}.Provider': {{'ProviderID': <'Bare'>}}, '{I}.Session': {{'State': <'waiting'>}}}}
}})"""

EMPTY = "({'Version': <'0.1.0'>, 'Managed': <false>, 'Health': <'ok'>}, {})"

HOSTILE = f"""({MANAGER}, {{
 objectpath '{P}/Evil': {{
  '{I}.Provider': {{'ProviderID': <'Evil'>,
    'HelpPhoneNumber': <'1\\n  Web site          https://evil'>,
    'HelpWebsite': <'\\u001b]0;title\\u0007\\u009b31m'>,
    'HelpEmailAddress': <'a\\u202emoc.live@b\\u200b'>}},
  '{I}.Session': {{'ServerHost': <'\\u001b[2J'>, 'LastErrorMessage': <'\\u009b1A\\u2066'>}}}}
}})"""

DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("command", ["status", "help-contacts", "page"])
def test_text(env, stub, golden, command):
    stub(FULL)
    golden(f"{command}.txt", env.ctl(command, expect=0, TZ="UTC").stdout)


@pytest.mark.parametrize("command", ["status", "help-contacts", "page"])
def test_json(env, stub, golden, command):
    stub(FULL)
    # Local time is for people only.
    text = env.ctl(command, "--json", expect=0, TZ="Asia/Tokyo").stdout
    assert json.loads(text)["schema"] == 1
    golden(f"{command}.json", text)


def test_times_are_local_for_people(env, stub):
    stub(FULL)
    text = env.ctl("status", expect=0, TZ="UTC-9").stdout
    assert "Fri Jan  2 19:00:00 2026" in text


@pytest.mark.parametrize("command", ["status", "help-contacts", "page"])
def test_one_provider_only(env, stub, command):
    stub(FULL)
    text = env.ctl(command, "--provider", "MS DM Server", expect=0).stdout
    assert "MS DM Server" in text
    assert "Bare" not in text


@pytest.mark.parametrize("command", ["status", "help-contacts", "page"])
def test_unknown_provider_is_3(env, stub, command):
    stub(FULL)
    result = env.ctl(command, "--provider", "Nobody", expect=3)
    assert result.stdout == ""
    assert "'Nobody'" in result.stderr
    assert "'Bare', 'MS DM Server'" in result.stderr


@pytest.mark.parametrize("command", ["help-contacts", "page"])
def test_nothing_set_is_3(env, stub, command):
    stub(FULL)
    result = env.ctl(command, "--provider", "Bare", expect=3)
    assert result.stdout == ""
    assert "dmclientctl status" in result.stderr


@pytest.mark.parametrize("command", ["status", "help-contacts", "page"])
def test_not_enrolled_is_5(env, stub, command):
    stub(EMPTY)
    result = env.ctl(command, expect=5)
    assert result.stdout == ""
    assert "not enrolled" in result.stderr
    assert "dmclientctl provision" in result.stderr


def test_not_enrolled_in_json(env, stub):
    stub(EMPTY)
    answer = json.loads(env.ctl("status", "--json", expect=5).stdout)
    assert answer == {"schema": 1, "managed": False, "version": "0.1.0", "health": "ok",
                      "providers": []}


@pytest.mark.parametrize("command", ["status", "help-contacts", "page"])
def test_no_service_is_6(env, bus, command):
    result = env.ctl(command, expect=6)
    assert "org.dmclient.DMClient1" in result.stderr
    assert "systemctl start" in result.stderr


def test_no_bus_is_6(env):
    result = env.ctl("status", expect=6)
    assert str(env.dir) in result.stderr


def test_refused_by_the_bus_is_4(env, stub):
    stub("error org.freedesktop.DBus.Error.AccessDenied no such luck")
    result = env.ctl("status", expect=4)
    assert "no such luck" in result.stderr


def test_other_errors_are_1_and_named(env, stub):
    stub("error org.example.Broken it fell over")
    result = env.ctl("status", expect=1)
    assert "org.example.Broken" in result.stderr
    assert "it fell over" in result.stderr


def test_foreign_objects_are_no_providers(env, stub):
    stub(f"({MANAGER}, {{objectpath '/x': {{'i': {{'p': <uint16 1>}}}}, '{P}/A/Poll': {{}}}})")
    env.ctl("status", expect=5)


@pytest.mark.parametrize("command", ["status", "help-contacts"])
@pytest.mark.parametrize("option", [[], ["--json"]])
def test_hostile_text_is_escaped(env, stub, command, option):
    stub(HOSTILE)
    text = env.ctl(command, *option, expect=0).stdout
    assert not DANGEROUS.search(text)
    if option:
        found = json.loads(text)["providers"][0]
        assert "\u009b" in found.get("website", found.get("last_error_message"))


def test_hostile_text_makes_no_lines(env, stub):
    """A line feed in a value stays inside its field's column."""
    stub(HOSTILE)
    lines = env.ctl("help-contacts", expect=0).stdout.splitlines()
    assert [line[:10] for line in lines if line[2:3].strip()] == ["Evil", "  Phone   ", "  Web site",
                                                                   "  E-mail  "]


def test_colour_on_a_terminal(env, stub):
    stub(FULL)
    assert "\033[1mMS DM Server\033[0m" in on_terminal(env, "status", NO_COLOR="")


def test_no_color_is_kept(env, stub):
    stub(FULL)
    assert "\033" not in on_terminal(env, "status", NO_COLOR="1")


def test_no_colour_in_a_pipe(env, stub):
    stub(FULL)
    assert "\033" not in env.ctl("status", NO_COLOR="", TERM="xterm", expect=0).stdout


# -- with the real service --------------------------------------------------------------------------


def test_fresh_service_is_not_enrolled(env, agent):
    env.ctl("status", expect=5)


def test_real_service(env, provider):
    env.ctl("replace", f"{provider}/HelpPhoneNumber", "+49 30 1234", expect=0)
    assert "+49 30 1234" in env.ctl("help-contacts", expect=0).stdout
    answer = env.ctl_json("status")
    assert answer["managed"] is True
    assert answer["health"] == "ok"
    found, = answer["providers"]
    assert found["id"] == "Contoso"
    assert found["path"] == f"{harness.BUS_ROOT}/Provider/Contoso"
    assert found["last_success"] is None
    # V10: Add by local root creates FirstSyncStatus.
    assert found["first_sync"]["phase"] in ("none", "running")


def test_real_page(env, provider):
    env.ctl("page", expect=3)
    page = f"{provider}/CustomEnrollmentCompletePage"
    env.ctl("add", page, expect=0)
    env.ctl("add", f"{page}/Title", "Hello", expect=0)
    assert env.ctl_json("page")["providers"][0]["title"] == "Hello"
