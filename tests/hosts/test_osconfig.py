# SPDX-License-Identifier: MIT
"""The module for OSConfig in a host that behaves like it: what is reported, what is desired, what the
desktop and the broker see of it meanwhile."""

import errno
import resource
import signal

import pytest

import harness
from device import Device, PROVIDER
from osconfig import ROOT_URI, Host
from mdm_server import MdmServer
from treeclient import TreeClient, command
import certs

A = f"{ROOT_URI}/Provider/A"
ADDRESS = "https://mdm.example.test/"


def snapshot(env):
    """The files of the store, byte by byte, and when each was written."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns)
            for path in sorted(env.state_dir.iterdir()) if path.is_file()}


class Signals:
    """The service's signals on the bus that come while it is used."""

    def __init__(self, env):
        self.connection = env.connect()
        self.seen = []
        self.connection.signal_subscribe(
            harness.BUS_NAME, None, None, None, None, harness.Gio.DBusSignalFlags.NONE,
            lambda *arguments: self.seen.append(arguments[3:6]))
        self.fence()

    def fence(self):
        """What the service has sent until now has come."""
        answers = []
        self.connection.call(harness.BUS_NAME, harness.BUS_ROOT, "org.freedesktop.DBus.Peer", "Ping",
                             None, None, harness.Gio.DBusCallFlags.NONE, 30000, None,
                             lambda *_: answers.append(True))
        harness.wait_until(lambda: answers, "the answer to Ping")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close_sync(None)


@pytest.fixture(scope="module")
def shared():
    """An environment for tests that leave no provider behind."""
    with harness.Environment() as env:
        env.start_bus()
        env.start_agent()
        yield env


@pytest.fixture(scope="module")
def host(shared):
    with Host(shared) as made:
        yield made


@pytest.fixture
def session(shared, host):
    opened = host.open()
    yield opened
    tree = TreeClient(shared.socket)
    for provider in opened.get("providers"):
        assert tree.status(command("Delete", f"{ROOT_URI}/Provider/{provider['providerId']}")) == [200]
    tree.close()
    opened.close()


@pytest.fixture
def tree(shared):
    client = TreeClient(shared.socket)
    yield client
    client.close()


FULL = {
    "providerId": "A", "managementServiceAddress": ADDRESS, "helpPhoneNumber": "+49 30 1234",
    "requireMessageSigning": True, "numberOfDaysAfterLostContactToUnenroll": 30,
    "poll": {"intervalForFirstSetOfRetries": 5, "numberOfFirstRetries": 3, "pollOnLogin": True},
    "push": {"pfn": "family_1"},
    "customEnrollmentCompletePage": {"title": "Fertig \U0001F600", "bodyText": "a\nb \"c\" \\ d"},
    "firstSyncStatus": {"expectedPolicies": "./a\uf000./b", "timeOutUntilSyncFailure": 90,
                        "customErrorText": "Ask"},
    "enhancedAppLayerSecurity": {"useCertIfRevocationCheckOffline": False},
}


# -- reported --------------------------------------------------------------------------------------


def test_every_set_leaf_is_reported_with_its_type(session, tree):
    assert session.providers(FULL) == 0
    reported = session.provider()
    for name, value in FULL.items():
        if not isinstance(value, dict):
            assert reported[name] == value and type(reported[name]) is type(value)
            continue
        for inner, inner_value in value.items():
            assert reported[name][inner] == inner_value
            assert type(reported[name][inner]) is type(inner_value)
    assert "upn" not in reported and "numberOfSecondRetries" not in reported["poll"]
    assert tree.get(A + "/CustomEnrollmentCompletePage/BodyText") == "a\nb \"c\" \\ d"
    assert tree.get(A + "/Poll/PollOnLogin") == "true"
    assert tree.get(A + "/FirstSyncStatus/TimeOutUntilSyncFailure") == "90"


def test_hw_dev_id_is_reported(session, tree):
    assert session.get("hwDevId") == tree.get(ROOT_URI + "/HWDevID")


def test_names_of_providers_are_data(session):
    name = "Ä/ %2F\"b\\"
    assert session.command("name", "add", f"{ROOT_URI}/Provider/%C3%84%2F%20%252F\"b%5C") == 0
    assert session.provider(name) is not None
    assert session.providers({"providerId": name, "upn": "x"}) == 0
    assert [one["providerId"] for one in session.get("providers")] == [name]
    assert session.provider(name)["upn"] == "x"
    assert session.command("no name", "delete", f"{ROOT_URI}/Provider/%C3%84%2F%20%252F\"b%5C") == 0


# -- desired ---------------------------------------------------------------------------------------


POLL_OF_TWO_INFINITE_SETS = {
    "intervalForFirstSetOfRetries": 15, "numberOfFirstRetries": 0,
    "intervalForSecondSetOfRetries": 30, "numberOfSecondRetries": 0,
    "intervalForRemainingScheduledRetries": 60, "numberOfRemainingScheduledRetries": 5}


@pytest.mark.parametrize("desired", [
    FULL,
    {"providerId": "A"},
    {"providerId": "A", "poll": {}, "push": {}, "firstSyncStatus": {}, "enhancedAppLayerSecurity": {}},
    # The tree keeps other values than these (P2, L1).
    {"providerId": "A", "poll": POLL_OF_TWO_INFINITE_SETS},
    {"providerId": "A", "managementServiceAddress": f" <{ADDRESS}> <{ADDRESS}>"},
    # What may not be written twice (F2, F3, F4).
    {"providerId": "A", "firstSyncStatus": {
        "expectedPolicies": "./a", "serverHasFinishedProvisioning": True, "isSyncDone": True,
        "wasDeviceSuccessfullyProvisioned": 1}},
], ids=["full", "bare", "empty-objects", "corrected-poll", "normalised-address", "latches"])
def test_the_same_desired_payload_again_changes_and_writes_nothing(shared, session, desired):
    assert session.providers(desired) == 0
    reported = session.get("providers")
    before = snapshot(shared)
    with Signals(shared) as signals:
        for _ in range(3):
            assert session.providers(desired) == 0
        other = session.host.open()
        assert other.providers(desired) == 0
        other.close()
        signals.fence()
        assert signals.seen == []
    assert snapshot(shared) == before
    assert session.get("providers") == reported


def test_what_is_reported_can_be_desired(shared, session):
    assert session.providers(FULL) == 0
    before = snapshot(shared)
    assert session.set("providers", session.get("providers")) == 0
    assert snapshot(shared) == before


def test_one_payload_is_one_commit(shared, session):
    assert session.providers({"providerId": "A"}) == 0
    with Signals(shared) as signals:
        assert session.providers({"providerId": "A", "helpPhoneNumber": "1", "helpWebsite": "w",
                                  "helpEmailAddress": "a@b.c"}) == 0
        signals.fence()
        changed = [arguments for arguments in signals.seen if arguments[1] == "PropertiesChanged"]
    assert len(changed) == 1
    assert {"HelpPhoneNumber", "HelpWebsite", "HelpEmailAddress"} <= set(changed[0][2].unpack()[1])


def test_an_absent_key_leaves_the_value(session):
    assert session.providers(FULL) == 0
    assert session.providers({"providerId": "A", "upn": "anna@example.test", "poll": {}}) == 0
    reported = session.provider()
    assert reported["helpPhoneNumber"] == FULL["helpPhoneNumber"]
    assert reported["poll"] == FULL["poll"]
    assert session.providers() == 0
    assert session.provider() == reported


def test_an_existing_provider_is_found_in_another_case(session):
    assert session.providers({"providerId": "MyMDM"}) == 0
    assert session.providers({"providerId": "mymdm", "upn": "x"}) == 0
    assert [(one["providerId"], one["upn"]) for one in session.get("providers")] == [("MyMDM", "x")]


# Desired, error, what names provider and leaf, status of lastCommand.
REFUSED = [
    ({"requireMessageSigning": "true"}, errno.EINVAL, "provider A, requireMessageSigning: must be a boolean", 415),
    ({"poll": {"pollOnLogin": 1}}, errno.EINVAL, "provider A, poll.pollOnLogin: must be a boolean", 415),
    ({"poll": {"numberOfFirstRetries": "1"}}, errno.EINVAL,
     "provider A, poll.numberOfFirstRetries: must be an integer", 415),
    ({"poll": []}, errno.EINVAL, "provider A, poll: must be an object", 415),
    ({"upn": None}, errno.EINVAL, "provider A, upn: must be a string", 415),
    ({"poll": {"numberOfFirstRetries": -1}}, errno.EINVAL,
     "provider A, poll.numberOfFirstRetries: 400 bad request", 400),
    ({"helpPhoneNumber": "1" * 65}, errno.EINVAL, "provider A, helpPhoneNumber: 413", 413),
    ({"upn": "\u0001"}, errno.EINVAL, "provider A, upn: 415", 415),
    ({"maxSyncApplicationVersion": "9.0"}, errno.EPERM, "provider A, maxSyncApplicationVersion: 405", 405),
    ({"managementServiceAddress": "http://x/"}, errno.EINVAL, "provider A, managementServiceAddress: 400", 400),
    ({"enhancedAppLayerSecurity": {"securityMode": 3}}, errno.EINVAL,
     "provider A, enhancedAppLayerSecurity.securityMode: 406", 406),
    ({"nothing": 1}, errno.EINVAL, "provider A: there is no \"nothing\" in the model", 415),
    ({"poll": {"upn": "x"}}, errno.EINVAL, "provider A, poll: there is no \"upn\" in the model", 415),
    ({"unenroll": ""}, errno.EINVAL, "provider A: there is no \"unenroll\" in the model", 415),
]


@pytest.mark.parametrize("desired, error, words, status", REFUSED, ids=[row[2][12:] for row in REFUSED])
def test_a_failure_names_provider_and_leaf_and_changes_nothing(shared, session, desired, error, words,
                                                               status):
    assert session.providers({"providerId": "A", "helpWebsite": "w"}) == 0
    before = snapshot(shared), session.get("providers")
    payload = [{"providerId": "B", "upn": "b"}, {"providerId": "A", "helpWebsite": "other", **desired}]
    assert session.providers(*payload) == error
    assert (snapshot(shared), session.get("providers")) == before
    last = session.get("lastCommand")
    assert last["commandId"] == "" and last["status"] == status
    assert words in last["message"]
    assert f"DMClient: MmiSet: {words}" in session.host.output()
    # Until it is not so any more.
    assert session.providers({"providerId": "A"}) == 0
    assert session.get("lastCommand") == {"commandId": "", "status": 0, "message": ""}


@pytest.mark.parametrize("providers, words", [
    ({}, "providers must be an array"), ("x", "providers must be an array"),
    ([1], "entry 0 of providers is no object that says its providerId"),
    ([{"providerId": "A"}, {"upn": "x"}], "entry 1 of providers"),
    ([{"providerId": ""}], "entry 0 of providers"), ([{"providerId": 1}], "entry 0 of providers"),
    ([{"providerId": "A"}] * 2, "provider A is in the payload twice"),
    ([{"providerId": str(n)} for n in range(1001)], "providers has over 1000 entries"),
])
def test_providers_of_another_form_are_refused(session, providers, words):
    assert session.set("providers", providers) == errno.EINVAL
    assert words in session.get("lastCommand")["message"]
    assert session.get("providers") == []


# -- commands --------------------------------------------------------------------------------------


def test_commands_and_their_outcome(session, tree):
    assert session.providers() == 0
    assert session.get("lastCommand") == {"commandId": "", "status": 0, "message": ""}
    assert session.command("1", "add", A) == 0
    assert session.get("lastCommand") == {"commandId": "1", "status": 200, "message": "ok"}
    assert session.command("2", "add", A + "/HelpWebsite", data="https://help.example.test/", format="chr") == 0
    assert session.command("3", "replace", A + "/HelpWebsite", data="w") == 0
    assert tree.get(A + "/HelpWebsite") == "w"
    assert session.command("4", "delete", A + "/HelpWebsite") == 0
    assert tree.get(A + "/HelpWebsite") is None
    assert session.command("5", "delete", A + "/HelpWebsite") == errno.ENOENT
    assert session.get("lastCommand") == {"commandId": "5", "status": 404,
                                          "message": A + "/HelpWebsite: 404 not found"}
    assert session.command("6", "add", A) == errno.EEXIST
    assert session.command("7", "exec", A) == errno.EPERM
    assert session.command("8", "replace", A + "/Poll/PollOnLogin", data="maybe") == errno.ENOENT
    assert session.command("9", "exec", A + "/Unenroll") == 0


@pytest.mark.parametrize("desired, words", [
    ([], "command must be an object"), ({"verb": "add", "locUri": A}, "commandId must have"),
    ({"commandId": "", "verb": "add", "locUri": A}, "commandId must have"),
    ({"commandId": "x" * 129, "verb": "add", "locUri": A}, "commandId must have"),
    ({"commandId": "1", "verb": "get", "locUri": A}, "verb must be"),
    ({"commandId": "1", "verb": "Add", "locUri": A}, "verb must be"),
    ({"commandId": "1", "verb": "add"}, "command 1: locUri is missing"),
    ({"commandId": 1, "verb": "add", "locUri": A}, "commandId must be a string"),
    ({"commandId": "1", "verb": "add", "locUri": A, "data": 5}, "data must be a string"),
    ({"commandId": "1", "verb": "add", "locUri": A, "more": ""}, "members that the model does not have"),
])
def test_commands_of_another_form_are_refused(session, desired, words):
    assert session.set("command", desired) == errno.EINVAL
    assert words in session.get("lastCommand")["message"]


def test_a_command_runs_once_whoever_asks_again(env, bus, agent):
    """By the same session, another one, another host and another agent."""
    tree = TreeClient(env.socket)
    assert tree.status(command("Add", A)) == [200]
    arguments = ("once", "add", A + "/HelpPhoneNumber")
    with Host(env) as host:
        session, other = host.open(), host.open()
        assert session.command(*arguments, data="1") == 0
        assert tree.status(command("Delete", A + "/HelpPhoneNumber")) == [200]
        before = snapshot(env)
        assert session.command(*arguments, data="1") == 0
        assert other.command(*arguments, data="1") == 0
        assert other.command("refused", "add", A) == errno.EEXIST
        assert other.command(*arguments, data="1") == 0
        assert other.get("lastCommand")["commandId"] == "once"
    with Host(env) as host:
        assert host.open().command(*arguments, data="1") == 0
        assert snapshot(env) == before
        tree.close()
        env.agent.stop()
        env.start_agent()
        assert host.open().command(*arguments, data="1") == 0
        tree = TreeClient(env.socket)
        assert tree.get(A + "/HelpPhoneNumber") is None
        # Another one is another one, though it bears the same id.
        assert host.open().command(*arguments, data="2") == 0
        assert tree.get(A + "/HelpPhoneNumber") == "2"
    tree.close()


# -- limits ----------------------------------------------------------------------------------------


def test_payloads_over_the_hosts_limit_are_too_big(shared, host, session):
    assert session.providers(FULL) == 0
    before = snapshot(shared)
    _, whole = session.try_get("hwDevId")
    for limit, error in ((len(whole), 0), (len(whole) - 1, errno.E2BIG), (1, errno.E2BIG)):
        small = host.open(limit)
        assert small.try_get("hwDevId") == (error, whole if error == 0 else "")
        assert small.try_get("providers")[0] == errno.E2BIG
        assert small.set("providers", [{"providerId": "B", "upn": "x" * limit}]) == errno.E2BIG
        assert small.set("providers", b"x" * (limit + 1)) == errno.E2BIG
        small.close()
    exact = b'[{"providerId":"A"}]'
    small = host.open(len(exact))
    assert small.set("providers", exact) == 0
    assert small.set("providers", exact + b" ") == errno.E2BIG
    small.close()
    assert snapshot(shared) == before


def test_unknown_objects_and_components(session):
    assert session.try_get("nothing")[0] == errno.ENOENT
    assert session.try_get("providers", component="Other")[0] == errno.ENOENT
    assert session.try_get("command")[0] == errno.EPERM
    assert session.set("nothing", []) == errno.ENOENT
    assert session.set("providers", [], component="Other") == errno.ENOENT
    assert session.set("hwDevId", "x") == errno.EPERM
    assert session.set("lastCommand", {}) == errno.EPERM


def deep(n):
    return b"[" * n + b"]" * n


HOSTILE = [
    b"", b" ", b"\0", b"[]\0", b"[\0]", b"{", b"[", b"]", b"[}", b'"', b"[1,]", b"[,1]", b'{"a"}', b'{"a":}',
    b"nul", b"null0", b"tru", b"+1", b"01", b"-", b"1.5", b"1e9", b"1e999999", b"0x10", b"9" * 19, b"-" + b"9" * 400,
    b"'x'", b"/* */[]", b"[] []", b"[]x", b"var a = [];", b"\xef\xbb\xbf[]", b"\xff", b'["\xc3\x28"]',
    b'["\xed\xa0\x80"]', b'["\xf4\x90\x80\x80"]', b'["\xc0\x80"]', b'["\\u0000"]', b'["\\ud800"]', b'["\\ud800\\u0041"]',
    b'["\\udc00\\ud800"]', b'["\\ud800', b'["\\u12', b'["\\x41"]', b'["\n"]', b'["\x1f"]', b'["\\',
    deep(9), deep(100), deep(200000), b'{"a":' * 100000, b'[{"providerId":"A","providerId":"B"}]',
    b'[{"providerId":"A","poll":{"pollOnLogin":true,"pollOnLogin":false}}]',
    b'[{"providerId":"A","\\u0070oll":{},"poll":{}}]', b"[" + b"0," * 500000 + b"0]", b" " * (1024 * 1024 + 1),
    b'[{"providerId":"' + b"A" * 1000000 + b'"}]',
]


@pytest.mark.parametrize("name", ["providers", "command"])
def test_hostile_payloads_are_refused(shared, session, name):
    before = snapshot(shared)
    for payload in HOSTILE:
        assert session.set(name, payload, size=len(payload)) == errno.EINVAL, payload[:80]
    assert session.set(name, None) == errno.EINVAL
    assert snapshot(shared) == before
    assert session.get("providers") == []


def test_a_payload_need_not_end(session):
    """Whatever follows it in memory."""
    payload = b'[{"providerId":"A","upn":"x"}]'
    assert session.set("providers", payload + b"garbage\xff", size=len(payload)) == 0
    assert session.provider()["upn"] == "x"


# -- errors of the store ---------------------------------------------------------------------------


def test_a_disk_that_fails(env, bus):
    env.start_agent(prefix=("/bin/sh", "-c", 'trap "" XFSZ; exec "$@"', "sh"))
    with Host(env) as host:
        session = host.open()
        assert session.providers({"providerId": "A"}) == 0
        resource.prlimit(env.agent.pid, resource.RLIMIT_FSIZE, (0, 0))
        assert session.providers({"providerId": "A", "upn": "x"}) == errno.EIO
        assert "provider A, upn: 510 data store failure" in session.get("lastCommand")["message"]
        assert session.command("1", "replace", A + "/UPN", data="x") == errno.EIO
        assert "upn" not in session.provider()


# -- nobody serves, or not for ever ----------------------------------------------------------------


def test_nobody_serves_the_tree(env):
    with Host(env) as host:
        session = host.open()
        assert session.try_get("providers") == (errno.ECONNREFUSED, "")
        assert session.providers({"providerId": "A"}) == errno.ECONNREFUSED
        assert session.command("1", "add", A) == errno.ECONNREFUSED
        last = session.get("lastCommand")
        assert (last["commandId"], last["status"]) == ("1", 503)
        assert str(env.socket) in last["message"] and "start dmclient-agent" in last["message"]
        # Then somebody does, and what has not run runs.
        env.start_bus()
        env.start_agent()
        assert session.command("1", "add", A) == 0
        assert session.provider() is not None


def test_the_bus_starts_the_agent(env):
    services = env.dir / "services"
    services.mkdir()
    (services / "dmclient.service").write_text(
        f"[D-BUS Service]\nName={harness.BUS_NAME}\nExec={harness.AGENT} --plugin {harness.PLUGIN} "
        f"--state-dir {env.state_dir} --socket {env.socket} --config {env.config}\n")
    text = harness.BUS_CONFIG.replace("<type>system</type>", "<type>session</type>")
    env.start_bus(text.replace("</busconfig>", f"<servicedir>{services}</servicedir></busconfig>"))
    with Host(env) as host:
        assert host.open().providers({"providerId": "A"}) == 0
    harness.os.kill(env.get_owner_pid(), signal.SIGTERM)


@pytest.mark.parametrize("kind", ["providers", "command"])
def test_the_agent_dies_in_the_middle(env, bus, agent, kind):
    """With a call under way: it ends well all the same, and has run once."""
    with Host(env) as host:
        session = host.open()
        assert session.providers({"providerId": "A"}) == 0
        env.agent.popen.send_signal(signal.SIGSTOP)
        if kind == "command":
            session.send_set("command", {"commandId": "1", "verb": "add", "locUri": A + "/UPN", "data": "x"})
        else:
            session.send_set("providers", [{"providerId": "A", "upn": "x"}])
        env.agent.kill()
        # The socket of a dead agent is there still; the new one takes its place.
        env.start_agent()
        error, _ = host.receive()
        assert error in (0, errno.ECONNREFUSED)
        if error != 0:  # it asked while there was nobody
            session = host.open()
            assert (session.command("1", "add", A + "/UPN", data="x") if kind == "command"
                    else session.providers({"providerId": "A", "upn": "x"})) == 0
        assert session.provider()["upn"] == "x"


def test_the_agent_restarts_between_calls(env, bus, agent):
    with Host(env) as host:
        session = host.open()
        for number in range(3):
            assert session.providers({"providerId": "A", "upn": str(number)}) == 0
            env.agent.kill() if number == 1 else env.agent.stop()
            env.start_agent()
            assert session.provider()["upn"] == str(number)


# -- others at the same time -----------------------------------------------------------------------


def test_desktop_broker_and_module_see_each_other(env, tmp_path):
    """While the module is loaded the desktop reads help contacts and a session goes through, and
    what one changes the others see."""
    certs.make(str(tmp_path))
    device = Device(env, tmp_path)
    env.start_bus()
    env.start_agent()
    uri = f"./Vendor/MSFT/DMClient/Provider/{PROVIDER}"
    step = {"commands": [
        {"verb": "Get", "loc_uri": f"{uri}/HelpPhoneNumber"},
        {"verb": "Replace", "loc_uri": f"{uri}/HelpEmailAddress", "data": "help@server.test"}]}
    with Host(env) as host:
        session = host.open()
        server = MdmServer(str(tmp_path), [step])
        try:
            device.enrol(server)
            assert session.providers({"providerId": PROVIDER, "helpPhoneNumber": "112"}) == 0
            assert device.property("HelpPhoneNumber") == "112"
            device.sync()
        finally:
            server.stop()
        assert server.violations == []
        assert session.provider(PROVIDER)["helpEmailAddress"] == "help@server.test"
        assert device.property("HelpEmailAddress") == "help@server.test"
        with Signals(env) as signals:
            assert session.command("1", "replace", f"{uri}/HelpWebsite", data="https://h.test/") == 0
            signals.fence()
            assert any("HelpWebsite" in str(arguments[2]) for arguments in signals.seen)
        assert env.ctl_json("help-contacts")


def test_the_examples_of_the_docs(session):
    text = (harness.ROOT / "docs" / "hosts.md").read_text()
    (block,) = [part.split("```")[0] for part in text.split("```json\n")[1:]]
    providers, command_object = [harness.json.loads(line) for line in block.splitlines()]
    assert session.set("providers", providers) == 0
    assert session.provider("MyMDM")["helpPhoneNumber"] == "+49 30 1234"
    assert session.set("command", command_object) == errno.ENOENT
    assert session.providers({"providerId": "MyMDM", "helpWebsite": "x"}) == 0
    assert session.set("command", {**command_object, "commandId": "8"}) == 0
    assert "helpWebsite" not in session.provider("MyMDM")
