# SPDX-License-Identifier: MIT
"""The broker that stays, as the tree at the other end of the socket sees it: what is asked of it,
what it calls (dbus/tree-call.h, protocol.md section 8)."""

import json
import socket
import threading
import time

import pytest

import harness
from fake_tree import FakeTree
from syncml import find_all, name_of, text_of

GET = {"verb": "Get", "loc_uri": "./DevInfo/Man"}
USER_NODE = "./User/Vendor/MSFT/DMClient/Provider/P/FirstSyncStatus"


@pytest.fixture
def key(device_config, certs_dir):
    """The thumbprint of a certificate that the broker has."""
    return device_config.run(
        harness.BROKER, "--import-certificate", f"{certs_dir}/client.pem", "--key",
        f"{certs_dir}/client.key", expect=0).stdout.strip()


@pytest.fixture
def device_config(env, certs_dir):
    """An environment whose broker trusts the tests' CA; there is no bus and no agent."""
    env.configure(f"[broker]\nca-file={certs_dir}/ca.pem\n")
    return env


@pytest.fixture
def tree_of(env, key):
    """tree_of({provider: server}): a FakeTree with these providers, and a broker that attends."""
    trees = []

    def make(servers, dues=(), **options):
        tree = FakeTree(env.socket, {name: [server.address] for name, server in servers.items()},
                        dues)
        trees.append(tree)
        tree.account["Certificate"] = key
        for name, value in options.items():
            setattr(tree, name, value)
        env.start_broker("--no-bus")
        tree.wait(lambda: tree.called("GetDue"))
        return tree

    yield make
    if env.broker is not None and env.broker.pidfd >= 0:
        env.broker.stop()
    for tree in trees:
        tree.close()


def ends(tree, provider=None):
    """The last report of each session that has ended."""
    return [report for name, report in tree.called("ReportSession")
            if "ended" in report and provider in (None, name)]


def begun(tree):
    return [provider for provider, _ in tree.called("BeginSession")]


# -- one session at a time -------------------------------------------------------------------------


def test_protocol_8_requests_for_a_session_that_runs_are_merged_with_it(serve, tree_of):
    hold = threading.Event()
    server = serve([{"commands": [GET], "event": hold}])
    tree = tree_of({"P": server}, tokens=["P-one"])
    tree.ask("P", "P-one")
    server.wait(lambda: server.exchanges)
    tree.ask("P", "P-one", "push")
    tree.ask("P")
    tree.settle()
    hold.set()
    tree.wait(lambda: ends(tree))
    # Another provider's session shows that nothing of the first waits.
    tree.ask("P", "P-two")
    tree.wait(lambda: len(ends(tree)) == 2)
    assert tree.called("BeginSession") == [("P", "user"), ("P", "user")]


def test_protocol_8_a_session_with_another_id_is_another_one(serve, tree_of):
    """Nobody who waits for it waits in vain: it runs after the one that runs now, once."""
    hold = threading.Event()
    server = serve([{"commands": [GET], "event": hold}])
    tree = tree_of({"P": server}, tokens=["P-one", "P-two"])
    tree.ask("P", "P-one")
    server.wait(lambda: server.exchanges)
    tree.ask("P", "P-two", "push")
    tree.ask("P", "P-two", "push")
    tree.settle()
    assert begun(tree) == ["P"]
    hold.set()
    tree.wait(lambda: len(ends(tree)) == 2)
    assert tree.called("BeginSession") == [("P", "user"), ("P", "push")]


def test_protocol_8_providers_run_side_by_side_up_to_a_number(serve, tree_of):
    hold = threading.Event()
    servers = {f"P{number}": serve([{"event": hold}]) for number in range(6)}
    tree = tree_of(servers)
    for name in servers:
        tree.ask(name)
    for number in range(4):
        server = servers[f"P{number}"]
        server.wait(lambda server=server: server.exchanges)
    tree.settle()
    assert len(begun(tree)) == 4
    hold.set()
    tree.wait(lambda: len(ends(tree)) == 6)
    assert sorted(begun(tree)) == sorted(servers)


def test_a_session_that_the_tree_refuses_to_begin_is_over(serve, tree_of):
    server = serve([])
    tree = tree_of({"P": server}, refuse={"BeginSession":
                                          "org.dmclient.DMClient1.Error.NotFound"})
    tree.ask("P", "P-one")
    tree.wait(lambda: len(begun(tree)) == 1)
    tree.refuse.clear()
    tree.ask("P", "P-two")
    tree.wait(lambda: ends(tree))
    assert len(begun(tree)) == 2


# -- the schedule ----------------------------------------------------------------------------------


def now_us():
    return int(time.time() * 1e6)


def test_P7_overdue_sessions_run_one_after_another(serve, tree_of):
    servers = {name: serve([]) for name in "ABC"}
    tree = tree_of(servers, dues=[(name, now_us() - 1000000 * number, "first")
                                  for number, name in enumerate("ABC", 1)])
    tree.wait(lambda: len(ends(tree)) == 3)
    assert tree.called("BeginSession") == [(name, "schedule") for name in "CBA"]
    order = [member for member, values in tree.calls
             if member == "BeginSession" or (member == "ReportSession" and "ended" in values[1])]
    assert order == ["BeginSession", "ReportSession"] * 3


def test_P7_what_is_due_still_is_not_run_in_a_burst(serve, tree_of):
    """The due time stays as it was: whatever the reason, there is one session."""
    server, other = serve([]), serve([])
    tree = tree_of({"P": server, "Q": other}, dues=[("P", now_us() - 1000000, "first")])
    tree.wait(lambda: ends(tree, "P"))
    tree.ask("Q")
    tree.wait(lambda: ends(tree, "Q"))
    assert begun(tree) == ["P", "Q"]


def test_a_session_runs_when_it_becomes_due(serve, tree_of):
    server = serve([])
    tree = tree_of({"P": server})
    due = now_us() + 700000
    tree.say("Due", "sxs", "P", due, "first")
    tree.wait(lambda: ends(tree))
    assert tree.called("BeginSession") == [("P", "schedule")]
    assert server.exchanges[0].time * 1e6 >= due
    assert server.exchanges[0].headers["UserAgentOrigin"] == "2"


# -- users -----------------------------------------------------------------------------------------


def first_message(server):
    """LoginStatus and the mode of the request's line."""
    exchange = server.exchanges[0]
    alert = next(one for one in exchange.elements if text_of(one, "Data") == "1224")
    return text_of(alert, "Item/Data"), exchange.target.split("mode=")[1].split("&")[0]


def test_A1_a_users_session_has_the_users_context(serve, tree_of):
    server = serve([{"commands": [{"verb": "Get", "loc_uri": USER_NODE}]}])
    tree = tree_of({"P": server})
    tree.ask("P", uid=1234)
    tree.wait(lambda: ends(tree))
    assert [(provider, uid) for _, _, provider, uid, _ in tree.called("Apply")] == [("P", 1234)]
    assert first_message(server) == ("user", "Maintenance")


def test_A1_a_session_of_the_device_has_no_user(serve, tree_of):
    server = serve([{"commands": [{"verb": "Get", "loc_uri": USER_NODE}]}])
    tree = tree_of({"P": server})
    tree.ask("P")
    tree.wait(lambda: ends(tree))
    assert [uid for _, _, _, uid, _ in tree.called("Apply")] == [-1]
    assert first_message(server)[0] in ("none", "others")


# -- the end of an enrolment -----------------------------------------------------------------------


def unenrolment_alert(exchange):
    """(Code, Type, Format, Data) of the third alert."""
    alert = [one for one in exchange.elements if name_of(one) == "Alert"][2]
    item, = find_all(alert, "Item")
    return (text_of(alert, "Data"), text_of(item, "Meta/Type"), text_of(item, "Meta/Format"),
            text_of(item, "Data"))


def test_E2_the_last_session_tells_the_server_then_comes_the_clean_up(serve, tree_of):
    server = serve([])
    tree = tree_of({"P": server})
    tree.ask("P", origin="unenroll")
    tree.wait(lambda: tree.called("FinishUnenroll"))
    assert server.exchanges[0].alerts == ["1201", "1224", "1226"]
    assert unenrolment_alert(server.exchanges[0]) == (
        "1226", "com.microsoft:mdm.unenrollment.userrequest", "int", "1")
    assert tree.called("BeginSession") == [("P", "unenroll")]
    assert tree.called("FinishUnenroll") == [("P",)]
    assert [name for name, _ in tree.calls].index("FinishUnenroll") > max(
        index for index, (name, _) in enumerate(tree.calls) if name == "ReportSession")


@pytest.mark.parametrize("step", [{"http": {"status": 500}}, {"http": {"status": 404}},
                                  {"fault": {"kind": "close"}}],
                         ids=["500", "404", "close"])
def test_E2_the_clean_up_comes_also_when_the_server_does_not_listen(serve, tree_of, step):
    server = serve([step])
    tree = tree_of({"P": server})
    tree.ask("P", origin="unenroll")
    tree.wait(lambda: tree.called("FinishUnenroll"))
    assert len(tree.called("BeginSession")) == 1, "once"


def test_E2_and_when_the_session_cannot_begin(serve, tree_of):
    tree = tree_of({"P": serve([])},
                   refuse={"BeginSession": "org.dmclient.DMClient1.Error.BadRequest"})
    tree.ask("P", origin="unenroll")
    tree.wait(lambda: tree.called("FinishUnenroll"))


def test_E2_it_comes_after_the_session_that_runs(serve, tree_of):
    hold = threading.Event()
    server = serve([{"commands": [GET], "event": hold}])
    tree = tree_of({"P": server})
    tree.ask("P")
    server.wait(lambda: server.exchanges)
    tree.ask("P", "P-wanted", "push")
    tree.ask("P", origin="unenroll")
    tree.settle()
    hold.set()
    tree.wait(lambda: tree.called("FinishUnenroll"))
    # What waited has no session any more.
    assert tree.called("BeginSession") == [("P", "user"), ("P", "unenroll")]


# -- reports ---------------------------------------------------------------------------------------


def test_protocol_8_the_report_has_what_went_over_the_wire(serve, tree_of):
    server = serve([{"commands": [
        GET, {"verb": "Get", "loc_uri": "./Nowhere"}, {"verb": "Get", "loc_uri": "./Nowhere"},
        {"verb": "Replace", "loc_uri": "./Vendor/MSFT/DMClient/Provider/P/HelpPhoneNumber",
         "data": "1"}]}])
    tree = tree_of({"P": server})
    tree.ask("P")
    tree.wait(lambda: ends(tree))
    report, = ends(tree)
    assert report["ended"] is True
    assert report["messages-sent"] == report["messages-received"] == 2
    assert report["bytes-sent"] == sum(len(one.body) for one in server.exchanges)
    assert report["bytes-received"] == sum(len(one.answer) for one in server.exchanges)
    counts = {(verb, code): n for verb, code, n in report["commands"]}
    assert counts.pop(("Get", 404)) >= 2
    assert counts.pop(("Replace", 200)) == 1
    assert set(counts) <= {("Get", 200)}, "where the system tells its manufacturer"


# -- logs ------------------------------------------------------------------------------------------


def collect(tree, request="r1"):
    tree.say("LogsRequested", "s", request)
    tree.wait(lambda: any(name == request for name, _ in tree.called("HandLogs")))
    files, = [files for name, files in tree.called("HandLogs") if name == request]
    return {name: bytes(data).decode() for name, data in files}


def test_the_journal_tells_what_a_session_did_and_no_secret(serve, tree_of, certs_dir):
    """G10: canaries in Data, credentials, identifiers, in the query of the address."""
    uri = "./Vendor/MSFT/DMClient/Provider/P/HelpPhoneNumber"
    server = serve([{"commands": [
        {"verb": "Replace", "loc_uri": uri, "data": "canary-data"},
        {"verb": "Delete", "loc_uri": "./a\u009b31m"},
        {"verb": "Get", "loc_uri": "./0123456789abcdef0123456789abcdef"}]}])
    tree = tree_of({"P": server}, tokens=["P-canarytoken"])
    tree.providers["P"] = [server.address + "?hwid=canary-query"]
    tree.account.update({"DevId": "canary-device", "APPSRV/AAUTHSECRET": "canary-secret"})
    tree.ask("P", "P-canarytoken")
    tree.wait(lambda: ends(tree))
    files = collect(tree)
    journal = files["session-journal.txt"]
    assert f"Replace {uri}: 200" in journal
    assert "origin user" in journal and "message 2 sent" in journal
    assert f"localhost:{server.port}" in journal
    assert "session ended: ok" in journal
    with open(f"{certs_dir}/client.key", encoding="ascii") as file:
        secrets = [file.read().splitlines()[1], "canary", "\u009b", "abcdef0123456789",
                   tree.account["Certificate"]]
    for secret in secrets:
        assert secret not in "".join(files.values())


def test_the_check_of_an_archive_is_that_of_the_broker(env, serve, tree_of, key):
    """The same findings as dmclient-broker --check has, and nothing secret in them."""
    server = serve([])
    tree = tree_of({"P": server, "Q\"\n": server}, thumbprints=[key])
    check = json.loads(collect(tree)["check.json"])
    assert check["schema"] == 1 and check["level"] == "ok"
    levels = {(one["id"], one["provider"]): one["level"] for one in check["findings"]}
    for name in ("config", "key-directory", "daemon", "bus", "socket", "store"):
        assert levels[name, None] == "ok"
    for name in ("certificate", "addresses", "server", "clock"):
        assert levels[name, "P"] == levels[name, "Q\"\n"] == "ok"
    assert server.looks == 2 and not server.exchanges
    env.configure("[broker]\nmax-messages=none\n")
    (env.state_dir / "broker" / f"{key}.key").chmod(0o640)
    tree.say("ReloadRequested")
    text = collect(tree, "r2")["check.json"]
    wrong = {one["id"]: one["text"] for one in json.loads(text)["findings"]
             if one["level"] == "error"}
    assert "max-messages" in wrong["config"]
    assert "mode is 0640" in wrong["key-file"] and "[id].key" in wrong["key-file"]
    assert key not in text


def test_a_server_that_says_nothing_does_not_hold_up_an_archive(tree_of, serve, key):
    """Whoever collects logs waits 5 s for the broker's part."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tree = tree_of({"P": serve([])}, thumbprints=[key])
        tree.providers["P"] = [f"https://127.0.0.1:{silent.getsockname()[1]}/x"]
        began = time.monotonic()
        found = json.loads(collect(tree)["check.json"])["findings"]
        assert time.monotonic() - began < 5
    connect, = [one for one in found if one["id"] == "connect"]
    assert connect["level"] == "warning" and "did not answer within" in connect["text"]


# -- the configuration -----------------------------------------------------------------------------


def test_the_configuration_is_read_again_and_a_wrong_one_is_not_taken(env, serve, tree_of,
                                                                     certs_dir):
    server = serve([])
    tree = tree_of({"P": server})
    good = f"[broker]\nca-file={certs_dir}/ca.pem\nuser-agent=MSFT OMA DM Client/1.2.0.1 new/1\n"
    env.configure(good)
    tree.say("ReloadRequested")
    tree.ask("P")
    tree.wait(lambda: len(ends(tree)) == 1)
    env.configure("[broker]\nmax-messages=none\n")
    tree.say("ReloadRequested")
    tree.ask("P")
    tree.wait(lambda: len(ends(tree)) == 2)
    assert [one.headers["User-Agent"].split()[-1] for one in server.exchanges] == ["new/1"] * 2
    assert "max-messages" in env.broker.output()
