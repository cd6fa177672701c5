# SPDX-License-Identifier: MIT
"""The examples of docs/dbus.md do what they say, in each language, against the running service."""

import os
import select
import subprocess
import tarfile
import time

import harness
import pytest
from bus_clients import path_of

EXAMPLES = harness.ROOT / "docs" / "examples"
LANGUAGES = {"c": [], "py": ["/usr/bin/python3"], "sh": ["sh"]}
ADDRESS = "https://mdm.example.test/dm"
PHONE = "+49 30 1234"


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


def words_of(name, language):
    """The beginning of an example's command line."""
    if language == "c":
        return [harness.BUILD / "tests" / "bus" / f"example-{name}"]
    return [*LANGUAGES[language], EXAMPLES / f"{name}.{language}"]


class Example:
    """An example that runs beside the test, both its outputs in one."""

    def __init__(self, env, name, language, *arguments):
        self.name = f"{name}.{language}"
        self.output = ""
        self.popen = subprocess.Popen(
            [*words_of(name, language), *arguments], env=env.environ(TZ="UTC"),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def read_until(self, condition):
        """Reads until condition(output) is true; its end or the deadline fail it."""
        deadline = time.monotonic() + harness.START_TIMEOUT
        while not condition(self.output):
            left = deadline - time.monotonic()
            ready = select.select([self.popen.stdout], [], [], max(left, 0))[0]
            data = os.read(self.popen.stdout.fileno(), 65536) if ready else b""
            assert data, f"{self.name} wrote {self.output}"
            self.output += data.decode()

    def wait(self, expect=0):
        """Its whole output, once it has ended."""
        self.output += self.popen.communicate(timeout=harness.RUN_TIMEOUT)[0].decode()
        harness.check_sanitizers(self.name, self.output)
        assert self.popen.returncode == expect, self.output
        return self.output

    def stop(self):
        self.popen.terminate()
        self.popen.communicate(timeout=harness.RUN_TIMEOUT)


@pytest.fixture
def enrolled(tree):
    tree.add_provider("MS DM Server")
    tree.add_provider()
    tree.set_leaf("ManagementServiceAddress", ADDRESS)
    tree.set_leaf("HelpPhoneNumber", PHONE)
    tree.set_leaf("HelpEmailAddress", "help@example.test")
    return tree


def test_contacts(env, enrolled, language):
    lines = Example(env, "contacts", language).wait().splitlines()
    assert lines[0] == path_of("MS DM Server") and lines[1] == path_of("X")
    assert [line.strip().removeprefix("s ").strip('"') for line in lines[2:]] == [
        PHONE, "help@example.test"]


@pytest.mark.parametrize("language", ["c", "py"])
def test_contacts_without_a_service(env, bus, language):
    assert "the service is not running" in Example(env, "contacts", language).wait(expect=1)


def test_watch(env, enrolled, language):
    """What everyone may see comes with its value, the rest by name."""
    example = Example(env, "watch", language)
    start = "Monitoring" if language == "sh" else path_of("X", "FirstSyncStatus")
    example.read_until(lambda output: start in output)
    enrolled.set_leaf("HelpPhoneNumber", "112")
    enrolled.set_leaf("UPN", "anna@example.test")
    enrolled.add_provider("Y")
    example.read_until(lambda output: path_of("Y", "Poll") in output)
    example.stop()
    assert "HelpPhoneNumber" in example.output and "112" in example.output
    assert "UPN" in example.output and "anna@example.test" not in example.output


def test_sync(env, enrolled, broker, language):
    example = Example(env, "sync", language, path_of("X"))
    session = broker.wait_for_signal("SyncRequested")[1]
    broker.begin()
    broker.report(ended=True, state="idle")
    assert session in example.wait()


def test_sync_that_fails(env, enrolled, broker, language):
    """The message for people, without the error's name in front of it."""
    example = Example(env, "sync", language, path_of("X"))
    broker.wait_for_signal("SyncRequested")
    broker.begin()
    broker.report(ended=False, state="idle", error="tls", message="mdm.example.test: expired")
    output = example.wait(expect=1)
    assert "mdm.example.test: expired" in output and "GDBus.Error" not in output


def test_history(env, enrolled, broker, language):
    broker.begin(origin="schedule")
    broker.report(ended=True, state="idle", address=ADDRESS)
    broker.begin(origin="user")
    broker.report(ended=False, state="idle", address=ADDRESS, error="tls", message="expired")
    output = Example(env, "history", language, path_of("X")).wait()
    assert output.index("user") < output.index("schedule")
    for word in ("tls", "expired", "ok"):
        assert word in output
    if language != "sh":
        year = time.strftime("%Y", time.gmtime())
        assert [line.split("-")[0] for line in output.splitlines()] == [year, year]


@pytest.mark.parametrize("language", ["c", "py"])
def test_logs(env, enrolled, language):
    file = env.dir / "logs.tar"
    assert Example(env, "logs", language, file).wait() == ""
    assert file.stat().st_mode & 0o077 == 0
    with tarfile.open(file) as archive:
        assert "Provider: X" in archive.extractfile("status.txt").read().decode()


def test_first_sync(env, enrolled, broker, language):
    """Shown as it goes; the first two wait for its end."""
    expected = "./Vendor/MSFT/Policy/A"
    enrolled.set_leaf("FirstSyncStatus/ExpectedPolicies", f"{expected}\uf000./Vendor/MSFT/Policy/B")
    broker.begin()
    example = Example(env, "first-sync", language, path_of("X"))
    example.read_until(lambda output: "running" in output)
    if language == "sh":
        assert '"Policies" 2 0 0' in example.wait()
        return
    example.read_until(lambda output: "Policies: 0 of 2, 0 failed" in output)
    enrolled.set_leaf("FirstSyncStatus/WasDeviceSuccessfullyProvisioned", "1")
    assert example.wait().splitlines()[-2] == "succeeded"


def test_first_sync_that_is_not_there(env, agent, language):
    output = Example(env, "first-sync", language, path_of("X")).wait(expect=0 if language == "c" else 1)
    assert language == "sh" or "there is no first sync" in output


@pytest.mark.parametrize("name", ["first-sync", "history", "logs", "sync"])
def test_usage_of_the_programs(env, name):
    assert "usage: " + name in Example(env, name, "c").wait(expect=1)


def test_all_of_them_are_run():
    """Each file belongs to a test above, to one of test_docs_desktop.py or of test_docs_hosts.py, and
    a document has it."""
    documents = "".join((harness.ROOT / "docs" / name).read_text(encoding="utf-8")
                        for name in ("dbus.md", "desktop.md", "hosts.md"))
    files = sorted(path.name for path in EXAMPLES.iterdir())
    topics = {"contacts", "watch", "sync", "history", "logs", "first-sync"}
    desktop = {f"{topic}.{language}" for topic in ("panel", "page", "disconnect")
               for language in ("c", "py")}
    assert set(files) == {f"{topic}.{language}" for topic in topics for language in LANGUAGES} - {
        "logs.sh"} | desktop | {"host.c", "other-tree.py"}  # busctl can keep no descriptor
    for path in EXAMPLES.iterdir():
        assert path.read_text(encoding="utf-8") in documents, path
