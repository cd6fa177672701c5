# SPDX-License-Identifier: MIT
"""Exit codes: each one that a command can end with is reached, in the state that causes it. What is
reached elsewhere only because it needs more (a terminal, a session) is named with its test."""

import os
import pathlib
import shutil
import subprocess
import sys

import accounts
import bus_tree
import fake_broker
import harness
import pytest
from cli_helpers import ROOT_URI
from test_cli_help import COMMANDS

HERE = pathlib.Path(__file__).resolve().parent
X = f"{ROOT_URI}/Provider/X"
NOBODY = f"{ROOT_URI}/Provider/Nobody"
OTHER = 65534
PUBLIC = ["status", "help-contacts", "page", "first-sync", "sync", "disconnect --yes", "history"]
ROOT = ["get U", "tree U", "add U", "replace U 1", "delete U", "exec U", "apply GET", "provision DOC"]

# The bus lets one user ask nothing.
REFUSING = harness.BUS_CONFIG.replace("</busconfig>", f"""
  <policy user="{OTHER}"><deny send_destination="{harness.BUS_NAME}"/></policy>
</busconfig>""")

# State: {exit code: command lines}. U is a node of provider X, GET a message with a Get of X, EMPTY one
# without a command, DOC a provisioning document.
CASES = {
    "no service": {6: PUBLIC + ROOT + ["first-sync --watch", "provision --check DOC", "monitor"],
                   64: [f"{name} --nonsense" for name in COMMANDS],
                   1: ["apply /nowhere", "provision /nowhere"], 2: ["apply EMPTY"]},
    "not enrolled": {5: PUBLIC, 0: ["tree"], 3: ["get U", "tree U", "delete U"]},
    "refused": {4: PUBLIC + ROOT + ["monitor"]},
    "broken": {1: PUBLIC},
    "enrolled": {
        0: ["status", "help-contacts", "page", "first-sync", "sync", "history", "get U", "tree U",
            f"add {ROOT_URI}/Provider/Z", "replace U 1", f"delete {X}/CustomEnrollmentCompletePage",
            f"exec {ROOT_URI}/Provider/Z/Unenroll Z", "apply GET", "provision --check DOC", "provision DOC",
            "disconnect --yes --provider Y"],
        1: ["get U/", "tree ./User", f"add {X}", f"replace {X}", f"delete {X}/HWDevID", "exec U",
            "apply BAD", "provision BAD"],
        3: [f"{name} --provider Nobody" for name in PUBLIC] + [
            f"get {NOBODY}", f"tree {NOBODY}", f"delete {NOBODY}", f"exec {NOBODY}",
            f"add {NOBODY}/UPN 1", f"replace {NOBODY}/UPN 1"],
        64: ["get", "apply GET --user me", "provision DOC --key K"],
    },
}

# What only a terminal, the end of a session or a real broker brings.
ELSEWHERE = {
    ("disconnect", 2): ("test_cli_sync", "test_a_person_says_no"),
    ("first-sync", 1): ("test_cli_first_sync", "test_watched_in_a_pipe"),
    ("sync", 1): ("test_cli_sync", "test_sync_waits_for_a_bad_end"),
    ("doctor", 0): ("../session/test_doctor", "test_nothing_is_wrong"),
    ("doctor", 1): ("../session/test_doctor", "test_what_the_broker_finds_is_1"),
    ("doctor", 4): ("../session/test_doctor", "test_a_service_that_the_bus_keeps_from_us_is_4"),
    ("doctor", 5): ("../session/test_doctor", "test_not_enrolled_is_5"),
    ("doctor", 6): ("../session/test_doctor", "test_no_service_is_6"),
    ("monitor", 1): ("../session/test_monitor", "test_a_broker_that_says_anything_else"),
}

# What each can end with; scripts rely on it.
EVERY = {0, 1, 4, 6, 64}
POSSIBLE = {name: EVERY | {3, 5} for name in ("status", "help-contacts", "page", "first-sync", "sync",
                                                "history")}
POSSIBLE |= {"doctor": EVERY | {5}, "monitor": EVERY - {0}}
POSSIBLE |= {"disconnect": EVERY | {2, 3, 5}, "apply": EVERY | {2}, "provision": EVERY}
POSSIBLE |= {name: EVERY | {3} for name in ("get", "tree", "add", "replace", "delete", "exec")}

MESSAGE = "<{0}><CmdID>1</CmdID><Item><Target><LocURI>{1}</LocURI></Target></Item></{0}>"
DOCUMENT = """<wap-provisioningdoc version="1.1"><characteristic type="APPLICATION">
<parm name="APPID" value="w7"/><parm name="PROVIDER-ID" value="Y"/>
<parm name="ADDR" value="https://mdm.example.test/"/></characteristic></wap-provisioningdoc>"""


class State:
    """A device in one of the states, for all its cases."""

    def __init__(self, name):
        self.env = harness.Environment()
        self.prefix = [harness.CTL]
        self.broker = None
        self.stub = None
        files = {"GET": MESSAGE.format("Get", X), "BAD": MESSAGE.format("Get", NOBODY), "DOC": DOCUMENT,
                 "EMPTY": "<SyncBody/>"}
        self.words = {word: str(self.env.dir / f"{word}.xml") for word in files} | {"U": f"{X}/UPN"}
        for word, text in files.items():
            (self.env.dir / f"{word}.xml").write_text(text)
            os.chmod(self.env.dir / f"{word}.xml", 0o644)
        getattr(self, name.replace(" ", "_"))()

    def no_service(self):
        self.env.start_bus()

    def not_enrolled(self):
        self.env.start_bus()
        self.env.start_agent()

    def enrolled(self):
        self.not_enrolled()
        tree = bus_tree.Tree(self.env)
        tree.add_provider()
        tree.fill()
        self.broker = fake_broker.FakeBroker(self.env)

    def refused(self):
        if os.geteuid() != 0:
            pytest.skip("only root can be somebody else")
        self.env.start_bus(text=REFUSING)
        self.env.start_agent()
        program = self.env.dir / "dmclientctl"
        shutil.copy(harness.CTL, program)
        self.env.dir.chmod(0o755)
        self.prefix = [*accounts.become(OTHER), program]

    def broken(self):
        self.env.start_bus()
        answer = self.env.dir / "answer"
        answer.write_text("error org.example.Broken it fell over")
        self.stub = subprocess.Popen([sys.executable, HERE / "stub_service.py", answer],
                                     env=self.env.environ(), stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, text=True)
        assert self.stub.stdout.readline() == "ready\n"

    def run(self, line):
        words = [self.words.get(word.rstrip("/"), word) + "/" * (word == "U/") for word in line.split()]
        return self.env.run(*self.prefix, *words)

    def close(self):
        if self.stub is not None:
            self.stub.communicate(timeout=harness.STOP_TIMEOUT)
        if self.broker is not None:
            self.broker.close()
        self.env.close()


@pytest.mark.parametrize("name", CASES)
def test_exit_codes(name):
    """In the order of the table: what changes something stands where it does not matter."""
    state = State(name)
    try:
        for code, lines in CASES[name].items():
            for line in lines:
                result = state.run(line)
                assert result.returncode == code, (line, result.stdout + result.stderr)
                if code == 0:
                    assert result.stderr == "", line
                else:
                    assert result.stderr.endswith("\n") and len(result.stderr) > 10, line
    finally:
        state.close()


def test_each_is_reached():
    """All that POSSIBLE has is a case above or elsewhere, and nothing else is."""
    reached = {(line.split()[0], code) for cases in CASES.values()
               for code, lines in cases.items() for line in lines} | set(ELSEWHERE)
    assert reached == {(name, code) for name, codes in POSSIBLE.items() for code in codes}
    assert set(POSSIBLE) == set(COMMANDS)
    for module, test in ELSEWHERE.values():
        assert f"def {test}(" in (HERE / f"{module}.py").read_text(encoding="utf-8")
