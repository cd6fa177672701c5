# SPDX-License-Identifier: MIT
"""get, tree, add, replace, delete, exec against the real service, as local root."""

import os
import shutil

import pytest

import harness
from cli_helpers import ROOT_URI, on_terminal


def test_get_prints_the_value(env, provider):
    env.ctl("replace", f"{provider}/HelpPhoneNumber", "+49 30 1234", expect=0)
    result = env.ctl("get", f"{provider}/HelpPhoneNumber", expect=0)
    assert (result.stdout, result.stderr) == ("+49 30 1234\n", "")


def test_get_prints_children_a_line(env, agent):
    env.ctl("add", f"{ROOT_URI}/Provider/MS%20DM%20Server", expect=0)
    env.ctl("add", f"{ROOT_URI}/Provider/Zwei", expect=0)
    assert env.ctl("get", f"{ROOT_URI}/Provider", expect=0).stdout == "MS%20DM%20Server\nZwei\n"


def test_get_of_nothing_below_prints_nothing(env, agent):
    assert env.ctl("get", f"{ROOT_URI}/Provider", expect=0).stdout == ""


@pytest.mark.parametrize("command", ["get", "tree", "delete"])
def test_404_is_3(env, agent, command):
    uri = f"{ROOT_URI}/Provider/Nobody"
    result = env.ctl(command, uri, expect=3)
    assert result.stdout == ""
    assert result.stderr.startswith(f"404 not found: {uri}\n")
    assert "dmclientctl tree" in result.stderr


@pytest.mark.parametrize("arguments, status", [
    (["exec", "{p}/UPN"], "405 command not allowed"),
    (["replace", "{p}"], "405 command not allowed"),
    (["add", "{p}"], "418 already exists"),
    (["replace", "{p}/UPN"], "412 incomplete command"),
    (["replace", "{p}/HelpPhoneNumber", "1" * 65], "413 request entity too large"),
    (["replace", "{p}/RequireMessageSigning", "maybe"], "415 unsupported media type or format"),
    (["replace", "{p}/RequireMessageSigning", "1", "--format", "nonsense"],
     "415 unsupported media type or format"),
    (["get", "{p}/"], "400 bad request"),
    (["get", "./User/Vendor/MSFT/DMClient"], "405 command not allowed"),
    (["get", "{p}?prop=ACL"], "406 optional feature not supported"),
])
def test_other_refusals_are_1(env, provider, arguments, status):
    arguments = [word.replace("{p}", provider) for word in arguments]
    result = env.ctl(*arguments, expect=1)
    assert result.stdout == ""
    assert result.stderr.startswith(f"{status}: {arguments[1]}\n")


def test_replace_add_delete(env, provider):
    uri = f"{provider}/NumberOfDaysAfterLostContactToUnenroll"
    env.ctl("add", uri, "30", "--format", "int", expect=0)
    assert env.ctl("get", uri, expect=0).stdout == "30\n"
    env.ctl("replace", uri, "31", expect=0)
    assert env.ctl("get", uri, expect=0).stdout == "31\n"
    assert env.ctl("delete", uri, expect=0).stdout == ""
    env.ctl("get", uri, expect=3)


def test_negative_number_is_data(env, provider):
    """Out of range, and so 400 of the tree, not a usage error."""
    result = env.ctl("replace", f"{provider}/NumberOfDaysAfterLostContactToUnenroll", "-1", expect=1)
    assert result.stderr.startswith("400 bad request")


def test_user_tree(env, agent):
    user = "./User/Vendor/MSFT/DMClient/Provider/Contoso"
    env.ctl("add", user, "--user", "1000", expect=0)
    assert env.ctl("get", "./User/Vendor/MSFT/DMClient/Provider", "--user", "1000",
                   expect=0).stdout == "Contoso\n"
    env.ctl("get", user, "--user", "1001", expect=3)


def test_json_of_get(env, provider):
    env.ctl("replace", f"{provider}/UPN", "anna@example.test", expect=0)
    assert env.ctl_json("get", f"{provider}/UPN") == {
        "schema": 1, "loc_uri": f"{provider}/UPN", "status": 200, "text": "ok",
        "items": [{"loc_uri": f"{provider}/UPN", "format": "chr", "data": "anna@example.test"}],
    }


def test_json_of_a_refusal(env, agent):
    uri = f"{ROOT_URI}/Provider/Nobody"
    assert env.ctl_json("get", uri, expect=3) == {
        "schema": 1, "loc_uri": uri, "status": 404, "text": "not found", "items": []}


def test_tree(env, provider, golden):
    env.ctl("add", f"{provider}/Poll", expect=0)
    env.ctl("replace", f"{provider}/UPN", "anna@example.test", expect=0)
    # The hardware's identifier differs by machine, and one without a machine-id has none.
    lines = env.ctl("tree", provider, expect=0).stdout.splitlines(keepends=True)
    golden("tree.txt", "".join(line for line in lines if not line.startswith("  HWDevID = ")))


def test_tree_of_everything(env, provider):
    lines = env.ctl("tree", expect=0).stdout.splitlines()
    assert lines[0] == ROOT_URI
    assert "  Provider" in lines
    assert "    Contoso" in lines


def test_tree_in_json_is_what_get_says(env, provider):
    tree = env.ctl_json("tree", provider)
    listed = env.ctl_json("get", f"{provider}?list=StructData")
    assert tree["items"] == listed["items"]
    assert tree["items"][0]["loc_uri"] == provider


def test_c1_and_bidi_stay_off_the_terminal(env, provider):
    """XML allows these characters, so a server can set them; a pipe gets them as they are."""
    value = "a\u009b31m\u202eb"
    env.ctl("replace", f"{provider}/UPN", value, expect=0)
    assert env.ctl("get", f"{provider}/UPN", expect=0).stdout == value + "\n"
    assert on_terminal(env, "get", f"{provider}/UPN") == "a\\u009b31m\\u202eb\r\n"
    assert "UPN = a\\u009b31m\\u202eb\n" in env.ctl("tree", provider, expect=0).stdout


def test_invalid_utf8_is_refused_before_it_is_sent(env, agent):
    result = env.ctl("replace", os.fsdecode(b"./Device/\xff"), "x", expect=1)
    assert "\\xff" in result.stderr or "UTF-8" in result.stderr


@pytest.mark.parametrize("command", [["get", "./A"], ["tree"], ["delete", "./A"]])
def test_no_service_is_6(env, command):
    result = env.ctl(*command, expect=6)
    assert str(env.socket) in result.stderr
    assert "dmclient-agent" in result.stderr


def test_socket_option_goes_before_the_variable(env, agent):
    env.ctl("tree", "--socket", env.dir / "nowhere", expect=6)
    env.ctl("tree", "--socket", env.socket, expect=0, DMCLIENT_SOCKET=env.dir / "nowhere")


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None,
                    reason="needs root and setpriv to become another user")
def test_another_user_is_4(env, agent):
    # The directory lets others in here, so it is the service that refuses.
    os.chmod(env.dir, 0o755)
    os.chmod(env.socket, 0o777)
    program = env.dir / "dmclientctl"
    shutil.copy(harness.CTL, program)
    result = env.run("setpriv", "--reuid=65534", "--clear-groups", program, "tree", expect=4)
    assert "65534" in result.stderr or "permission denied" in result.stderr
