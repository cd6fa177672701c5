# SPDX-License-Identifier: MIT
"""Signed requests (rules S2) and application-layer security (S4) on the wire. The server's side is
the openssl command (tests/server/cms.py): it opens what the device sends, and makes what it gets."""

import base64
import re
import subprocess

import pytest

import certs
import cms
from device import node
from redirector import Redirector
from syncml import CONTENT_TYPE
from test_endings import CODES

pytestmark = pytest.mark.long

PHONE = node("HelpPhoneNumber")
CANARY = "canary-5f1d77"
SET = {"verb": "Replace", "loc_uri": PHONE, "data": CANARY}
GET = {"verb": "Get", "loc_uri": PHONE}
MODES = [cms.SIGN, cms.ENCRYPT, cms.BOTH]


@pytest.fixture(scope="session")
def more_certs(certs_dir):
    """More certificates: NAME-rsa with RSA keys, and the server's for S4, sealing and old."""
    for name in ("sealing", "sealing-rsa", "other-sealing", "client-rsa"):
        if name.endswith("-rsa"):
            certs.make_key(f"{certs_dir}/{name}.key", "RSA")
        usage = "clientAuth" if name.startswith("client") else "serverAuth"
        names = certs.DEVICE if name.startswith("client") else "DNS:sealing.example.test"
        certs.sign(certs_dir, name, name, authority="ca", usage=usage, names=names)
    certs.sign(certs_dir, "sealing-expired", "sealing", certs.PAST, authority="ca")
    return certs_dir


@pytest.fixture
def secured(device, serve, more_certs):
    """secured(step, …, mode=…): a device whose tree asks for this mode, and its server."""

    def start(*steps, mode=0, server="sealing", client="client", cert0="sealing", cert1=None,
              signs=False, tree_mode=None, **options):
        security = cms.ServerSecurity(mode, f"{more_certs}/{server}", f"{more_certs}/{client}.pem",
                                      f"{more_certs}/ca.pem", signed_requests=signs)
        mdm = serve(list(steps), security=security, **options)
        device.enrol(mdm, certificate=client)
        settings = {"Cert0": read(more_certs, cert0), "Cert1": read(more_certs, cert1),
                    "SecurityMode": mode if tree_mode is None else tree_mode}
        for name, value in settings.items():
            if value:
                replace(device, f"EnhancedAppLayerSecurity/{name}", value)
        return mdm

    return start


def read(directory, name):
    """A certificate as the tree has it: base64 of its DER."""
    if name is None:
        return None
    with open(f"{directory}/{name}.pem", encoding="ascii") as file:
        return "".join(file.read().split("-----")[2].split())


def replace(device, path, value):
    device.env.ctl("replace", node(path), str(value), expect=0)


def fails(device, name, words):
    done = device.sync(expect=CODES[name])
    assert device.session_property("LastError") == name
    assert words in done.stderr
    assert CANARY not in done.stderr
    assert device.get("HelpPhoneNumber") != CANARY


# -- S2: the signature of a request ----------------------------------------------------------------


@pytest.mark.parametrize("client", ["client", "client-rsa"])
def test_S2_each_request_is_signed_over_its_body(device, secured, client):
    server = secured({"commands": [SET]}, {"commands": [GET]}, client=client, signs=True)
    replace(device, "RequireMessageSigning", "true")
    device.sync()
    assert len(server.exchanges) == 3
    assert len(server.security.signatures) == 3
    assert device.get("HelpPhoneNumber") == CANARY


def test_S2_the_signature_has_these_attributes_and_the_certificate(device, secured, more_certs):
    server = secured(signs=True)
    replace(device, "RequireMessageSigning", "true")
    device.sync()
    header = server.exchanges[0].headers["MDM-Signature"]
    assert re.fullmatch(r"[A-Za-z0-9+/]+=*", header)
    signature = base64.b64decode(header)
    text = cms.show(signature)
    signed = text[text.index("signedAttrs:"):text.index("signatureAlgorithm:",
                                                       text.index("signedAttrs:"))]
    assert set(re.findall(r"object: (\S+)", signed)) == {
        "contentType", "messageDigest", "signingTime", "id-smime-aa-signingCertificateV2"}
    assert "eContent: <ABSENT>" in text
    assert re.search(r"digestAlgorithm:\s+algorithm: sha256 ", text)
    inside = cms.openssl("cms", "-cmsout", "-inform", "DER", "-noout", "-certsout", "/dev/stdout",
                         data=signature).decode()
    with open(f"{more_certs}/client.pem", encoding="ascii") as file:
        assert inside.strip() == file.read().strip()


def test_S2_a_body_that_was_changed_does_not_verify(device, secured, more_certs):
    server = secured(signs=True)
    replace(device, "RequireMessageSigning", "true")
    device.sync()
    with pytest.raises(cms.CmsError):
        cms.verify(server.security.signatures[0], f"{more_certs}/ca.pem",
                   content=server.exchanges[0].wire + b" ")


def test_S2_no_signature_without_the_setting(device, secured):
    secured()  # which is a violation where one comes
    device.sync()


def test_S2_a_local_setting_demands_it_and_a_server_cannot_switch_it_off(device, secured):
    device.configure("require-signing=true")
    secured({"commands": [{"verb": "Replace", "loc_uri": node("RequireMessageSigning"),
                           "data": "false"}]}, signs=True)
    replace(device, "RequireMessageSigning", "false")
    device.sync()
    device.sync()


# -- S4: good messages -----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("server,client", [("sealing", "client"), ("sealing-rsa", "client-rsa"),
                                           ("sealing", "client-rsa")])
def test_S4_a_session(device, secured, mode, server, client):
    mdm = secured({"commands": [SET]}, {"commands": [GET]}, mode=mode, server=server, cert0=server,
                  client=client)
    device.sync()
    assert device.get("HelpPhoneNumber") == CANARY
    assert mdm.exchanges[2].results == {PHONE: (None, CANARY)}
    encrypted = bool(mode & cms.ENCRYPT)
    assert all((b"SyncML" in one.wire) != encrypted for one in mdm.exchanges)


def test_S4_what_is_sent_is_AES_256_CBC(device, secured):
    mdm = secured(mode=cms.ENCRYPT)
    device.sync()
    assert "aes-256-cbc" in cms.show(mdm.exchanges[0].wire)


def test_S4_the_request_s_signature_is_over_the_encrypted_body(device, secured):
    secured({"commands": [SET]}, mode=cms.BOTH, signs=True)
    replace(device, "RequireMessageSigning", "true")
    device.sync()
    assert device.get("HelpPhoneNumber") == CANARY


def ber(security, message):
    """With indefinite lengths, as a program writes that does not know the size beforehand."""
    if security.mode & cms.SIGN:
        message = cms.sign(message, security.own + ".pem", security.own + ".key", "-stream")
    if security.mode & cms.ENCRYPT:
        message = cms.encrypt(message, security.device, "-stream")
    assert message[1] == 0x80
    return message, "application/pkcs7-mime; smime-type=signed-data"


@pytest.mark.parametrize("mode", MODES)
def test_S4_BER_with_indefinite_lengths_is_taken(device, secured, mode):
    secured({"commands": [SET], "seal": ber}, mode=mode)
    device.sync()
    assert device.get("HelpPhoneNumber") == CANARY


# -- S4: bad messages ------------------------------------------------------------------------------


def in_the_clear(_security, message):
    return message, CONTENT_TYPE


def called_cms(_security, message):
    return message, cms.CONTENT_TYPE


def nothing(_security, _message):
    return b"", cms.CONTENT_TYPE


def tampered(security, message):
    wrapped = bytearray(security.wrap(message))
    wrapped[-20] ^= 0x01  # in the signature, or in the last blocks of the cipher
    return bytes(wrapped), cms.CONTENT_TYPE


def tampered_content(security, message):
    wrapped = security.wrap(message).replace(CANARY.encode(), CANARY.upper().encode())
    return wrapped, cms.CONTENT_TYPE


def truncated(security, message):
    return security.wrap(message)[:-40], cms.CONTENT_TYPE


def with_a_tail(security, message):
    return security.wrap(message) + b"\0\0", cms.CONTENT_TYPE


def only_signed(security, message):
    return security.wrap(message, cms.SIGN), cms.CONTENT_TYPE


def only_encrypted(security, message):
    return security.wrap(message, cms.ENCRYPT), cms.CONTENT_TYPE


def by_another(security, message):
    other = security.own.rpartition("/")[0] + "/other-sealing"
    return security.wrap(message, own=other), cms.CONTENT_TYPE


def to_another(security, message):
    return cms.encrypt(message, security.own + ".pem"), cms.CONTENT_TYPE


def detached(security, message):
    return (cms.openssl("cms", "-sign", "-outform", "DER", "-binary", "-signer",
                        security.own + ".pem", "-inkey", security.own + ".key", data=message),
            cms.CONTENT_TYPE)


def by_sha1(security, message):
    return (cms.sign(message, security.own + ".pem", security.own + ".key", "-md", "sha1"),
            cms.CONTENT_TYPE)


def by_many(security, message):
    folder = security.own.rpartition("/")[0]
    more = [word for name in ("server", "client", "other-sealing", "sealing-rsa")
            for word in ("-signer", f"{folder}/{name}.pem", "-inkey", f"{folder}/{name}.key")]
    return (cms.sign(message, security.own + ".pem", security.own + ".key", *more),
            cms.CONTENT_TYPE)


def by_many_digests(security, message):
    """OpenSSL hashes the content once for each that is announced."""
    der = security.wrap(message)
    announced = re.search(rb"\x31.(\x30.\x06\x09`\x86H\x01e\x03\x04\x02\x01(?:\x05\x00)?)", der,
                          re.DOTALL)
    algorithms = announced[1] * 25000
    return (b"\x30\x80\x06\x09*\x86H\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80\x02\x01\x01"
            b"\x31\x83" + len(algorithms).to_bytes(3, "big") + algorithms + der[announced.end():]
            + bytes(6)), cms.CONTENT_TYPE


def by_3des(security, message):
    return cms.encrypt(message, security.device, cipher="-des3"), cms.CONTENT_TYPE


def by_aes_128(security, message):
    return cms.encrypt(message, security.device, cipher="-aes-128-cbc"), cms.CONTENT_TYPE


def to_many(security, message):
    return cms.encrypt(message, *([security.device] * 16), security.device), cms.CONTENT_TYPE


BAD = [
    *[(mode, seal, words) for mode in MODES for seal, words in (
        (in_the_clear, "in the clear"), (called_cms, "not a CMS message"),
        (nothing, "empty"), (truncated, "not a CMS message"),
        (with_a_tail, "behind the CMS message"))],
    (cms.SIGN, only_encrypted, "not signed"), (cms.ENCRYPT, only_signed, "not encrypted"),
    (cms.BOTH, only_encrypted, "not a CMS message"), (cms.BOTH, only_signed, "not encrypted"),
    (cms.SIGN, tampered, "signature is wrong"), (cms.ENCRYPT, tampered, ""),
    (cms.BOTH, tampered, ""), (cms.SIGN, tampered_content, "signature is wrong"),
    (cms.SIGN, by_another, "somebody else"), (cms.BOTH, by_another, "somebody else"),
    (cms.SIGN, detached, "no content"), (cms.SIGN, by_sha1, "weaker"),
    (cms.SIGN, by_many, "too many"), (cms.SIGN, by_many_digests, "too many digests"), (cms.ENCRYPT, to_another, "not encrypted to this device"),
    (cms.ENCRYPT, by_3des, "AES-256-CBC"), (cms.ENCRYPT, by_aes_128, "AES-256-CBC"),
    (cms.ENCRYPT, to_many, "too many"),
]


@pytest.mark.parametrize("mode,seal,words", BAD,
                         ids=[f"{mode}-{seal.__name__}" for mode, seal, _ in BAD])
def test_S4_a_bad_answer_ends_the_session_and_nothing_of_it_runs(device, secured, mode, seal,
                                                                 words):
    mdm = secured({"commands": [SET], "seal": seal, "refused": True}, mode=mode)
    # What CBC leaves of a block that was changed need not be noticed before the XML is read.
    name = "security"
    if mode == cms.ENCRYPT and seal is tampered:
        done = device.sync(expect=None)
        assert done.returncode in (CODES["security"], CODES["malformed"])
        assert device.get("HelpPhoneNumber") != CANARY
    else:
        fails(device, name, words)
    assert len(mdm.exchanges) == 1


@pytest.mark.parametrize("seal,words", [(tampered, "signature is wrong"),
                                        (by_another, "somebody else")])
def test_S4_an_RSA_signature(device, secured, seal, words):
    secured({"commands": [SET], "seal": seal, "refused": True}, mode=cms.SIGN,
            server="sealing-rsa", cert0="sealing-rsa")
    fails(device, "security", words)


@pytest.mark.parametrize("host, status", [("localhost", 307), ("localhost", 308),
                                          ("127.0.0.1", 307), ("localhost", 302)])
def test_S2_a_redirect_takes_the_signature_to_listed_hosts_only(device, secured, more_certs, host,
                                                                status):
    """Where it is followed, it is over the same bytes (protocol.md 4)."""
    mdm = secured({"commands": [SET]}, signs=True)
    replace(device, "RequireMessageSigning", "true")
    with Redirector(more_certs, status, mdm.address.replace("localhost", host)
                    + "?mode=Machine&Platform=Linux") as first:
        mdm.redirected_from = first.address
        replace(device, "ManagementServiceAddress", first.address)
        device.sync(expect=None)
        assert "MDM-Signature" in first.requests[0][1]
        if (host, status) in (("localhost", 307), ("localhost", 308)):
            assert len(mdm.security.signatures) == len(first.requests) == 2
            assert device.get("HelpPhoneNumber") == CANARY
        else:
            assert mdm.exchanges == [] and mdm.handshakes == 0


# -- S4: sizes -------------------------------------------------------------------------------------


def of_size(size):
    """A message of so many bytes, before it is wrapped."""
    head = ('<SyncML xmlns="SYNCML:SYNCML1.2"><SyncHdr><VerDTD>1.2</VerDTD><VerProto>DM/1.2'
            "</VerProto><SessionID>@SESSION_ID@</SessionID><MsgID>@MSG_ID@</MsgID><Target><LocURI>"
            "@TARGET@</LocURI></Target><Source><LocURI>@SOURCE@</LocURI></Source></SyncHdr>"
            "<SyncBody><Final/></SyncBody></SyncML>")
    return {"body": head, "seal": lambda security, message: (
        security.wrap(message.ljust(size)), cms.CONTENT_TYPE)}


@pytest.mark.parametrize("mode", MODES)
def test_S4_a_message_may_be_as_large_as_in_the_clear(device, secured, mode):
    """524,288 bytes, whatever is around them; one more is an error that says so."""
    mdm = secured(mode=mode)
    mdm.script.sessions[:] = [[of_size(524288)], [{**of_size(524289), "may_abort": True}]]
    device.sync()
    fails(device, "too-large", "524288")


def test_S4_a_body_over_what_wrapping_may_add_is_cut_off(device, secured):
    mdm = secured(mode=cms.SIGN)
    mdm.script.sessions[:] = [[{**of_size(600000), "may_abort": True}]]
    fails(device, "too-large", "589824")


@pytest.mark.parametrize("mode", [cms.SIGN, cms.BOTH])
def test_S4_no_sealed_answer_is_larger_than_a_server_takes(device, secured, mode):
    """An answer that in the clear would just fit into one message."""
    text = "x" * 1000
    path = node("CustomEnrollmentCompletePage/BodyText")
    gets = [{"verb": "Get", "loc_uri": path}] * 418
    mdm = secured({"commands": gets}, {"commands": [{"verb": "Alert", "code": 1222}],
                                       "final": False}, mode=mode)
    device.env.ctl("add", path, text, expect=0)
    device.sync()
    sizes = [len(one.wire) for one in mdm.exchanges]
    assert max(sizes) > 500000 and all(size <= 524288 for size in sizes), sizes
    assert sum(len(one.codes) - len(one.alerts) for one in mdm.exchanges[1:]) >= 418


# -- S4: which certificate -------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
def test_S4_Cert1_if_Cert0_is_expired(device, secured, mode):
    secured({"commands": [SET]}, mode=mode, cert0="sealing-expired", cert1="sealing")
    device.sync()
    assert device.get("HelpPhoneNumber") == CANARY


def test_S4_Cert0_first(device, secured, more_certs):
    mdm = secured(mode=cms.ENCRYPT, cert0="sealing", cert1="other-sealing")
    device.sync()  # the server opens by Cert0's key only
    assert mdm.exchanges[0].statuses == []


def test_S4_either_may_sign(device, secured):
    secured({"commands": [SET]}, mode=cms.SIGN, cert0="other-sealing", cert1="sealing")
    device.sync()
    assert device.get("HelpPhoneNumber") == CANARY


def test_S4_nothing_is_sent_where_neither_can_be_used(device, secured):
    mdm = secured(mode=cms.SIGN, cert0="sealing-expired", cert1="sealing-expired")
    fails(device, "certificate", "Cert0: expired; Cert1: expired")
    assert mdm.exchanges == []


def test_S4_a_server_that_only_signs_may_do_so_by_its_certificate_for_TLS(device, secured):
    secured({"commands": [SET]}, mode=cms.SIGN, server="server", cert0=None)
    device.sync()
    assert device.get("HelpPhoneNumber") == CANARY


@pytest.mark.parametrize("signer", ["sealing", "server-untrusted", "server-wrong-host", "client",
                                    "server-expired"])
def test_S4_but_by_no_other(device, secured, signer):
    secured({"commands": [SET], "refused": True}, mode=cms.SIGN, server=signer, cert0=None)
    fails(device, "security", "somebody else")


# -- S4: revocation --------------------------------------------------------------------------------


def make_crl(directory, path, *revoked, until="+30"):
    """A CRL of the tests' CA, by the openssl command."""
    config = path.with_suffix(".cnf")
    index = path.with_suffix(".index")
    config.write_text(f"[ca]\ndefault_ca=this\n[this]\ndatabase={index}\ndefault_md=sha256\n"
                      "crl_extensions=more\n[more]\nauthorityKeyIdentifier=keyid\n")
    index.write_text("")
    ca = ["openssl", "ca", "-config", config, "-cert", f"{directory}/ca.pem", "-keyfile",
          f"{directory}/ca.key"]
    for name in revoked:
        subprocess.run([*ca, "-revoke", f"{directory}/{name}.pem"], check=True,
                       capture_output=True)
    dates = (["-crldays", "30"] if until == "+30" else
             ["-crl_lastupdate", "20200101000000Z", "-crl_nextupdate", until])
    subprocess.run([*ca, "-gencrl", *dates, "-out", path], check=True, capture_output=True)
    return path


def test_S4_Cert1_if_Cert0_is_revoked(device, secured, more_certs, tmp_path):
    crl = make_crl(more_certs, tmp_path / "crl.pem", "sealing-rsa")
    device.configure(f"crl-file={crl}")
    secured({"commands": [SET]}, mode=cms.BOTH, cert0="sealing-rsa", cert1="sealing")
    device.sync()
    assert device.get("HelpPhoneNumber") == CANARY


def test_S4_revoked_is_revoked_though_the_CRL_is_old(device, secured, more_certs, tmp_path):
    crl = make_crl(more_certs, tmp_path / "crl.pem", "sealing", until="20210101000000Z")
    device.configure(f"crl-file={crl}")
    secured(mode=cms.BOTH)
    fails(device, "certificate", "Cert0: revoked; Cert1: not set")


@pytest.mark.parametrize("kind,works", [("none", False), ("current", True), ("old", False),
                                        ("of another issuer", False)])
def test_S4_what_cannot_be_checked_is_not_used_where_the_tree_says_so(device, secured, more_certs,
                                                                      tmp_path, kind, works):
    if kind == "of another issuer":
        certs.sign(str(tmp_path), "ca", "some other CA")
        crl = make_crl(tmp_path, tmp_path / "crl.pem")
    else:
        crl = make_crl(more_certs, tmp_path / "crl.pem",
                       until="20210101000000Z" if kind == "old" else "+30")
    if kind != "none":
        device.configure(f"crl-file={crl}")
    secured({"commands": [SET]}, mode=cms.SIGN)
    replace(device, "EnhancedAppLayerSecurity/UseCertIfRevocationCheckOffline", "false")
    if works:
        device.sync()
        assert device.get("HelpPhoneNumber") == CANARY
    else:
        fails(device, "certificate", "not checked for revocation")


def test_S4_a_CRL_file_that_is_not_there_is_named(device, secured, tmp_path):
    device.configure(f"crl-file={tmp_path}/nowhere.pem")
    secured(mode=cms.SIGN)
    fails(device, "certificate", "nowhere.pem")


# -- floors ----------------------------------------------------------------------------------------


def test_S4_a_local_minimum_is_kept_though_the_server_wants_less(device, secured):
    device.configure(f"minimum-security-mode={cms.BOTH}")
    secured({"commands": [SET]}, mode=cms.BOTH, tree_mode=0)
    device.sync()
    assert device.get("HelpPhoneNumber") == CANARY


def test_S4_a_local_minimum_without_a_certificate_is_an_error(device, secured):
    device.configure(f"minimum-security-mode={cms.ENCRYPT}")
    mdm = secured(mode=cms.ENCRYPT, tree_mode=0, cert0=None)
    fails(device, "certificate", "Cert0: not set; Cert1: not set")
    assert mdm.exchanges == []


def test_S4_more_than_the_minimum_is_the_server_s_to_say(device, secured):
    device.configure(f"minimum-security-mode={cms.SIGN}")
    secured({"commands": [SET]}, mode=cms.BOTH)
    device.sync()
    assert device.get("HelpPhoneNumber") == CANARY


# -- nothing of it in logs -------------------------------------------------------------------------


def test_G10_neither_content_nor_signature_nor_key_is_logged(device, secured, more_certs):
    mdm = secured({"commands": [SET, {"verb": "Get", "loc_uri": PHONE}]}, mode=cms.BOTH, signs=True)
    replace(device, "RequireMessageSigning", "true")
    done = device.sync(G_MESSAGES_DEBUG="all")
    signature = mdm.exchanges[0].headers["MDM-Signature"]
    with open(f"{more_certs}/client.key", encoding="ascii") as file:
        key = file.read().split("\n")[1]
    printed = done.stdout + done.stderr + "".join(
        log.read_text(errors="replace") for log in device.env.dir.glob("*.log"))
    for secret in (CANARY, signature[100:140], key, "BEGIN"):
        assert secret not in printed
