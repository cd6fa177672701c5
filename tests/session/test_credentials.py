# SPDX-License-Identifier: MIT
"""Credentials of the SyncML layer (protocol.md 5): the device's own, and the server's."""

import base64
import hashlib

import pytest

from device import node
from mdm_server import MdmServer
from syncml import find, name_of, text_of

PHONE = node("HelpPhoneNumber")
SET = {"verb": "Replace", "loc_uri": PHONE, "data": "set"}
USER, SECRET = "Bruce2", "OhBehave"
SERVER_SECRET = "canary-of-the-server"
BASIC = "QnJ1Y2UyOk9oQmVoYXZl"
MD5 = "Zz6EivR3yeaaENcRN6lpAQ=="   # with the nonce `Nonce`
CREDENTIALS = 19


def b64(data):
    return base64.b64encode(data).decode()


def md5(user, secret, nonce):
    inner = b64(hashlib.md5(f"{user}:{secret}".encode()).digest())
    return b64(hashlib.md5(inner.encode() + b":" + nonce).digest())


def meta(type, nonce=None, format="b64"):
    more = f'<NextNonce xmlns="syncml:metinf">{nonce}</NextNonce>' if nonce is not None else ""
    return (f'<Meta><Format xmlns="syncml:metinf">{format}</Format>'
            f'<Type xmlns="syncml:metinf">syncml:auth-{type}</Type>{more}</Meta>')


def chal(type="md5", nonce="Tm9uY2U="):
    return f"<Chal>{meta(type, nonce)}</Chal>"


def header_status(code, message, challenge=""):
    return {"msg_ref": message, "cmd_ref": 0, "cmd": "SyncHdr", "data": code, "chal": challenge}


def challenge(code=401, challenge=None, **more):
    """A step that asks for credentials."""
    return {"statuses": [header_status(code, 1, chal() if challenge is None else challenge)],
            **more}


def accept(code, message, *commands, challenge=""):
    return {"statuses": [header_status(code, message, challenge)], "commands": list(commands)}


def cred(type, data):
    return {"extra": f"<Cred>{meta(type)}<Data>{data}</Data></Cred>"}


def enrol(device, server, nonce="nonce", demanded=False):
    """With the credentials of the known answers, and others for the server."""
    if demanded:
        device.configure("demand-server-credentials=true")
    client, rest = device.document(server.address).split('value="APPSRV"')
    client = client.replace('"placeholder"', f'"{SERVER_SECRET}"')
    rest = rest.replace("device-7f31", USER).replace('"placeholder"', f'"{SECRET}"')
    rest = rest.replace('name="AAUTHDATA" value="nonce"', f'name="AAUTHDATA" value="{nonce}"')
    return device.provision(client + 'value="APPSRV"' + rest)


def creds(server):
    """(type, data, LocName) of each message of the device; None: no Cred."""
    return [(one.header("Cred/Meta/Type"), one.header("Cred/Data"), one.header("Source/LocName"))
            if one.header("Cred/Data") is not None else None for one in server.exchanges]


@pytest.mark.parametrize("code", [401, 407])
@pytest.mark.parametrize("type, nonce, data, name", [
    ("basic", None, BASIC, None),
    ("md5", "Tm9uY2U=", MD5, USER),
    ("md5", "Nonce", MD5, USER),
], ids=["basic", "md5-base64", "md5-literal"])
def test_protocol_5_the_known_answers(device, serve, code, type, nonce, data, name):
    server = serve([challenge(code, chal(type, nonce)), accept(212, 2, SET), {}])
    enrol(device, server)
    device.sync()
    assert creds(server) == [None, (f"syncml:auth-{type}", data, name), None]
    assert device.get("HelpPhoneNumber") == "set"


def test_protocol_5_all_of_package_1_again_as_message_2_after_the_Status(device, serve):
    server = serve([challenge(), accept(212, 2, SET), {}])
    enrol(device, server)
    device.sync()
    first, again, _ = server.exchanges
    assert [one.header("MsgID") for one in server.exchanges] == ["1", "2", "3"]
    assert again.header("SessionID") == first.header("SessionID")
    assert again.statuses == [("SyncHdr", "0", 200)]
    assert [name_of(one) for one in again.elements] == ["Status", "Alert", "Alert", "Replace",
                                                        "Final"]
    assert again.alerts == first.alerts


def test_protocol_5_both_sides_ask_and_prove_at_once(device, serve):
    """The Status of the server's header says that its Cred was right."""
    server = serve([challenge(header=cred("md5", md5("", SERVER_SECRET, b"nonce"))),
                    accept(212, 2, SET), {}])
    enrol(device, server)
    device.sync()
    assert [one.statuses[0] for one in server.exchanges[1:]] == [("SyncHdr", "0", 212)] * 2
    assert creds(server)[1][1] == MD5


def test_protocol_5_commands_beside_a_challenge_do_not_run(device, serve):
    server = serve([challenge(commands=[SET]), accept(212, 2)])
    enrol(device, server)
    device.sync()
    assert device.get("HelpPhoneNumber") != "set"


def test_protocol_5_200_keeps_Cred_and_NextNonce_replaces_the_old(device, serve):
    server = serve([challenge(), accept(200, 2, SET, challenge=chal(nonce=b64(b"two"))),
                    accept(200, 3, SET), accept(212, 4, {**SET, "data": "more"}), {}])
    enrol(device, server)
    device.sync()
    second = ("syncml:auth-md5", md5(USER, SECRET, b"two"), USER)
    assert creds(server) == [None, ("syncml:auth-md5", MD5, USER), second, second, None]


@pytest.mark.parametrize("first, data", [("Tm9uY2U=", MD5), ("Nonce", MD5),
                                         ("nonce", md5(USER, SECRET, b"nonce"))])
def test_protocol_5_without_NextNonce_the_first_nonce_of_the_account(device, serve, first, data):
    server = serve([challenge(challenge=chal(nonce=None)), accept(212, 2)])
    enrol(device, server, first)
    device.sync()
    assert creds(server)[1][1] == data


@pytest.mark.parametrize("steps, n", [
    ([challenge(), {"statuses": [header_status(401, 2, chal())]}], 2),
    ([challenge(), {"statuses": [header_status(407, 2, chal())]}], 2),
    ([challenge(challenge="")], 1),
    ([challenge(challenge=chal("MAC"))], 1),
    ([accept(200, 1, SET), {"statuses": [header_status(401, 2, chal())]}], 2),
], ids=["refused", "asked-again", "no-Chal", "another-type", "in-the-middle"])
def test_protocol_5_once_then_the_session_has_failed(device, serve, steps, n):
    server = serve(steps)
    enrol(device, server)
    assert "credentials" in device.sync(expect=CREDENTIALS).stderr
    assert len(server.exchanges) == n
    assert device.session_property("LastError") == "credentials"


def test_protocol_5_an_account_without_credentials_has_nothing_to_send(device, serve):
    server = serve([challenge()])
    document = device.document(server.address).replace('name="AAUTHSECRET"', 'name="AAUTHDATA"')
    device.provision(document)
    assert "APPSRV" in device.sync(expect=CREDENTIALS).stderr
    assert len(server.exchanges) == 1


def test_protocol_5_no_Cred_to_a_host_that_is_not_listed(device, serve):
    """A RespURI elsewhere, beside the challenge, gets nothing."""
    other = serve([{}])
    elsewhere = other.address.replace("localhost", "127.0.0.1")
    server = serve([challenge(header={"extra": f"<RespURI>{elsewhere}</RespURI>"}),
                    accept(212, 2)])
    enrol(device, server)
    device.sync()
    assert len(server.exchanges) == 2 and other.exchanges == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"], ids=["listed", "stranger"])
def test_protocol_5_a_redirect_takes_Cred_to_listed_hosts_only(device, serve, certs_dir, host):
    """The answer to the challenge is sent on to another port of the listed host, or nowhere."""
    with MdmServer(certs_dir, [{}]) as other:  # for which the session begins in the middle
        elsewhere = other.address.replace("localhost", host)
        server = serve([challenge(), {"http": {"status": 307,
                                               "headers": {"Location": elsewhere}}}])
        enrol(device, server)
        device.sync(expect=None)
        assert creds(server)[1][1] == MD5
        if host == "localhost":
            assert [one.wire for one in other.exchanges] == [server.exchanges[1].wire]
        else:
            assert other.exchanges == [] and other.handshakes == 0


# -- the server's own ------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [
    cred("basic", b64(f":{SERVER_SECRET}".encode())),
    cred("md5", md5("", SERVER_SECRET, b"nonce")),
], ids=["basic", "md5"])
@pytest.mark.parametrize("demanded", [False, True])
def test_protocol_5_a_right_Cred_of_the_server_is_212(device, serve, header, demanded):
    server = serve([{"commands": [SET], "header": header}, {}])
    enrol(device, server, demanded=demanded)
    device.sync()
    assert server.exchanges[1].statuses[0] == ("SyncHdr", "0", 212)
    assert server.exchanges[1].codes == [200]
    assert device.get("HelpPhoneNumber") == "set"


def get_chal(exchange):
    status = next(one for one in exchange.elements if name_of(one) == "Status")
    return find(status, "Chal")


def test_protocol_5_a_wrong_Cred_of_the_server_is_401_and_nothing_runs(device, serve):
    server = serve([{"commands": [SET], "header": cred("basic", b64(b"x:wrong"))}, {}])
    enrol(device, server)
    device.sync()
    answer = server.exchanges[1]
    assert answer.statuses == [("SyncHdr", "0", 401), ("Replace", answer.statuses[1][1], 401)]
    assert text_of(get_chal(answer), "Meta/Type") == "syncml:auth-md5"
    assert len(base64.b64decode(text_of(get_chal(answer), "Meta/NextNonce"))) == 16
    assert device.get("HelpPhoneNumber") != "set"


def test_protocol_5_a_server_that_mends_its_Cred_goes_on(device, serve):
    """The new nonce is what its next Cred is made with."""
    def mended(exchange):
        nonce = base64.b64decode(text_of(get_chal(exchange), "Meta/NextNonce"))
        return {"commands": [SET], "header": cred("md5", md5("", SERVER_SECRET, nonce))}

    server = serve([{"commands": [SET], "header": cred("md5", "d3Jvbmc=")}, mended, {}])
    enrol(device, server)
    device.sync()
    assert [one.statuses[0][2] for one in server.exchanges[1:]] == [401, 212]
    assert device.get("HelpPhoneNumber") == "set"


def test_protocol_5_a_wrong_Cred_twice_aborts(device, serve):
    server = serve([{"commands": [SET], "header": cred("basic", b64(b"x:wrong"))},
                    {"commands": [SET], "header": cred("basic", b64(b"x:wronger")),
                     "may_abort": True}])
    enrol(device, server)
    assert "CLIENT" in device.sync(expect=CREDENTIALS).stderr
    assert server.exchanges[2].alerts == ["1223"]
    assert server.exchanges[2].statuses == [("SyncHdr", "0", 401)]


def test_protocol_5_a_Cred_is_demanded_only_by_configuration(device, certs_dir):
    with MdmServer(certs_dir, [{"commands": [SET]}, {}]) as server:
        enrol(device, server, demanded=True)
        device.sync(expect=CREDENTIALS)
        assert server.exchanges[1].statuses[0] == ("SyncHdr", "0", 407)
        assert get_chal(server.exchanges[1]) is not None
        assert device.get("HelpPhoneNumber") != "set"


# -- nonces outlive the session --------------------------------------------------------------------


@pytest.mark.parametrize("accepted, nonce", [
    ([accept(212, 2, challenge=chal(nonce=b64(b"two")))], b"two"),
    ([accept(200, 2, SET, challenge=chal(nonce=b64(b"two"))), accept(212, 3)], b"two"),
    ([accept(212, 2)], b"Nonce"),
], ids=["with-212", "with-200", "of-the-challenge"])
def test_protocol_5_the_next_session_begins_with_the_last_nonce(device, serve, accepted, nonce):
    """Where the server then names none; a restart of the service in between changes nothing."""
    server = serve({"sessions": [[challenge(), *accepted],
                                 [challenge(challenge=chal(nonce=None)), accept(212, 2)]]})
    enrol(device, server)
    device.sync()
    device.env.agent.kill()
    device.env.start_agent()
    device.sync()
    assert creds(server)[-1][1] == md5(USER, SECRET, nonce)


def test_protocol_5_a_nonce_without_proof_is_not_kept(device, serve):
    """The first server refuses the credentials: what it said of nonces is forgotten."""
    server = serve({"sessions": [[challenge(), accept(401, 2, challenge=chal(nonce="dHdv"))],
                                 [challenge(challenge=chal(nonce=None)), accept(212, 2)]]})
    enrol(device, server)
    device.sync(expect=CREDENTIALS)
    device.sync()
    assert creds(server)[-1][1] == md5(USER, SECRET, b"nonce")


def test_protocol_5_the_server_s_new_nonce_holds_in_the_next_session(device, serve):
    kept = []

    def mended(exchange):
        kept.append(base64.b64decode(text_of(get_chal(exchange), "Meta/NextNonce")))
        return {"commands": [SET], "header": cred("md5", md5("", SERVER_SECRET, kept[0]))}

    def again(_exchange):
        return {"commands": [SET], "header": cred("md5", md5("", SERVER_SECRET, kept[0]))}

    server = serve({"sessions": [
        [{"commands": [SET], "header": cred("md5", "d3Jvbmc=")}, mended, {}], [again, {}]]})
    enrol(device, server)
    device.sync()
    device.sync()
    assert server.exchanges[-1].statuses[0] == ("SyncHdr", "0", 212)


# -- secrets ---------------------------------------------------------------------------------------


def test_protocol_5_never_in_a_log(device, serve):
    server = serve({"sessions": [
        [challenge(), accept(200, 2, SET, challenge=chal(nonce="Y2FuYXJ5")), {}],
        [challenge(challenge=chal("basic", None)), accept(401, 2)],
        [{"commands": [SET], "header": cred("basic", b64(f":{SERVER_SECRET}".encode()))}, {}]]})
    outputs = [enrol(device, server)]
    outputs += [device.sync(expect=code, G_MESSAGES_DEBUG="all") for code in (0, CREDENTIALS, 0)]
    text = "".join(one.stdout + one.stderr for one in outputs) + device.env.agent.output()
    sent = [data for one in creds(server) if one for data in one[1:2]]
    assert len(sent) >= 3
    for secret in (SECRET, SERVER_SECRET, "Y2FuYXJ5", b64(f":{SERVER_SECRET}".encode()), *sent):
        assert secret not in text
    for path in device.env.dir.rglob("*journal*"):
        if path.is_file():
            assert SECRET not in path.read_text(errors="replace")
