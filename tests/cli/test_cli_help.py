# SPDX-License-Identifier: MIT
"""--help, --version and wrong command lines. Nothing needs to run for them."""

import json
import subprocess

import pytest

import harness

COMMANDS = ["status", "help-contacts", "page", "first-sync", "sync", "disconnect", "get", "tree",
            "add", "replace", "delete", "exec", "apply", "provision", "history", "doctor", "monitor"]


def test_help_of_the_program(env, golden):
    result = env.ctl("--help", expect=0)
    golden("help.txt", result.stdout)
    assert result.stderr == ""
    for command in COMMANDS:
        assert f"\n  {command}" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(env, golden, command):
    result = env.ctl(command, "-h", expect=0)
    golden(f"help-{command}.txt", result.stdout)


def test_version(env):
    result = env.ctl("--version", expect=0)
    name, version = result.stdout.split()
    assert name == "dmclientctl"
    assert version[0].isdigit()


@pytest.mark.parametrize("arguments", [
    [], ["frobnicate"], ["get"], ["get", "./A", "./B"], ["delete", "./A", "data"],
    ["status", "--nonsense"], ["status", "--socket"], ["get", "./A", "--server", "X"],
    ["get", "./A", "--user", "root"], ["apply", "MESSAGE", "--user", "-2"],
    ["provision", "x.xml", "--certificate", "c.pem"], ["provision", "x.xml", "--key", "c.key"],
])
def test_usage_is_64(env, arguments):
    message = env.dir / "message.xml"
    message.write_text("<Get><CmdID>1</CmdID></Get>")
    arguments = [message if word == "MESSAGE" else word for word in arguments]
    result = env.ctl(*arguments, expect=64)
    assert result.stdout == ""
    assert result.stderr.startswith("dmclientctl: ")


def test_usage_in_json(env):
    result = env.ctl("--json", "get", expect=64)
    answer = json.loads(result.stdout)
    assert answer["schema"] == 1
    assert answer["exit"] == 64
    assert "LOCURI" in answer["error"]


def test_full_disk_is_said(env):
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run([harness.CTL, "--help"], env=env.environ(), stdout=full,
                                stderr=subprocess.PIPE, text=True, check=False)
    assert result.returncode == 1
    assert "No space left" in result.stderr
