# SPDX-License-Identifier: MIT
"""Each way a session can fail has its exit code, its message and its record (issue 2, item 10)."""

import os
import re
import ssl

import pytest

import harness
from device import PROVIDER, node
from mdm_server import free_port

pytestmark = pytest.mark.long

PHONE = node("HelpPhoneNumber")
SET = {"verb": "Replace", "loc_uri": PHONE, "data": "set"}
FILLER = "<!--" + "x" * 600000 + "-->"

# As `dmclient-broker --help` prints them.
CODES = {
    "ok": 0, "failed": 1, "not-found": 3, "denied": 4, "not-served": 6, "resolve": 10,
    "connect": 11, "tls": 12, "http": 13, "malformed": 14, "too-large": 15, "timeout": 16,
    "protocol": 17, "aborted": 18, "credentials": 19, "certificate": 20, "storage": 21,
    "version": 22, "busy": 23, "security": 24, "usage": 64,
}


def fails(device, name, provider=PROVIDER):
    """A session that fails as `name` says, and leaves its record; returns the message."""
    done = device.sync(provider, expect=CODES[name])
    assert done.stderr.strip(), "no message"
    assert device.session_property("LastError", provider) == name
    assert device.session_property("LastErrorMessage", provider)
    assert device.session_property("LastAttempt", provider) > 0
    assert device.session_property("LastSuccess", provider) == 0
    assert device.session_property("State", provider) == "idle"
    return done.stderr


def test_help_prints_the_table(device):
    text = device.env.run(harness.BROKER, "--help", expect=0).stdout
    table = {name: int(code) for code, name in re.findall(r"^ +(\d+) +([a-z-]+) ", text, re.M)}
    assert table == CODES


# -- the way to the server -------------------------------------------------------------------------


def test_a_name_that_does_not_resolve(device):
    device.enrol("https://nowhere.invalid/dm")
    assert "nowhere.invalid" in fails(device, "resolve")


def test_a_refused_connection(device):
    port = free_port()
    device.enrol(f"https://localhost:{port}/dm")
    assert f"localhost:{port}" in fails(device, "connect")


@pytest.mark.parametrize("options", [
    {"certificate": "server-expired"}, {"certificate": "server-future"},
    {"certificate": "server-wrong-host"}, {"certificate": "server-untrusted"},
    {"certificate": "server-client-use"}, {"tls": False},
    pytest.param({"tls_max": ssl.TLSVersion.TLSv1_1},
                 marks=pytest.mark.filterwarnings("ignore:ssl.TLSVersion")),
], ids=lambda options: str(next(iter(options.values()))))
def test_protocol_4_a_server_that_is_not_the_one_gets_nothing(device, serve, options):
    server = serve([{"commands": [SET]}], **options)
    device.enrol(server.address.replace("http:", "https:"))
    assert f"localhost:{server.port}" in fails(device, "tls")
    assert server.exchanges == []


@pytest.mark.parametrize("certificate", ["client-expired", "client-untrusted"])
def test_a_client_certificate_that_the_server_refuses(device, serve, certificate):
    server = serve([{"commands": [SET]}])
    device.enrol(server, certificate=certificate)
    fails(device, "tls")
    server.wait(lambda: server.handshake_errors)
    assert server.exchanges == []


def keys_of(device):
    """The files in which the broker keeps private keys."""
    keys = [path for path in device.env.dir.rglob("*") if path.is_file()
            and b"PRIVATE KEY" in path.read_bytes()]
    assert keys
    return keys


def test_security_4_a_key_is_for_the_broker_only(device):
    device.enrol("https://localhost:1/dm")
    for path in keys_of(device):
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.chmod(0o644),
                                   lambda path: path.write_text("no key")],
                         ids=["gone", "readable by others", "no key"])
def test_a_key_that_cannot_be_used(device, serve, spoil):
    server = serve([])
    device.enrol(server)
    for path in keys_of(device):
        spoil(path)
    fails(device, "certificate")
    assert server.exchanges == []


def test_a_key_that_does_not_belong_to_the_certificate_is_not_taken(device):
    document = device.document("https://localhost:1/dm")
    assert "client.pem" in device.provision(document, key="server", expect=1).stderr
    assert device.get("") is None, "no provider without its key"


# -- HTTP ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [300, 400, 401, 403, 404, 415, 429, 500, 501, 502, 503])
def test_protocol_4_an_HTTP_status_that_is_no_success(device, serve, status):
    server = serve([{"commands": [SET], "http": {"status": status}}])
    device.enrol(server)
    assert str(status) in fails(device, "http")
    assert len(server.exchanges) == 1
    assert device.get("HelpPhoneNumber") is None
    assert device.property("ProviderID") == PROVIDER, "the enrolment stays"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_protocol_4_a_redirect_is_not_followed(device, serve, status):
    """Not to a stranger, with certificate, signature and body."""
    stranger = serve([])
    server = serve([{"http": {"status": status, "headers": {
        "Location": stranger.address.replace("localhost", "127.0.0.1")}}}])
    device.enrol(server)
    fails(device, "http")
    assert stranger.exchanges == []
    assert stranger.handshakes == 0


def test_protocol_4_an_HTTP_error_in_the_middle_keeps_what_was_committed(device, serve):
    server = serve([{"commands": [SET]}, {"http": {"status": 503}}])
    device.enrol(server)
    fails(device, "http")
    assert device.get("HelpPhoneNumber") == "set"


@pytest.mark.parametrize("fault", ["close", "reset", "truncated"])
@pytest.mark.parametrize("message", [1, 2])
def test_a_connection_that_breaks_leaves_nothing_half_applied(device, serve, fault, message):
    """What had no whole answer did not run; what was committed stays. (A connection that was used
    before and closes without a word may have been idle too long: the request may come again.)"""
    broken = {"commands": [{**SET, "data": "broken"}], "fault": {"kind": fault}}
    server = serve([{"commands": [SET]}] * (message - 1) + [broken] * 2)
    device.enrol(server)
    fails(device, "connect")
    assert device.get("HelpPhoneNumber") == ("set" if message == 2 else None)
    assert all(one.resend for one in server.exchanges[message:])


# -- what the server answers -----------------------------------------------------------------------


@pytest.mark.parametrize("step", [
    {"body": "<SyncML>"},
    {"body": "this is no XML"},
    {"body": "<html><body>Sign in</body></html>"},
    {"body": '<!DOCTYPE SyncML><SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr/><SyncBody/></SyncML>'},
    {"body": '<!DOCTYPE x [<!ENTITY a "b">]><SyncML><SyncHdr/><SyncBody>&a;</SyncBody></SyncML>'},
    {"body": b'<?xml version="1.0"?><SyncML xmlns="SYNCML:SYNCML1.2">\xff\xfe</SyncML>'},
    {"body": "<?other?>" + "<SyncML>" * 40 + "</SyncML>" * 40},
    {"body": b"\x02\x00\x00\x6a\x00\x6d\x6c\x71"},  # WBXML
    {"commands": [SET], "http": {"headers": {"Content-Type": "text/html"}}},
    {"commands": [SET], "http": {"headers": {"Content-Type": "application/vnd.syncml.dm+wbxml"}}},
    {"fault": {"kind": "gzip-bomb"}},
], ids=["unclosed", "text", "html", "doctype", "entity", "not-utf-8", "depth", "wbxml", "text-html",
        "wbxml-type", "gzip-bomb"])
def test_protocol_6_an_answer_that_is_no_message_runs_nothing(device, serve, step):
    server = serve([{**step, "refused": True}])
    device.enrol(server)
    fails(device, "malformed")
    assert device.get("HelpPhoneNumber") is None


@pytest.mark.parametrize("step", [
    {"body": "<SyncML>" + FILLER + "</SyncML>", "refused": True},
    {"fault": {"kind": "endless"}, "may_abort": True},
    {"fault": {"kind": "endless", "chunked": True}, "may_abort": True},
    {"fault": {"kind": "endless-headers"}, "may_abort": True},
], ids=["length", "endless", "chunked", "headers"])
def test_protocol_4_an_answer_over_a_cap_is_cut_off_while_it_comes(device, serve, step):
    server = serve([step])
    device.enrol(server)
    fails(device, "too-large")
    first = server.exchanges[0]
    if "fault" in step:
        server.wait(lambda: first.hung_up)
        assert first.sent < 8 * 1024 * 1024, "what is under way may be lost, no more"


@pytest.mark.parametrize("fault", [
    {"kind": "hang"}, {"kind": "slow", "bytes": 1, "interval_s": 0.3}], ids=["hang", "slow"])
def test_protocol_4_a_request_has_a_time_limit(device, serve, fault):
    server = serve([{"commands": [SET], "fault": fault}])
    device.configure("request-timeout=1")
    device.enrol(server)
    fails(device, "timeout")
    assert device.get("HelpPhoneNumber") is None


def test_protocol_4_a_session_has_a_time_limit(device, serve):
    """Counted from the first answer: here a server that always has one more command."""
    step = {"commands": [SET], "delay_s": 0.4}
    server = serve([step] * 20)
    device.configure("session-timeout=1")
    device.enrol(server)
    fails(device, "timeout")
    assert 2 <= len(server.exchanges) <= 5


def test_protocol_4_a_session_has_a_number_of_messages(device, serve):
    server = serve([{"commands": [{**SET, "data": str(number)}]} for number in range(20)])
    device.configure("max-messages=4")
    device.enrol(server)
    fails(device, "too-large")
    assert len(server.exchanges) <= 5


@pytest.mark.parametrize("header", [
    {"session_id": "other"}, {"session_id": ""}, {"ver_dtd": "1.1"}, {"ver_proto": "DM/2.0"},
    {"msg_id": ""}], ids=lambda header: "-".join(map(str, *header.items())))
def test_protocol_1_a_header_of_another_session_or_version_runs_nothing(device, serve, header):
    server = serve([{"commands": [SET], "header": header, "refused": True}])
    device.enrol(server)
    fails(device, "protocol")
    assert device.get("HelpPhoneNumber") is None


def test_protocol_4_the_same_message_twice_ends_the_session_and_runs_once(device, serve):
    message = {"commands": [{"verb": "Add", "loc_uri": node("CommercialID"), "data": "1"}],
               "header": {"msg_id": 1}, "statuses": []}
    server = serve([message, {**message, "refused": True}])
    device.enrol(server)
    fails(device, "protocol")
    assert server.exchanges[1].codes == [200]
    assert all(one.codes in ([], [200]) for one in server.exchanges[1:])
    assert device.get("CommercialID") == "1"


def test_G2_a_MsgID_used_before_is_not_answered_from_memory(device, serve):
    """Another message under the number of the last one: whatever the device makes of it, 200 says
    that it ran."""
    server = serve([{"commands": [SET]},
                    {"commands": [{**SET, "data": "other"}], "header": {"msg_id": 1},
                     "may_abort": True}])
    device.enrol(server)
    done = device.sync(expect=None)
    assert done.returncode in (CODES["ok"], CODES["protocol"])
    ran = done.returncode == 0 and server.exchanges[2].codes == [200]
    assert device.get("HelpPhoneNumber") == ("other" if ran else "set")


def test_protocol_1_a_server_that_aborts_is_not_answered(device, serve):
    server = serve([{"commands": [SET, {"verb": "Alert", "code": 1223}]}])
    device.enrol(server)
    fails(device, "aborted")
    assert len(server.exchanges) == 1


def test_a_server_that_refuses_the_header(device, serve):
    server = serve([{"header_status": 403}])
    device.enrol(server)
    assert "403" in fails(device, "protocol")


# -- before there is a session ---------------------------------------------------------------------


def test_an_unknown_provider_and_the_ones_there_are(device):
    device.enrol("https://localhost:1/dm", "Known")
    message = device.sync("Other", expect=CODES["not-found"]).stderr
    assert "Other" in message and "Known" in message


def test_protocol_8_one_session_of_a_provider_at_a_time(device, serve):
    """The second one is told, and does not disturb the first."""
    second = []

    def start_another(_exchange):
        if not second:
            second.append(None)
            second[0] = device.sync(expect=None)

    server = serve([{"commands": [SET], "on_request": start_another}])
    device.enrol(server)
    device.sync()
    assert second[0].returncode == CODES["busy"]
    assert PROVIDER in second[0].stderr
    assert len(server.exchanges) == 2
    assert device.session_property("LastError") == ""


def test_without_the_agent(device):
    device.enrol("https://localhost:1/dm")
    device.env.agent.stop()
    assert "dmclient-agent" in device.sync(expect=CODES["not-served"]).stderr


@pytest.mark.parametrize("line, word", [
    ("connect-timeout=soon", "connect-timeout"), ("max-messages=1", "max-messages"),
    ("ca-file=relative.pem", "ca-file")])
def test_a_configuration_that_is_wrong(device, line, word):
    device.enrol("https://localhost:1/dm")
    device.configure(line)
    assert word in device.sync(expect=CODES["usage"]).stderr


def test_a_CA_file_that_is_not_there(device, serve):
    server = serve([])
    device.enrol(server)
    device.env.configure("[broker]\nca-file=/nonexistent/ca.pem\n")
    done = device.sync(expect=None)
    assert done.returncode in (CODES["tls"], CODES["usage"], CODES["certificate"])
    assert "/nonexistent/ca.pem" in done.stderr
    assert server.exchanges == []


@pytest.mark.parametrize("arguments", [["--once"], ["--no-such-option"], ["--once", "A", "B"]])
def test_wrong_use(device, arguments):
    assert device.env.run(harness.BROKER, *arguments, expect=CODES["usage"]).stderr


def test_a_signal_breaks_the_session_off(device, serve):
    server = serve([{"commands": [SET], "fault": {"kind": "hang"}}])
    device.enrol(server)
    broker = harness.Process("dmclient-broker", [harness.BROKER, "--once", PROVIDER],
                             device.env.environ(), device.env.dir / "broker.log")
    server.wait(lambda: server.exchanges)
    broker.stop(expect=CODES["failed"])
    assert device.session_property("LastError") == "failed"
    assert device.session_property("State") == "idle"
    assert device.get("HelpPhoneNumber") is None


# -- afterwards ------------------------------------------------------------------------------------


def test_a_session_that_works_clears_the_error(device, serve):
    server = serve({"sessions": [[{"http": {"status": 503}}], [{"commands": [SET]}]]})
    device.enrol(server)
    fails(device, "http")
    device.sync()
    assert device.session_property("LastError") == ""
    assert device.session_property("LastErrorMessage") == ""
    assert device.get("HelpPhoneNumber") == "set"


def test_G10_no_secret_in_any_output(device, serve, certs_dir):
    """Canaries: the credentials of the document, the private key, what the server sets."""
    server = serve({"sessions": [[{"commands": [{**SET, "data": "canary-phone"}]}],
                                 [{"http": {"status": 401}}], [{"body": "<canary-body>"}]]})
    document = device.document(server.address).replace('"placeholder"', '"canary-secret"')
    with open(os.path.join(certs_dir, "client.key"), encoding="ascii") as file:
        key = file.read().splitlines()[1]
    outputs = [device.provision(document)]
    outputs += [device.sync(expect=code, G_MESSAGES_DEBUG="all")
                for code in (0, CODES["http"], CODES["malformed"])]
    text = "".join(one.stdout + one.stderr for one in outputs) + device.env.agent.output()
    for secret in ("canary-secret", "canary-phone", "canary-body", key):
        assert secret not in text
