# SPDX-License-Identifier: MIT
"""The test server itself: that it answers by its script, notices what is wrong, and that its
faults are what they are called."""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import xml.etree.ElementTree as ElementTree
from types import SimpleNamespace

import pytest

import mdm_server
from certs import thumbprint
from mdm_server import MdmServer
from script import Script
from syncml import find, find_all, name_of, text_of

SCRIPTS = os.path.join(os.path.dirname(__file__), "scripts")
DEV_INFO = "".join(
    f"<Item><Source><LocURI>./DevInfo/{name}</LocURI></Source><Data>{data}</Data></Item>"
    for name, data in (("DevId", "dev"), ("Man", "m"), ("Mod", "m"), ("DmV", "1"), ("Lang", "en")))
PACKAGE_1 = (
    "<Alert><CmdID>2</CmdID><Data>1201</Data></Alert><Alert><CmdID>3</CmdID><Data>1224</Data><Item>"
    '<Meta><Type xmlns="syncml:metinf">com.microsoft/MDM/LoginStatus</Type></Meta>'
    f"<Data>none</Data></Item></Alert><Replace><CmdID>4</CmdID>{DEV_INFO}</Replace><Final/>")


class Device:
    """As little of a device as it takes."""

    def __init__(self, server, certs_dir, client="client", session="1"):
        self.server, self.session, self.message = server, session, 0
        self.context = ssl.create_default_context(cafile=os.path.join(certs_dir, "ca.pem"))
        if client:
            base = os.path.join(certs_dir, client)
            self.context.load_cert_chain(base + ".pem", base + ".key")
        self.connection = http.client.HTTPSConnection("localhost", server.port,
                                                      context=self.context, timeout=10)
        self.requests = 0

    def message_of(self, body):
        self.message += 1
        return (
            '<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD>'
            f"<VerProto>DM/1.2</VerProto><SessionID>{self.session}</SessionID>"
            f"<MsgID>{self.message}</MsgID><Target><LocURI>{self.server.address}</LocURI></Target>"
            f"<Source><LocURI>dev</LocURI></Source></SyncHdr><SyncBody>{body}</SyncBody></SyncML>"
        ).encode()

    def post(self, data, headers=None):
        self.requests += 1
        self.connection.request("POST", mdm_server.PATH + "?mode=Machine&Platform=Linux", data, {
            "Content-Type": "application/vnd.syncml.dm+xml; charset=utf-8",
            "Accept": "application/vnd.syncml.dm+xml", "Accept-Encoding": "identity",
            "User-Agent": "MSFT OMA DM Client/1.2.0.1 test/1",
            "client-request-id": f"{self.session}.{self.requests}", **(headers or {})})
        return self.connection.getresponse()

    def send(self, body=PACKAGE_1, **how):
        response = self.post(self.message_of(body), **how)
        return response.status, response.read()


def status(cmd_id, ref, cmd, code, message=1):
    return (f"<Status><CmdID>{cmd_id}</CmdID><MsgRef>{message}</MsgRef><CmdRef>{ref}</CmdRef>"
            f"<Cmd>{cmd}</Cmd><Data>{code}</Data></Status>")


def rules(server):
    return {violation.rule for violation in server.violations}


def test_a_session_by_script(certs_dir):
    script = [{"commands": [{"verb": "Get", "loc_uri": "./DevInfo/Man"}]}]
    with MdmServer(certs_dir, script) as server:
        device = Device(server, certs_dir)
        code, body = device.send()
        root = ElementTree.fromstring(body)
        commands = [(name_of(one), text_of(one, "CmdID"), text_of(one, "CmdRef"))
                    for one in find(root, "SyncBody")]
        assert commands == [("Status", "1", "0"), ("Status", "2", "2"), ("Status", "3", "3"),
                            ("Status", "4", "4"), ("Get", "5", None), ("Final", None, None)]
        assert code == 200
        code, body = device.send(
            status(1, 0, "SyncHdr", 200) + status(2, 5, "Get", 200) + "<Results><CmdID>3</CmdID>"
            "<MsgRef>1</MsgRef><CmdRef>5</CmdRef><Item><Source><LocURI>./DevInfo/Man</LocURI>"
            "</Source><Data>m</Data></Item></Results><Final/>")
        assert len(find_all(find(ElementTree.fromstring(body), "SyncBody"), "Status")) == 1
        assert server.violations == []
        assert server.exchanges[1].results == {"./DevInfo/Man": (None, "m")}
        assert server.exchanges[1].codes == [200]
        assert server.exchanges[0].alerts == ["1201", "1224"]
        assert server.exchanges[0].certificate == thumbprint(os.path.join(certs_dir, "client.pem"))


def test_notices_a_message_after_the_end(certs_dir):
    with MdmServer(certs_dir, [{}]) as server:
        device = Device(server, certs_dir)
        device.send()
        assert server.violations == []
        device.send(status(1, 0, "SyncHdr", 200) + "<Final/>")
        assert rules(server) == {"after-end"}


def test_notices_a_wrong_answer(certs_dir):
    script = [{"commands": [{"verb": "Delete", "loc_uri": "./x", "cmd_id": "d"}]}]
    with MdmServer(certs_dir, script) as server:
        device = Device(server, certs_dir)
        device.send()
        device.send(status(1, 0, "SyncHdr", 200) + status(2, "d", "Get", 200) + "<Final/>")
        assert rules(server) == {"status-cmd"}


def test_notices_a_SessionID_used_before(certs_dir):
    with MdmServer(certs_dir, [{}]) as server:
        for session in ("1", "2", "1"):
            Device(server, certs_dir, session=session).send()
        assert rules(server) == {"session-id"}
        assert [one.session for one in server.exchanges] == [1, 2, 3]


def test_notices_other_methods(certs_dir):
    with MdmServer(certs_dir, [{}]) as server:
        device = Device(server, certs_dir)
        device.connection.request("GET", mdm_server.PATH)
        assert device.connection.getresponse().status == 405
        assert rules(server) == {"http-method"}


@pytest.mark.parametrize("client", [None, "client-expired", "client-untrusted"])
def test_wants_a_good_client_certificate(certs_dir, client):
    with MdmServer(certs_dir, [{}]) as server:
        with pytest.raises(OSError):
            Device(server, certs_dir, client).send()
        server.wait(lambda: server.handshake_errors)
        assert server.exchanges == []


@pytest.mark.parametrize("certificate", ["server-expired", "server-wrong-host", "server-untrusted",
                                         "server-client-use", "server-future"])
def test_serves_with_a_wrong_certificate(certs_dir, certificate):
    with MdmServer(certs_dir, [{}], certificate=certificate) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            Device(server, certs_dir).send()


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
def test_an_old_server_speaks_TLS_1_1_only(certs_dir):
    with MdmServer(certs_dir, [{}], tls_max=ssl.TLSVersion.TLSv1_1) as server:
        with pytest.raises(ssl.SSLError):
            Device(server, certs_dir).send()
        old = Device(server, certs_dir)
        old.context.minimum_version = ssl.TLSVersion.TLSv1_1
        old.context.set_ciphers("ALL:@SECLEVEL=0")
        assert old.send()[0] == 200


def test_each_session_has_its_script_and_the_last_one_stays(certs_dir):
    sessions = {"sessions": [[{"empty": True}], [{"http": {"status": 503}}]]}
    with MdmServer(certs_dir, sessions) as server:
        answers = [Device(server, certs_dir, session=str(number)).send() for number in (1, 2, 3)]
    assert answers == [(200, b""), (503, b""), (503, b"")]


def test_the_same_message_may_come_again_after_a_failure_only(certs_dir):
    script = [{"http": {"status": 503}}, {}]
    with MdmServer(certs_dir, script) as server:
        device = Device(server, certs_dir)
        message = device.message_of(PACKAGE_1)
        for _ in range(2):
            device.post(message).read()
        assert server.violations == []
        assert [one.resend for one in server.exchanges] == [False, True]
        device.post(message).read()
        assert "after-end" in rules(server)


def test_overrides_reach_the_wire(certs_dir):
    script = [{"header": {"session_id": "other", "extra": "<Meta/>"}, "final": False, "xmlns": "",
               "extra_statuses": [{"msg_ref": 9, "cmd_ref": 9, "cmd": "Get", "data": 200}],
               "http": {"headers": {"Content-Type": None, "X-Own": "1"}}}]
    with MdmServer(certs_dir, script) as server:
        device = Device(server, certs_dir)
        response = device.post(device.message_of(PACKAGE_1))
        root = ElementTree.fromstring(response.read())
        assert response.headers["Content-Type"] is None
        assert response.headers["X-Own"] == "1"
        assert root.tag == "SyncML"
        assert text_of(root, "SyncHdr/SessionID") == "other"
        assert find(root, "SyncHdr/Meta") is not None
        assert find(root, "SyncBody/Final") is None
        assert text_of(find_all(find(root, "SyncBody"), "Status")[-1], "MsgRef") == "9"


def test_a_raw_body_gets_the_header_of_its_session(certs_dir):
    with MdmServer(certs_dir, [{"body": "@SESSION_ID@ @MSG_ID@ @TARGET@"}]) as server:
        assert Device(server, certs_dir, session="77").send() == (200, b"77 1 dev")


def test_an_answer_waits_for_its_event(certs_dir):
    gate = threading.Event()
    seen = []
    step = {"event": gate, "on_request": lambda exchange: (seen.append(exchange), gate.set())}
    with MdmServer(certs_dir, [step]) as server:
        assert Device(server, certs_dir).send()[0] == 200
    assert seen[0].header("MsgID") == "1"


@pytest.mark.parametrize("fault, problem", [
    ({"kind": "close"}, http.client.RemoteDisconnected),
    ({"kind": "reset"}, (ConnectionResetError, http.client.IncompleteRead, ssl.SSLError)),
    ({"kind": "truncated"}, http.client.IncompleteRead),
    ({"kind": "endless-headers"}, http.client.HTTPException),
])
def test_faults_that_break_the_answer(certs_dir, fault, problem):
    with MdmServer(certs_dir, [{"fault": fault}]) as server:
        with pytest.raises(problem):
            Device(server, certs_dir).send()
        assert server.violations == []


@pytest.mark.parametrize("chunked", [False, True])
def test_an_endless_body_stops_when_the_device_goes_away(certs_dir, chunked):
    script = [{"fault": {"kind": "endless", "chunked": chunked}}]
    with MdmServer(certs_dir, script) as server:
        device = Device(server, certs_dir)
        response = device.post(device.message_of(PACKAGE_1))
        assert response.headers["Content-Length"] is None
        assert len(response.read(1000000)) == 1000000
        response.close()
        device.connection.close()
        server.wait(lambda: server.exchanges[0].hung_up)


def test_a_gzip_bomb_is_small_on_the_wire(certs_dir):
    with MdmServer(certs_dir, [{"fault": {"kind": "gzip-bomb", "mib": 8}}]) as server:
        device = Device(server, certs_dir)
        response = device.post(device.message_of(PACKAGE_1))
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(response.read()) < 20000


def test_a_slow_body_comes_in_bits(certs_dir):
    fault = {"kind": "slow", "bytes": 100, "interval_s": 0.01}
    with MdmServer(certs_dir, [{"fault": fault}]) as server:
        code, body = Device(server, certs_dir).send()
        assert code == 200
        assert body == server.exchanges[0].answer


def test_a_server_that_hangs_notes_that_the_device_left(certs_dir):
    with MdmServer(certs_dir, [{"fault": {"kind": "hang"}}]) as server:
        device = Device(server, certs_dir)
        device.connection.request("POST", mdm_server.PATH, device.message_of(PACKAGE_1))
        server.wait(lambda: server.exchanges)
        device.connection.close()
        server.wait(lambda: server.exchanges[0].hung_up)


def test_an_unknown_key_in_a_step_is_refused():
    with pytest.raises(ValueError, match="has no command;"):
        Script.of([{"command": []}])


def test_each_script_can_be_read_and_its_messages_are_well_formed(certs_dir):
    paths = [os.path.join(SCRIPTS, name) for name in os.listdir(SCRIPTS) if name.endswith(".json")]
    assert os.path.join(SCRIPTS, "demo.json") in paths
    for path in paths:
        with MdmServer(certs_dir, path, values={"PROVIDER": 'With "quotes"'}) as server:
            code, body = Device(server, certs_dir).send()
            assert code == 200
            assert b'With "quotes"' in body
            ElementTree.fromstring(body)


def test_command_line_runs_until_SIGTERM_and_tells_of_violations(certs_dir, tmp_path):
    port_file, log = tmp_path / "port", tmp_path / "log"
    arguments = [sys.executable, mdm_server.__file__, "--certs", certs_dir, "--script",
                 os.path.join(SCRIPTS, "demo.json"), "--port-file", str(port_file), "--log",
                 str(log), "--set", "PROVIDER=Name"]
    for body, code in ((PACKAGE_1, 0), (PACKAGE_1.replace("<Final/>", ""), 1)):
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True)
        try:
            port = int(process.stdout.readline())
            assert port == int(port_file.read_text())
            server = SimpleNamespace(port=port, address=f"https://localhost:{port}" +
                                     mdm_server.PATH)
            assert Device(server, certs_dir).send(body)[0] == 200
        finally:
            process.send_signal(signal.SIGTERM)
            errors = process.communicate(timeout=10)[1]
        assert process.returncode == code, errors
        assert ("final" in errors) == (code == 1)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["from"] for line in lines] == ["device", "server"] * 2
    assert lines[0]["summary"][0] == "Alert 1201"
    assert lines[1]["summary"][4].startswith("Replace ./Device/Vendor/MSFT/DMClient/Provider/Name/")
    assert max(line.count("./DevInfo/") for line in lines[0]["summary"]) == 1  # a line for each item
