# SPDX-License-Identifier: MIT
"""The way to a server and back (protocol.md 4): whom the device trusts, where it lets itself be
sent, by what way it goes, and what it does not take."""

import email.utils
import re
import time

import pytest

import certs
import harness
from device import PROVIDER, node
from http_proxy import HttpProxy
from mdm_server import free_port
from redirector import Redirector

SET = {"verb": "Replace", "loc_uri": node("HelpPhoneNumber"), "data": "set"}
CODES = {"ok": 0, "connect": 11, "tls": 12, "http": 13, "malformed": 14, "too-large": 15,
         "timeout": 16, "usage": 64}
STRANGER = "https://127.0.0.1:{port}/"


def ends(device, name, *words, **how):
    """A session that ends as `name` says; its message has all the words."""
    done = device.sync(expect=CODES[name], **how)
    assert device.session_property("LastError") == ("" if name == "ok" else name)
    assert device.session_property("State") == "idle"
    if name != "ok":
        assert device.property("ProviderID") == PROVIDER, "the enrolment stays"
    for word in words:
        assert word in done.stderr, done.stderr
    return done


# -- whom it trusts --------------------------------------------------------------------------------

LEAF, CA, OTHER, CLIENT = "server", "ca", "other-ca", "client"

# What is configured, the server's certificate, how the session ends, words of its message.
TRUST = {
    "expired": ([], "server-expired", "tls", ["dates", "clock"]),
    "not-yet-valid": ([], "server-future", "tls", ["dates", "clock"]),
    "wrong-host": ([], "server-wrong-host", "tls", ["another host"]),
    "unknown-authority": ([], "server-untrusted", "tls", ["ca-file"]),
    "self-signed": ([], "server-self", "tls", ["ca-file"]),
    "for-clients-only": ([], "server-client-use", "tls", ["ca-file"]),
    "revoked-and-nobody-looks": ([], "server-revoked", "ok", []),
    "revoked": (["tls-crl-file={dir}/ca.crl"], "server-revoked", "tls", ["revoked"]),
    "not-revoked": (["tls-crl-file={dir}/ca.crl"], "server", "ok", []),
    "old-list": (["tls-crl-file={dir}/ca-old.crl"], "server", "tls", ["tls-crl-file"]),
    "no-list": (["tls-crl-file=/nonexistent/list.pem"], "server", "tls", ["/nonexistent/list.pem"]),
    "list-that-is-none": (["tls-crl-file={dir}/ca.pem"], "server", "tls", ["revocation list"]),
    "no-staple-where-none-is-needed": (["revocation=if-stapled"], "server", "ok", []),
    "no-staple-where-one-is-demanded": (["revocation=require"], "server", "tls",
                                        ["revocation=require"]),
    "pin-of-the-leaf": (["pins={server};{other-ca}"], "server", "ok", []),
    "pin-of-the-authority": (["pins={other-ca};{ca}"], "server", "ok", []),
    "no-pin-of-the-chain": (["pins={other-ca};{client}"], "server", "tls", ["[broker] pins"]),
    "pins-do-not-replace-trust": (["pins={server-self};{server}"], "server-self", "tls",
                                  ["ca-file"]),
}


@pytest.mark.parametrize("case", TRUST)
def test_protocol_4_whom_the_device_trusts(device, serve, certs_dir, case):
    lines, certificate, end, words = TRUST[case]
    names = {name: certs.pin(f"{certs_dir}/{name}.pem")
             for name in re.findall(r"{([\w-]+)}", " ".join(lines)) if name != "dir"}
    device.configure(*(line.format(dir=certs_dir, **names) for line in lines))
    server = serve([{"commands": [SET]}], certificate=certificate)
    device.enrol(server)
    ends(device, end, *words)
    assert len(server.exchanges) == (2 if end == "ok" else 0)
    assert device.get("HelpPhoneNumber") == ("set" if end == "ok" else None)


# -- what the configuration may not say ------------------------------------------------------------

A_PIN = "sha256/MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="


@pytest.mark.parametrize("line, words", [
    (f"pins={A_PIN}", ["pins", "two"]), (f"pins={A_PIN};{A_PIN}", ["pins", "two"]),
    ("pins=x;y", ["pins", "sha256/"]), ("revocation=sometimes", ["revocation", "if-stapled"]),
    ("proxy=socks5://127.0.0.1:1", ["proxy", "http://HOST:PORT"]),
    ("proxy=http://user:secret@127.0.0.1:1", ["proxy", "password"]),
    ("tls-crl-file=list.pem", ["tls-crl-file", "absolute"]),
    ("stall-timeout=0", ["stall-timeout", "1 to 600"]),
], ids=lambda value: value.split("=")[0] if isinstance(value, str) else "")
def test_a_configuration_that_is_wrong_names_its_key(device, line, words):
    device.enrol("https://localhost:1/dm")
    device.configure(line)
    done = device.sync(expect=CODES["usage"])
    assert all(word in done.stderr for word in [str(device.env.config), *words])


def test_a_key_that_nobody_knows_is_named_with_the_one_that_was_meant(device, serve):
    device.configure("revokation=off", "something-else=1")
    device.enrol(serve([]))
    done = ends(device, "ok")
    assert re.search("revokation .*revocation", done.stderr)
    assert "something-else" in done.stderr


# -- redirects -------------------------------------------------------------------------------------


@pytest.fixture
def redirector(certs_dir):
    """redirector(status, location): a server that answers by this redirect alone."""
    opened = []

    def start(*arguments):
        opened.append(Redirector(certs_dir, *arguments))
        return opened[-1]

    yield start
    for one in opened:
        one.__exit__()


@pytest.mark.parametrize("status", [307, 308])
def test_protocol_4_a_redirect_to_a_listed_host_keeps_method_and_body(device, serve, redirector,
                                                                      certs_dir, status):
    server = serve([{"commands": [SET]}])
    first = redirector(status, server.address + "?mode=Machine&Platform=Linux")
    server.redirected_from = first.address
    device.enrol(first)
    ends(device, "ok")
    assert device.get("HelpPhoneNumber") == "set"
    assert [body for _, _, body in first.requests] == [one.wire for one in server.exchanges]
    assert {one.certificate for one in server.exchanges} == {
        certs.thumbprint(f"{certs_dir}/client.pem")}
    for (_, headers, _), one in zip(first.requests, server.exchanges):
        assert headers["client-request-id"] == one.headers["client-request-id"]


def test_protocol_4_a_relative_redirect(device, redirector):
    """It leads back here, which the fourth time is once too often."""
    first = redirector(307, "/elsewhere?x=1")
    device.enrol(first)
    ends(device, "http", "307", "circle")
    assert [path for path, _, _ in first.requests][1:] == ["/elsewhere?x=1"] * 3


REFUSED = {
    "301": (301, "https://localhost:{port}/x", ["301", "only 307 and 308"]),
    "302": (302, "https://localhost:{port}/x", ["302", "only 307 and 308"]),
    "303": (303, "https://localhost:{port}/x", ["303", "only 307 and 308"]),
    "302-to-a-stranger": (302, STRANGER, ["302", "127.0.0.1"]),
    "307-to-a-stranger": (307, STRANGER, ["307", "127.0.0.1", "list"]),
    "308-to-a-stranger": (308, STRANGER, ["308", "127.0.0.1", "list"]),
    "307-to-http": (307, "http://localhost:{port}/x", ["307", "https"]),
    "307-to-a-file": (307, "file:///etc/passwd", ["307"]),
    "307-with-a-user": (307, "https://localhost@127.0.0.1:{port}/x", ["307"]),
    "307-without-Location": (307, None, ["307", "Location"]),
    "307-to-no-URL": (307, "https://", ["307", "Location"]),
    "300": (300, "https://localhost:{port}/x", ["300"]),
    "304": (304, None, ["304"]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_protocol_4_a_redirect_that_is_not_followed(device, serve, redirector, case):
    status, location, words = REFUSED[case]
    other = serve([])
    first = redirector(status, location and location.format(port=other.port))
    device.enrol(first)
    ends(device, "http", *words)
    assert len(first.requests) == 1
    assert other.handshakes == 0 and other.exchanges == []


def test_protocol_4_redirects_in_a_circle_end(device, redirector):
    one, other = redirector(308), redirector(308)
    one.location, other.location = other.address, one.address
    device.enrol(one)
    ends(device, "http", "308", "circle")
    assert (len(one.requests), len(other.requests)) == (2, 2)


def test_L3_a_redirect_to_a_server_that_is_down_is_no_answer(device, serve, redirector):
    server = serve([])
    first = redirector(307, f"https://localhost:{free_port()}/x")
    device.enrol(f"<{first.address}><{server.address}>")
    ends(device, "ok")
    assert (len(first.requests), len(server.exchanges)) == (1, 1)


def test_L3_a_redirect_that_is_refused_is_an_answer(device, serve, redirector):
    server = serve([])
    first = redirector(302, "https://localhost/x")
    device.enrol(f"<{first.address}><{server.address}>")
    ends(device, "http", "302")
    assert server.exchanges == []


# -- proxies ---------------------------------------------------------------------------------------


def test_protocol_4_a_proxy_that_is_configured(device, serve):
    server = serve([{"commands": [SET]}])
    with HttpProxy() as proxy:
        device.configure(f"proxy={proxy.address}")
        device.enrol(server)
        ends(device, "ok", no_proxy="*", NO_PROXY="*")
        assert len(server.exchanges) == 2
        assert [request[0].split(" ")[:2] for request in proxy.requests] == [
            ["CONNECT", f"localhost:{server.port}"]]
        text = "\n".join(proxy.requests[0]).lower()
    for field in ("client-request-id", "content-type", "useragentorigin", "mdm-signature"):
        assert field not in text, "what is for the server"


@pytest.mark.parametrize("status", [403, 407, 502])
def test_protocol_4_a_proxy_that_refuses(device, serve, status):
    server = serve([])
    with HttpProxy(status) as proxy:
        device.configure(f"proxy={proxy.address}")
        device.enrol(server)
        ends(device, "connect", str(status), "[broker] proxy")
        assert len(proxy.requests) == 1
    assert server.handshakes == 0


def test_protocol_4_a_proxy_that_is_not_there(device, serve):
    server = serve([])
    device.configure(f"proxy=http://127.0.0.1:{free_port()}")
    device.enrol(server)
    ends(device, "connect")
    assert server.handshakes == 0


def test_protocol_4_a_proxy_of_the_environment_is_not_used(device, serve):
    server = serve([])
    with HttpProxy() as proxy:
        device.enrol(server)
        names = ("http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
        ends(device, "ok", **dict.fromkeys(names, proxy.address))
        assert proxy.requests == []
    assert len(server.exchanges) == 1


def test_protocol_4_nobody_is_trusted_because_the_environment_says_so(device, serve, certs_dir):
    server = serve([])
    device.env.configure("")
    device.enrol(server)
    ends(device, "tls", "ca-file", SSL_CERT_FILE=f"{certs_dir}/ca.pem", CURL_CA_BUNDLE="/x")
    assert server.exchanges == []


def test_protocol_4_no_netrc_and_no_cookies(device, serve):
    server = serve([{"commands": [SET], "http": {"headers": {"Set-Cookie": "canary=1; Path=/"}}}])
    home = device.env.dir / "home"
    home.mkdir()
    (home / ".netrc").write_text("machine localhost login canary password canary\n")
    (home / ".netrc").chmod(0o600)
    device.enrol(server)
    ends(device, "ok", HOME=home)
    assert len(server.exchanges) == 2
    for one in server.exchanges:
        assert not {"cookie", "authorization", "accept-encoding", "expect"} & {
            name.lower() for name in one.headers}


def test_one_connection_for_a_session(session):
    server = session(*({"commands": [{**SET, "data": str(number)}]} for number in range(5)))
    assert (server.handshakes, len(server.exchanges)) == (1, 6)


# -- what an answer may be -------------------------------------------------------------------------

# How the session ends, the configuration, and the fault.
FAULTS = {
    "slow-headers": ("timeout", ["request-timeout=1"], {"kind": "slow-headers", "interval_s": 0.2}),
    "slow-headers-under-the-rate": ("timeout", ["stall-timeout=1"],
                                    {"kind": "slow-headers", "interval_s": 0.2}),
    "slow-body-under-the-rate": ("timeout", ["stall-timeout=1"],
                                 {"kind": "slow", "bytes": 1, "interval_s": 0.2}),
    "no-answer-under-the-rate": ("timeout", ["stall-timeout=1"], {"kind": "hang"}),
    "many-headers": ("too-large", [], {"kind": "many-headers"}),
    "some-headers": ("ok", [], {"kind": "many-headers", "count": 100, "whole": True}),
    "no-http": ("malformed", [], {"kind": "no-http"}),
    "http-0.9": ("malformed", [], {"kind": "no-http", "text": "<SyncML></SyncML>"}),
    "http-3.7": ("malformed", [], {"kind": "no-http", "text": "HTTP/3.7 200 OK\r\n\r\n"}),
    "two-lengths": ("malformed", [], {"kind": "no-http", "text":
                    "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nabc"}),
    "close": ("connect", [], {"kind": "close"}),
}


@pytest.mark.parametrize("case", FAULTS)
def test_protocol_4_limits_hold_while_bytes_arrive(device, serve, case):
    end, lines, fault = FAULTS[case]
    step = {"commands": [SET], "fault": fault, "may_abort": True}
    server = serve([step, step] if fault["kind"] == "close" else [step])
    device.configure(*lines)
    device.enrol(server)
    ends(device, end)
    assert device.get("HelpPhoneNumber") == ("set" if end == "ok" else None)


def test_protocol_4_the_longest_body_is_taken_and_one_byte_more_is_not(device, serve):
    """With Content-Length and in chunks alike: 524,288 bytes."""
    head = ('<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2'
            "</VerProto><SessionID>@SESSION_ID@</SessionID><MsgID>@MSG_ID@</MsgID><Target><LocURI>"
            "@TARGET@</LocURI></Target><Source><LocURI>@SOURCE@</LocURI></Source></SyncHdr>"
            "<SyncBody><Final/></SyncBody></SyncML>")
    server = serve({"sessions": [[{"body": head}], [{"body": head}]]})
    device.enrol(server)

    def pad(size):
        def fill(exchange):
            body = exchange.answer.ljust(size)
            exchange.answer = body
        return fill

    server.script.sessions[0][0]["on_request"] = pad(524288)
    server.script.sessions[1][0].update(on_request=pad(524289), may_abort=True)
    ends(device, "ok")
    ends(device, "too-large", "524288")


@pytest.mark.parametrize("case, words", [
    ({"status": 401, "headers": {"WWW-Authenticate": 'Bearer realm="mdm"'}}, ["401", "Bearer"]),
    ({"status": 401}, ["401", "certificate"]),
    ({"status": 403}, ["403", "certificate"]), ({"status": 404}, ["404", "address"]),
], ids=lambda value: "" if isinstance(value, list) else
    f"{value['status']}{'-Bearer' if 'headers' in value else ''}")
def test_protocol_4_a_status_that_says_no_keeps_the_enrolment(device, serve, case, words):
    server = serve([{"http": case}])
    device.enrol(server)
    ends(device, "http", *words)
    assert len(server.exchanges) == 1


def test_a_server_with_another_time_is_said(device, serve):
    date = email.utils.formatdate(time.time() + 7200, usegmt=True)
    device.enrol(serve([{"http": {"headers": {"Date": date}}}]))
    done = ends(device, "ok")
    assert re.search("clock.*=7[12][0-9]{2} s", done.stderr)


def test_help_says_what_the_options_do(device):
    assert "--no-retry" in device.env.run(harness.BROKER, "--help", expect=0).stdout
