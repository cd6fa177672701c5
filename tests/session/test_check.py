# SPDX-License-Identifier: MIT
"""dmclient-broker --check: every finding, with the fault that it is for. What is right is found
right, what is wrong is named with the next step, and no session is begun."""

import json
import os
import pty
import re
import socket
import stat
import subprocess
import time

import pytest

import harness
from fake_tree import FakeTree

P = "P"


class Bench:
    """A tree with one provider, certificates, and no broker that runs."""

    def __init__(self, env, certs_dir):
        self.env = env
        self.certs_dir = certs_dir
        self.configure()
        self.trees = []
        self.broker_dir = env.state_dir / "broker"

    def configure(self, *lines):
        self.env.configure("\n".join(["[broker]", f"ca-file={self.certs_dir}/ca.pem", *lines, ""]))

    def key(self, name="client"):
        """The thumbprint of a certificate that the broker has."""
        base = f"{self.certs_dir}/{name}"
        return self.env.run(harness.BROKER, "--import-certificate", f"{base}.pem", "--key",
                            f"{base}.key", expect=0).stdout.strip()

    def tree(self, address, key=None, due_s=600, **options):
        due = int((time.time() + due_s) * 1e6) if due_s is not None else 0
        tree = FakeTree(self.env.socket, {P: [address] if address else []},
                        [(P, due, "first schedule")])
        tree.thumbprints = [key] if key else []
        for name, value in options.items():
            setattr(tree, name, value)
        self.trees.append(tree)
        return tree

    def check(self, *arguments, expect=1):
        """{id: finding}; of several the worst. Each that is not fine says what to do."""
        arguments = arguments or ["--no-bus"]
        done = self.env.run(harness.BROKER, "--check", "--json", *arguments, expect=expect)
        assert done.stderr == "", "no progress where nobody looks"
        answer = json.loads(done.stdout)
        assert answer["schema"] == 1 and answer["version"]
        order = ["ok", "warning", "error"]
        assert answer["level"] == max((one["level"] for one in answer["findings"]),
                                      key=order.index)
        assert (answer["level"] == "error") == (expect == 1)
        found = {}
        for one in answer["findings"]:
            assert set(one) == {"id", "level", "provider", "text", "next"}
            assert one["level"] == "ok" or one["next"]
            if one["id"] not in found or order.index(one["level"]) > order.index(
                    found[one["id"]]["level"]):
                found[one["id"]] = one
        return found


@pytest.fixture
def bench(env, certs_dir):
    bench = Bench(env, certs_dir)
    yield bench
    for tree in bench.trees:
        tree.close()


def wrong(found):
    """{id: level} of what is not fine, but that no broker runs, which is so in these tests."""
    return {name: one["level"] for name, one in found.items()
            if one["level"] != "ok" and name != "daemon"}


def test_all_is_well_beside_a_broker_that_runs(bench, env, serve):
    """Safe while it runs: neither notices the other, and the server sees no session."""
    server = serve([])
    tree = bench.tree(server.address, bench.key())
    env.start_bus()
    env.start_broker()
    tree.wait(lambda: tree.called("GetDue"))
    found = bench.check("--key-dir", bench.broker_dir, expect=0)
    assert {one["level"] for one in found.values()} == {"ok"}
    assert set(found) == {"config", "key-directory", "daemon", "bus", "socket", "store",
                          "certificate", "schedule", "addresses", "server", "clock"}
    assert found["server"]["provider"] == P
    assert "localhost" in found["server"]["text"] and "ca.pem" in found["server"]["text"]
    assert server.looks == 1 and not server.exchanges
    assert not tree.called("BeginSession") and not tree.called("ReportSession")
    assert env.broker.is_running()


def test_text_names_provider_and_next_step(bench, serve):
    bench.tree(serve([]).address, bench.key("client-expired"))
    done = bench.env.run(harness.BROKER, "--check", "--no-bus", expect=1)
    lines = done.stdout.splitlines()
    at, = [n for n, line in enumerate(lines) if line.startswith("error   certificate")]
    assert "P: the client certificate has expired: 2021-01-01" in lines[at]
    assert lines[at + 1].strip().startswith("Next: Ask the organisation")


def test_no_broker_runs(bench, serve):
    bench.tree(serve([]).address, bench.key())
    found = bench.check()
    assert wrong(found) == {}
    assert found["daemon"]["level"] == "error"
    assert "systemctl start dmclient-broker" in found["daemon"]["next"]


def test_not_enrolled_is_no_fault(bench):
    bench.key()
    tree = bench.tree("")
    tree.providers, tree.dues = {}, []
    assert "not enrolled" in bench.check()["providers"]["text"]


# -- this machine ----------------------------------------------------------------------------------


def test_nobody_serves_the_tree(bench):
    bench.key()
    found = bench.check()
    assert wrong(found) == {"socket": "error"}
    assert str(bench.env.socket) in found["socket"]["text"]
    assert "systemctl start dmclient-agent" in found["socket"]["next"]


def test_the_tree_refuses(bench):
    bench.key()
    bench.tree("", refuse={"GetProviders": "org.dmclient.DMClient1.Error.Failed"})
    assert "GetProviders is refused" in bench.check()["socket"]["text"]


def test_no_bus_answers(bench, serve):
    bench.tree(serve([]).address, bench.key())
    found = bench.check("--key-dir", bench.broker_dir)
    assert wrong(found) == {"bus": "error"}


@pytest.mark.parametrize("health, level", [("degraded", "warning"), ("read-only", "error")])
def test_the_store_is_ill(bench, serve, health, level):
    bench.tree(serve([]).address, bench.key(), health=health)
    assert wrong(bench.check()) == {"store": level}


def test_configuration_that_cannot_be_used(bench, serve):
    bench.tree(serve([]).address, bench.key())
    bench.env.configure("[broker]\nca-file=/nonexistent\nmax-messages=many\n")
    found = bench.check()
    assert found["config"]["level"] == "error" and "max-messages" in found["config"]["text"]


def test_configuration_with_an_unknown_key(bench, serve):
    bench.tree(serve([]).address, bench.key())
    bench.configure("max-mesages=3")
    found = bench.check()
    assert wrong(found) == {"config": "warning"}
    assert "max-mesages" in found["config"]["text"]


def test_a_directory_that_others_can_enter(bench, serve):
    bench.tree(serve([]).address, bench.key())
    bench.broker_dir.chmod(0o750)
    found = bench.check()
    assert wrong(found)["key-directory"] == "error"
    assert "0750" in found["key-directory"]["text"]
    assert f"chmod 0700 {bench.broker_dir}" in found["key-directory"]["next"]
    assert "certificate" not in found


def test_a_directory_that_is_not_there_or_none(bench, serve):
    bench.tree(serve([]).address)
    assert wrong(bench.check())["key-directory"] == "error"
    bench.env.state_dir.mkdir(exist_ok=True)
    bench.broker_dir.write_text("")
    assert "not a directory" in bench.check()["key-directory"]["text"]


def test_a_key_that_others_may_read(bench, serve):
    key = bench.key()
    bench.tree(serve([]).address, key)
    path = bench.broker_dir / f"{key}.key"
    path.chmod(0o644)
    found = bench.check()
    assert found["key-file"]["level"] == "error" and "0644" in found["key-file"]["text"]
    assert f"chmod 0600 {path}" in found["key-file"]["next"]
    assert "certificate" not in found
    assert stat.S_IMODE(path.stat().st_mode) == 0o644, "a check mends nothing"


def test_a_key_that_is_gone(bench, serve):
    key = bench.key()
    bench.tree(serve([]).address, key)
    (bench.broker_dir / f"{key}.key").unlink()
    found = bench.check()
    assert found["key-file"]["level"] == "error" and found["key-file"]["provider"] == P
    assert "dmclientctl provision" in found["key-file"]["next"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_looks_as_the_user_whom_the_directory_belongs_to(bench, serve):
    """A key of root's is one that the broker cannot read."""
    key = bench.key()
    bench.tree(serve([]).address, key)
    uid = 65534
    bench.env.dir.chmod(0o755)
    bench.env.state_dir.chmod(0o755)
    bench.env.socket.chmod(0o777)
    for path in (bench.broker_dir, bench.broker_dir / f"{key}.pem"):
        os.chown(path, uid, uid)
    found = bench.check()
    assert found["key-directory"]["level"] == "ok"
    assert "belongs to uid 0" in found["key-file"]["text"]
    assert f"chown {uid}" in found["key-file"]["next"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")
def test_others_are_told_to_be_root(bench):
    bench.key()
    bench.env.dir.chmod(0o755)
    bench.env.state_dir.chmod(0o755)
    done = bench.env.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                         harness.BROKER, "--check", expect=4)
    assert "as root" in done.stderr and done.stdout == ""


def test_the_certificate_has_expired(bench, serve):
    bench.tree(serve([]).address, bench.key("client-expired"))
    found = bench.check()
    assert found["certificate"]["level"] == "error"
    assert "expired: 2021-01-01" in found["certificate"]["text"]


def test_the_enrolment_has_no_certificate(bench, serve):
    bench.key()
    bench.tree(serve([]).address)
    found = bench.check()
    assert found["certificate"]["level"] == "error"
    assert "no client certificate" in found["certificate"]["text"]


# -- the server ------------------------------------------------------------------------------------


def test_no_address(bench):
    bench.tree("", bench.key())
    assert wrong(bench.check()) == {"addresses": "error"}


def test_an_address_that_may_not_be_spoken_to(bench):
    bench.tree("http://mdm.example.test/x", bench.key())
    assert wrong(bench.check()) == {"address": "error"}


def test_a_name_that_does_not_resolve(bench):
    bench.tree("https://mdm.invalid/x", bench.key())
    found = bench.check()
    assert wrong(found) == {"resolve": "error"}
    assert "mdm.invalid" in found["resolve"]["text"] and "getent hosts" in found["resolve"]["next"]


def test_a_server_that_is_not_there(bench):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        bench.tree(f"https://127.0.0.1:{port}/x", bench.key())
        found = bench.check()
    assert wrong(found) == {"connect": "error"}
    assert f"127.0.0.1:{port}" in found["connect"]["text"]


@pytest.mark.parametrize("certificate", ["server-expired", "server-wrong-host", "server-untrusted",
                                         "server-self", "server-future"])
def test_a_server_that_is_not_trusted(bench, serve, certificate):
    server = serve([], certificate=certificate)
    bench.tree(server.address, bench.key())
    found = bench.check()
    assert wrong(found) == {"tls": "error"}
    assert "localhost" in found["tls"]["text"] and "ca-file" in found["tls"]["next"]


def test_a_server_without_a_pinned_key(bench, serve):
    bench.configure(f"pins=sha256/{'A' * 43}=;sha256/{'A' * 42}E=")
    bench.tree(serve([]).address, bench.key())
    assert wrong(bench.check()) == {"tls": "error"}


def test_revocation_as_configured(bench, serve):
    bench.configure("revocation=require")
    bench.tree(serve([]).address, bench.key())
    assert wrong(bench.check()) == {"tls": "error"}


def test_a_revoked_server(bench, serve, certs_dir):
    bench.configure(f"tls-crl-file={certs_dir}/ca.crl")
    bench.tree(serve([], certificate="server-revoked").address, bench.key())
    assert wrong(bench.check()) == {"tls": "error"}


@pytest.mark.parametrize("ahead_s, level, word", [(-3000, "warning", "ahead of"),
                                                  (3000, "warning", "behind"),
                                                  (2 * 86400, "error", "behind")])
def test_a_server_with_another_time(bench, serve, ahead_s, level, word):
    server = serve([])
    server.ahead_s = ahead_s
    bench.tree(server.address, bench.key())
    found = bench.check()
    assert wrong(found) == {"clock": level}
    assert word in found["clock"]["text"] and "timedatectl" in found["clock"]["next"]


@pytest.mark.parametrize("status", [403, 404, 503])
def test_a_server_that_does_not_want_this_device(bench, serve, status):
    server = serve([])
    server.look_status = status
    bench.tree(server.address, bench.key())
    found = bench.check()
    assert wrong(found) == {"answer": "warning"}
    assert str(status) in found["answer"]["text"]


def test_a_server_that_says_nothing(bench):
    """Bounded by the configuration, and the whole of it by a limit."""
    bench.configure("request-timeout=1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        bench.tree(f"https://127.0.0.1:{silent.getsockname()[1]}/x", bench.key())
        found = bench.check()
    assert wrong(found) == {"connect": "error"}
    assert "timed out" in found["connect"]["text"]


def test_progress_is_told_on_a_terminal(bench, serve):
    server = serve([])
    bench.tree(server.address, bench.key())
    terminal, other = pty.openpty()
    done = subprocess.run([harness.BROKER, "--check", "--no-bus"], env=bench.env.environ(),
                          stdout=subprocess.PIPE, stderr=other, check=False)
    os.close(other)
    told = os.read(terminal, 4096).decode()
    os.close(terminal)
    assert f"asking localhost:{server.port}…" in told
    assert "asking" not in done.stdout.decode()


# -- the schedule ----------------------------------------------------------------------------------


def test_nothing_is_due(bench, serve):
    bench.tree(serve([]).address, bench.key(), due_s=None)
    assert wrong(bench.check()) == {"schedule": "warning"}


def test_a_session_is_overdue(bench, serve):
    bench.tree(serve([]).address, bench.key(), due_s=-7200)
    found = bench.check()
    assert wrong(found) == {"schedule": "warning"}
    assert "first schedule" in found["schedule"]["text"]


# -- the command line ------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [["--json"], ["--check", "--once", "P"]])
def test_wrong_use(bench, arguments):
    bench.env.run(harness.BROKER, *arguments, expect=64)


def test_with_the_real_tree(device, serve):
    """Inspect as the plug-in answers it."""
    server = serve([])
    device.enrol(server)
    done = device.env.run(harness.BROKER, "--check", "--json", expect=1)
    found = {one["id"]: one for one in json.loads(done.stdout)["findings"]}
    assert wrong(found) == {}
    assert found["schedule"]["text"].startswith("the next session is due at ")
    assert server.looks == 1


def test_each_finding_is_documented():
    """docs/doctor.md has the ids, of both programs, and no others."""
    ids = set()
    for name in ("broker/self-check.c", "broker/key-check.c", "broker/probe.c", "cli/doctor.c"):
        text = (harness.ROOT / name).read_text(encoding="utf-8")
        ids |= set(re.findall(r'DM_LEVEL_\w+[^,;]*,\s*"([a-z-]+)"', text))
        ids |= set(re.findall(r'^    {DM_ERROR_\w+, "([a-z-]+)"', text, re.M))
        ids |= set(re.findall(r'"(?:ok|warning|error)",\s*"([a-z-]+)"', text))
    ids.add("answer")  # what none of the table's rows names
    table = (harness.ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    assert ids == set(re.findall(r"^\| `([a-z-]+)` \|", table, re.M))
