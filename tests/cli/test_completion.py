# SPDX-License-Identifier: MIT
"""Completion for bash: what it offers where, asked of bash itself."""

import shlex
import shutil
import subprocess

import harness
import pytest
from cli_helpers import ROOT_URI, Terminal

SCRIPT = harness.BUILD / "cli" / "dmclientctl.bash"
# The words as bash has them when Tab is pressed after the last: it has cut at "=".
ASK = """
compopt() {{ printf 'compopt %s\\n' "$*"; }}
source {script}
COMP_WORDS=({words}) COMP_CWORD=$(({count} - 1))
_dmclientctl
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture
def complete(env):
    """complete(WORD…): what is offered for the last of the words."""

    def ask(*words):
        words = [str(harness.CTL), *words]
        script = ASK.format(script=shlex.quote(str(SCRIPT)), count=len(words),
                            words=" ".join(shlex.quote(word) for word in words))
        result = env.run("bash", "--norc", "-c", script, expect=0)
        assert result.stderr == ""
        return [line for line in result.stdout.splitlines() if line]

    return ask


@pytest.fixture
def odd(env, agent):
    """Providers with names that a shell takes apart."""
    for name in ("Contoso", "MS%20DM%20Server", "a$(id)'b"):
        env.ctl("add", f"{ROOT_URI}/Provider/{name}", expect=0)


def test_commands(complete):
    assert complete("st") == ["status"]
    assert {"status", "first-sync", "apply"} <= set(complete(""))
    assert "complete" not in complete("")


def test_options(complete):
    assert complete("first-sync", "--w") == ["--watch"]
    assert set(complete("--")) == {"--json", "--socket", "--help", "--version"}
    assert "--watch" not in complete("status", "--")


@pytest.mark.parametrize("words", [("status", "--provider", "MS"), ("status", "--provider", "=", "MS"),
                                   ("--provider", "MS\\ D")])
def test_providers(complete, odd, words):
    assert complete(*words) == ["MS\\ DM\\ Server"]


def test_all_providers_after_an_equals_sign(complete, odd):
    assert len(complete("apply", "--server", "=")) == 3


def test_names_cannot_run_anything(complete, odd):
    """Quoted where nothing is quoted yet, left out where the quotes that are there do not hold."""
    assert complete("--provider", "a") == ["a\\$\\(id\\)\\'b"]
    assert complete("--provider", "'a") == [] and complete("--provider", '"a') == []
    assert complete("--provider", "'M") == ["MS DM Server"]


def test_loc_uris(complete, odd):
    assert complete("get", "") == ["compopt -o nospace", f"{ROOT_URI}/"]
    assert f"{ROOT_URI}/Provider/" in complete("get", f"{ROOT_URI}/")
    assert complete("tree", f"{ROOT_URI}/Provider/Con") == [
        "compopt -o nospace", f"{ROOT_URI}/Provider/Contoso/"]
    sync = f"{ROOT_URI}/Provider/Contoso/FirstSyncStatus"
    assert complete("replace", f"{sync}/IsSync") == [f"{sync}/IsSyncDone"]
    assert complete("replace", f"{ROOT_URI}/Provider/Contoso/UPN", "") == []


def test_formats_and_users(complete):
    assert complete("add", "./A", "--format", "b") == ["bool", "b64"]
    assert "0" in complete("get", "./A", "--user", "")


@pytest.mark.parametrize("words", [("apply", ""), ("provision", "--check", "x"), ("--socket", ""),
                                   ("provision", "--certificate", "=", "")])
def test_files_are_the_shells_matter(complete, words):
    assert complete(*words) == ["compopt -o default"]


@pytest.mark.parametrize("words", [("--provider", ""), ("get", f"{ROOT_URI}/")])
def test_nothing_without_a_service(complete, words):
    assert complete(*words) == []


def test_unknown_kinds_are_refused(env):
    env.ctl("complete", "nonsense", expect=64)


def test_in_a_shell(env, odd):
    """As a person has it: Tab, and the command runs with what came of it."""
    shell = Terminal(env, "bash", "--norc", "-i", PS1="ready> ", INPUTRC="/dev/null",
                     HISTFILE="/dev/null", PATH=f"{harness.CTL.parent}:/usr/bin:/bin")
    shell.read_until("ready> ")
    shell.write(f"source {SCRIPT}\n")
    shell.write("dmclientctl sta\t--prov\tMS\t\n")
    shell.read_until("Next scheduled")
    assert "--provider MS\\ DM\\ Server" in shell.text
    shell.write("exit\n")
    shell.wait()


def test_the_script_is_sound():
    subprocess.run(["bash", "-n", SCRIPT], check=True)
    if shutil.which("shellcheck"):
        result = subprocess.run(["shellcheck", SCRIPT], capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout


def test_the_generator():
    """It makes one or the other; anything else is 64, a full disk 1."""
    program = harness.BUILD / "cli" / "dmclientctl-describe"
    for words in ([], ["--nothing"], ["--man", "--bash"]):
        assert subprocess.run([program, *words], capture_output=True, check=False).returncode == 64
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run([program, "--man"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert result.returncode == 1
