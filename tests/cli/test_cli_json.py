# SPDX-License-Identifier: MIT
"""--json: what each command prints is what docs/dmclientctl.schema.json says, and no more."""

import json
import os
import re
import shutil
import subprocess

import harness
import jsonschema
import pytest
from cli_helpers import ROOT_URI
from cli_json import SCHEMA, check, validator

DOCUMENT = harness.ROOT / "docs" / "cli-json.md"
URI = f"{ROOT_URI}/Provider/X"
GET = f"<Get><CmdID>1</CmdID><Item><Target><LocURI>{URI}</LocURI></Target></Item></Get>"
PROVISIONING = """<wap-provisioningdoc version="1.1"><characteristic type="APPLICATION">
<parm name="APPID" value="w7"/><parm name="PROVIDER-ID" value="Y"/><parm name="ADDR" value="{}"/>
</characteristic><characteristic type="DMClient"><characteristic type="Provider">
<characteristic type="Y"><parm name="UPN" value="a@example.test"/></characteristic>
</characteristic></characteristic></wap-provisioningdoc>"""


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_it_refuses_what_is_not_so():
    """The validation can fail: a wrong type, a member that is missing, one that is not in it."""
    good = {"schema": 1, "provider": "X", "session": "s", "ended": False}
    validator("sync").validate(good)
    for bad in ({**good, "schema": 2}, {**good, "ended": "no"}, {**good, "more": 1},
                {key: good[key] for key in good if key != "session"}):
        with pytest.raises(jsonschema.ValidationError):
            validator("sync").validate(bad)


@pytest.fixture
def full(tree):
    """A provider with everything set, and a user's part."""
    tree.add_provider()
    tree.fill()
    tree.add_user(1000)
    return tree


def test_what_everyone_asks(env, full, broker):
    for command in ("status", "help-contacts", "page", "first-sync", "sync"):
        check(command, env.ctl(command, "--json", expect=0).stdout)
    check("disconnect", env.ctl("disconnect", "--yes", "--json", expect=0).stdout)


def test_what_root_asks(env, full):
    for words, code in ((["get", f"{URI}/UPN"], 0), (["get", URI], 0), (["tree"], 0),
                        (["get", f"{ROOT_URI}/Provider/Nobody"], 3),
                        (["add", f"{ROOT_URI}/Provider/Y"], 0), (["add", URI], 1),
                        (["replace", f"{URI}/UPN", "a"], 0), (["delete", f"{ROOT_URI}/Provider/Y"], 0),
                        (["exec", f"{URI}/UPN"], 1)):
        check("node", env.ctl(*words, "--json", expect=code).stdout)
    check("apply", env.ctl("apply", "-", "--json", stdin=GET, expect=0).stdout)


@pytest.mark.parametrize("address, code", [("https://mdm.example.test/", 0), ("http://x/", 1)])
@pytest.mark.parametrize("options", [[], ["--check"]])
def test_provision(env, agent, address, code, options):
    check("provision", env.ctl("provision", "-", "--json", *options,
                               stdin=PROVISIONING.format(address), expect=code).stdout)


def test_an_empty_device(env, agent):
    check("status", env.ctl("status", "--json", expect=5).stdout)
    check("error", env.ctl("page", "--json", expect=5).stdout)


@pytest.mark.parametrize("words, code", [
    (["status"], 6), (["first-sync", "--watch"], 6), (["get", "./A"], 6), (["nothing"], 64),
    (["apply", "/nowhere.xml"], 1), (["apply", "-"], 2)])
def test_errors(env, words, code):
    stdin = "<SyncBody/>" if words == ["apply", "-"] else None
    check("error", env.ctl(*words, "--json", stdin=stdin, expect=code).stdout)


def commands():
    """All commands, from the program's own help."""
    text = subprocess.run([harness.CTL, "--help"], capture_output=True, text=True, check=True,
                          env={"LC_ALL": "C.UTF-8"}).stdout
    part = text.split("\nCommands for everyone:\n")[1].split("\n'dmclientctl")[0]
    return re.findall(r"^  ([a-z-]+)", part, re.M)


def test_each_command_has_its_object():
    document = DOCUMENT.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (.*) \| `([a-z-]+)` \|$", document, re.M))
    documented = {name for cell in rows for name in re.findall("`([a-z-]+)`", cell)}
    assert documented == set(commands())
    used = set(re.findall(r'"#/\$defs/([a-z-]+)"', json.dumps(SCHEMA["anyOf"])))
    assert used == set(rows.values()) and used <= set(SCHEMA["$defs"])


def test_exit_codes_are_those_of_the_help(env):
    listed = re.findall(r"^  (\d+) +(.+)$", env.ctl("--help").stdout.split("Exit codes:")[1], re.M)
    assert listed == re.findall(r"^\| (\d+) \| (.+) \|$", DOCUMENT.read_text(encoding="utf-8"), re.M)


@pytest.mark.skipif(shutil.which("jq") is None, reason="needs package jq")
def test_the_examples_work(env, full):
    text = DOCUMENT.read_text(encoding="utf-8").split("```sh\n")[1].split("```")[0]
    full.set_leaf("HelpPhoneNumber", "+49 30 1234")
    path = f"{harness.CTL.parent}:{os.environ['PATH']}"
    phone, watch, days = [part for part in text.split("\n\n") if part]
    assert env.run("sh", "-c", phone, PATH=path, expect=0).stdout == "X: +49 30 1234\n"
    # Everything has been set, and with it that all is done.
    assert env.run("sh", "-c", watch, PATH=path, expect=0).stdout == "ready\n"
    assert env.run("sh", "-c", days, PATH=path, expect=0).stdout == ""
