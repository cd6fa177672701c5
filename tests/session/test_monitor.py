# SPDX-License-Identifier: MIT
"""dmclientctl monitor: sessions as they happen, redacted, for root alone."""

import json
import os
import re
import socket
import stat
import subprocess
import threading

import pytest
from gi.repository import GLib

import cli_json
import harness
from device import PROVIDER, node

DANGEROUS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


class Monitor:
    """dmclientctl monitor that runs; its lines as they come."""

    def __init__(self, env, *arguments):
        self.process = subprocess.Popen(
            [harness.CTL, "monitor", *arguments], env=env.environ(), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.late = threading.Timer(harness.START_TIMEOUT, self.process.kill)
        self.late.start()

    def read_until(self, word):
        """All lines up to the first with `word` in it."""
        lines = []
        for line in self.process.stdout:
            lines.append(line.rstrip("\n"))
            if word in line:
                return lines
        raise harness.Failure(f"ended before {word!r}:\n" + "\n".join(lines)
                              + self.process.stderr.read())

    def finish(self, expect):
        """What it says at its end, which comes by itself."""
        rest, complaint = self.process.communicate()
        assert self.process.returncode == expect, complaint
        return rest, complaint

    def close(self):
        self.late.cancel()
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def watch(env):
    monitors = []

    def start(*arguments):
        monitors.append(Monitor(env, *arguments))
        return monitors[-1]

    yield start
    for monitor in monitors:
        monitor.close()


@pytest.fixture
def run_session(device, serve):
    """run_session(step, …): a session that the broker that runs has with a server."""

    def run(*steps):
        server = serve(list(steps))
        device.enrol(server)
        device.env.start_broker()

        def go():
            device.env.call_manager("Sync", device.object_path(), wait=GLib.Variant("b", True))

        server.go = go
        return server

    return run


STEP = {"commands": [
    {"verb": "Replace", "loc_uri": node("HelpPhoneNumber"), "data": "canary-data"},
    {"verb": "Get", "loc_uri": "./Vendor/MSFT/DMClient/0123456789abcdef0123456789abcdef"},
    {"verb": "Delete", "loc_uri": "./a\u009b31m\u202e"}]}


def test_each_message_command_and_end_is_a_line(run_session, watch, certs_dir):
    server = run_session(STEP)
    monitor = watch()
    monitor.read_until("Watching dmclient-broker")
    server.go()
    lines = monitor.read_until("session ended")
    told = "\n".join(lines)
    assert all(re.match(rf"\d\d:\d\d:\d\d\.\d{{3}}  {PROVIDER}  \S* *", line) for line in lines)
    for what in ("session asked for: origin user", "session begun: origin user",
                 f"trying localhost:{server.port}", "message 1 sent, ", "HTTP status 200",
                 "message 1 received, ", f"Replace {node('HelpPhoneNumber')}: 200",
                 "Get ./Vendor/MSFT/DMClient/[id]: 404", "message 2 sent, ", "session ended: ok"):
        assert what in told
    assert lines[-1].endswith("session ended: ok")
    assert "canary" not in told and not DANGEROUS.search(told)


def test_json_has_one_object_a_line(run_session, watch):
    server = run_session(STEP)
    monitor = watch("--json")
    first = json.loads(monitor.read_until("watching")[-1])
    assert first["schema"] == 1 and first["event"] == "watching" and first["version"]
    server.go()
    lines = monitor.read_until("session ended")
    assert not DANGEROUS.search("\n".join(lines))
    for line in lines:
        cli_json.check("event", line)
    events = [json.loads(line) for line in lines]
    assert all(one["provider"] == PROVIDER for one in events)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"])
               for one in events)
    # The server's last message is empty of commands, and needs no answer.
    assert [(one["event"], one["message"]) for one in events if "message" in one] == [
        ("sent", 1), ("received", 1), ("sent", 2), ("received", 2)]
    assert [one["bytes"] for one in events if one["event"] == "sent"] == [
        len(one.body) for one in server.exchanges]
    assert [(one["verb"], one["status"]) for one in events if one["event"] == "command"] == [
        ("Replace", 200), ("Get", 404), ("Delete", 400)]
    assert {one["event"] for one in events} == {"note", "sent", "received", "command"}


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_raw_has_whole_messages_in_a_private_file(env, run_session, watch, option):
    server = run_session(STEP)
    monitor = watch("--raw", *option)
    told = monitor.read_until("messages.txt")[-1]
    path = env.state_dir / "broker" / "messages.txt"
    assert str(path) in told
    if option:
        assert json.loads(told)["event"] == "raw"
        cli_json.check("event", told)
    server.go()
    lines = monitor.read_until("session ended")
    assert "canary" not in "\n".join(lines), "messages are in the file alone"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_uid == path.parent.stat().st_uid
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    text = path.read_bytes()
    for exchange in server.exchanges:
        assert exchange.body in text and exchange.answer in text
    assert text.count(b"\n=== ") + 1 == 2 * len(server.exchanges)
    # It goes with the next broker at the latest.
    env.broker.stop()
    assert path.exists()
    env.start_broker()
    assert not path.exists()


def test_the_end_of_the_broker_is_6(env, run_session, watch):
    run_session()
    monitor = watch()
    monitor.read_until("Watching")
    env.broker.stop()
    rest, complaint = monitor.finish(6)
    assert rest == "" and "dmclient-broker has ended" in complaint


def test_no_broker_is_6(env):
    env.state_dir.mkdir()
    result = env.ctl("monitor", "--json", expect=6)
    assert json.loads(result.stdout)["exit"] == 6
    assert "systemctl start dmclient-broker" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
@pytest.mark.parametrize("option", [[], ["--raw"]])
def test_others_are_refused(env, run_session, option):
    run_session()
    env.dir.chmod(0o755)
    env.state_dir.chmod(0o755)
    result = env.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", harness.CTL,
                     "monitor", *option, expect=4)
    assert "sudo dmclientctl monitor" in result.stderr
    assert not (env.state_dir / "broker" / "messages.txt").exists()


@pytest.mark.parametrize("sent", [
    b"nothing\n", b"[]\n", b"{}\n", b'{"event":1}\n', b"\0\n", b"\xff\xfe\n", b"x" * 70000])
def test_a_broker_that_says_anything_else(env, sent):
    """Another version, or something else at that path: an error, and no loop."""
    (env.state_dir / "broker").mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(env.state_dir / "broker" / "monitor"))
        server.listen(1)

        def answer():
            peer, _ = server.accept()
            with peer:
                peer.recv(16)
                try:
                    peer.sendall(sent)
                    peer.recv(1)
                except OSError:
                    pass  # it has had enough

        thread = threading.Thread(target=answer)
        thread.start()
        assert "dmclient-broker" in env.ctl("monitor", expect=1).stderr
        thread.join()


def test_hostile_text_is_escaped(env, watch):
    """What a broker sends is not trusted either."""
    (env.state_dir / "broker").mkdir(parents=True)
    event = {"event": "note", "time": "\x1b[2J", "provider": "\u202eP\n", "text": "\x9b1m\nx\u2066"}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(env.state_dir / "broker" / "monitor"))
        server.listen(1)
        for option in ([], ["--json"]):
            monitor = watch(*option)
            peer, _ = server.accept()
            with peer:
                peer.recv(16)
                peer.sendall(json.dumps(event).encode() + b"\n")
            rest, _ = monitor.finish(6)
            lines = rest.splitlines()
            assert not DANGEROUS.search(lines[0])
            assert len(lines) == 1 or option, "one event, one line"
