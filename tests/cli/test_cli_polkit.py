# SPDX-License-Identifier: MIT
"""What a person without rights is asked, by the real polkitd: in a dialog of the desktop, and on a
terminal where there is none."""

import subprocess

import accounts
import harness
import polkit_env
import pytest
from cli_helpers import Terminal
from polkit_env import PERSON
from test_polkit_agent import agent, enrolled  # noqa: F401
from test_polkit_authority import bus, caller_of, dialog  # noqa: F401

HOLD = 'read go && exec "$@"'  # until it has been put in a session


@pytest.fixture
def program(env, agent):
    return polkit_env.copy_program(env, harness.CTL)


@pytest.mark.parametrize("is_right, code", [(True, 0), (False, 4)])
def test_a_desktop_asks(env, enrolled, dialog, program, is_right, code):
    call = subprocess.Popen(
        [*accounts.become(PERSON), "sh", "-c", HOLD, "sh", program, "disconnect", "--yes"],
        env=env.environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True)
    dialog.polkitd.put_in_session(call.pid, PERSON, session=dialog.session)
    call.stdin.write("go\n")
    call.stdin.flush()
    assert dialog.wait_for_one()[1] == harness.BUS_NAME + ".disconnect"
    dialog.answer(is_right, uid=0)
    out = call.communicate(timeout=harness.RUN_TIMEOUT)[0]
    assert call.returncode == code, out
    assert ("being disconnected" in out) == is_right


def test_a_terminal_asks_where_no_desktop_does(env, enrolled, start_polkitd, program):
    """polkit's own dialog for terminals; it is gone again when the program ends."""
    polkitd = start_polkitd()
    terminal = Terminal(env, *polkit_env.prefix(env), *accounts.become(PERSON), "sh", "-c", HOLD, "sh",
                        program, "disconnect", "--yes", columns=100)
    polkitd.put_in_session(terminal.popen.pid, PERSON, is_active=False)
    terminal.write("go\n")
    terminal.read_until(harness.BUS_NAME + ".disconnect")
    terminal.read_until("Password: ")
    terminal.write_password("wrong\n")
    text = terminal.wait(expect=4)
    assert "not authorised" in text
    assert subprocess.run(["pgrep", "-U", str(PERSON), "pkttyagent"], stdout=subprocess.PIPE,
                          check=False).stdout == b""


def test_without_either_nobody_is_asked(env, enrolled, start_polkitd, program):
    start_polkitd()
    result = env.run(*accounts.become(PERSON), program, "disconnect", "--yes", expect=4)
    assert "not authorised" in result.stderr and "root" in result.stderr
