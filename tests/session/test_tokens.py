# SPDX-License-Identifier: MIT
"""Keys that stay in a TPM 2 or a PKCS #11 token (security.md section 4): the same key serves TLS and
signs messages."""

import os
import ssl

import pytest

import certs
import cms
import harness
import tokens
from device import PROVIDER, node
from test_endings import CODES
from test_security import read, replace

PHONE = node("HelpPhoneNumber")
SET = {"verb": "Replace", "loc_uri": PHONE, "data": "set"}
KINDS = ["tpm-rsa", "tpm-ec", "tpm-handle", "hsm-rsa", "hsm-ec"]

pytestmark = pytest.mark.skipif(tokens.missing() != "",
                                reason=f"not installed: {tokens.missing()}")


@pytest.fixture(scope="module")
def keys(tmp_path_factory, certs_dir):
    """{kind: (what --key takes, environment)}; the certificates are CERTS_DIR/KIND.pem."""
    directory = tmp_path_factory.mktemp("tokens")
    tpm, hsm = tokens.Tpm(directory / "tpm"), tokens.Hsm(directory / "hsm")
    found = {"tpm-rsa": tpm.make_key("rsa"), "tpm-ec": tpm.make_key("ec", "EC"),
             "tpm-handle": tpm.make_persistent_key("0x81000101"),
             "hsm-rsa": hsm.make_key("01", "rsa:2048"),
             "hsm-ec": hsm.make_key("02", "EC:prime256v1")}
    for kind, key in found.items():
        (tpm if kind.startswith("tpm") else hsm).sign(certs_dir, kind, key)
    yield {kind: (str(key), (tpm if kind.startswith("tpm") else hsm).environ)
           for kind, key in found.items()}
    tpm.stop()


def enrol(device, server, kind, keys, expect=0, certificate=None):
    key, environment = keys[kind]
    path = device.env.dir / "provisioning.xml"
    path.write_text(device.document(server.address))
    search = f"{harness.BROKER.parent}:{os.environ['PATH']}"
    return device.env.ctl("provision", path, "--certificate",
                          f"{device.certs_dir}/{certificate or kind}.pem", "--key", key,
                          expect=expect, PATH=search, **environment)


def stored(device, kind, ending):
    name = certs.thumbprint(f"{device.certs_dir}/{kind}.pem") + ending
    return device.env.state_dir / "broker" / name


@pytest.mark.parametrize("tls_max", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("kind", KINDS)
def test_security_4_a_session_by_a_key_in_a_token(device, serve, keys, kind, tls_max):
    server = serve([{"commands": [SET]}], tls_max=tls_max)
    enrol(device, server, kind, keys)
    device.sync(**keys[kind][1])
    assert server.exchanges[0].certificate == certs.thumbprint(f"{device.certs_dir}/{kind}.pem")
    assert device.get("HelpPhoneNumber") == "set"


@pytest.mark.parametrize("kind", KINDS)
def test_security_4_no_key_is_in_a_file(device, serve, keys, kind):
    enrol(device, serve([]), kind, keys)
    path = stored(device, kind, ".key")
    text = path.read_text()
    assert "BEGIN PRIVATE KEY" not in text
    assert text.strip() == keys[kind][0] or text.startswith("-----BEGIN TSS2 PRIVATE KEY")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def sealed(device, serve, certs_dir):
    """sealed(kind, keys, mode): enrolled by a token's key, with signed requests and this mode."""
    certs.sign(certs_dir, "token-server", "token-server", authority="ca")

    def start(kind, keys, mode):
        security = cms.ServerSecurity(mode, f"{certs_dir}/token-server", f"{certs_dir}/{kind}.pem",
                                      f"{certs_dir}/ca.pem", signed_requests=True)
        server = serve([{"commands": [SET]}], security=security)
        enrol(device, server, kind, keys)
        replace(device, "RequireMessageSigning", "true")
        replace(device, "EnhancedAppLayerSecurity/Cert0", read(certs_dir, "token-server"))
        replace(device, "EnhancedAppLayerSecurity/SecurityMode", mode)
        return server

    return start


@pytest.mark.parametrize("kind,mode", [
    *[(kind, cms.SIGN) for kind in KINDS], ("tpm-rsa", cms.BOTH), ("hsm-rsa", cms.BOTH),
    ("tpm-rsa", cms.ENCRYPT)])
def test_S2_S4_the_same_key_signs_and_decrypts(device, sealed, keys, kind, mode):
    server = sealed(kind, keys, mode)
    device.sync(**keys[kind][1])
    assert len(server.security.signatures) == 2
    assert device.get("HelpPhoneNumber") == "set"


@pytest.mark.parametrize("kind", ["tpm-ec", "hsm-ec"])
def test_S4_an_EC_key_in_a_token_only_signs(device, sealed, keys, kind):
    server = sealed(kind, keys, cms.BOTH)
    done = device.sync(expect=CODES["certificate"], **keys[kind][1])
    assert "only signs" in done.stderr
    assert server.exchanges == []


@pytest.mark.parametrize("kind", ["tpm-rsa", "hsm-ec"])
def test_S5_the_old_key_in_a_token_signs_the_identifier(device, serve, keys, kind):
    enrol(device, serve([]), kind, keys)
    replace(device, "EntDMID", "the-device")
    path = f"{device.certs_dir}/client"
    device.env.run(harness.BROKER, "--renew", PROVIDER, "--import-certificate", path + ".pem",
                   "--key", path + ".key", expect=0, **keys[kind][1])
    cms.verify(cms.base64.b64decode(device.get("SignedEntDMID")), f"{device.certs_dir}/ca.pem",
               content=b"the-device", certificate=f"{device.certs_dir}/{kind}.pem")


@pytest.mark.parametrize("kind", KINDS)
def test_security_4_a_token_that_is_not_there_is_said(device, serve, keys, kind):
    server = serve([])
    enrol(device, server, kind, keys)
    done = device.sync(expect=CODES["certificate"], TPM2OPENSSL_TCTI="swtpm:host=127.0.0.1,port=1",
                       SOFTHSM2_CONF="/nonexistent",
                       **harness.without_leaks())  # the engine's, where its module fails
    assert "TPM" in done.stderr or "PKCS #11" in done.stderr
    assert server.exchanges == []


@pytest.mark.parametrize("kind", KINDS)
def test_security_4_another_certificate_s_key_is_refused(device, serve, keys, kind):
    done = enrol(device, serve([]), kind, keys, expect=1, certificate="client")
    assert "not the certificate's key" in done.stderr
    assert tokens.PIN not in done.stderr.replace(keys[kind][0], "")
    assert not stored(device, "client", ".key").exists()


@pytest.mark.parametrize("uri", ["file:/etc/x", "tpm2:0x81 01", "pkcs11:a\nb", "", "x" * 2000])
def test_security_4_what_is_no_key_s_URI_is_a_usage_error(device, uri):
    done = device.env.run(harness.BROKER, "--import-certificate", f"{device.certs_dir}/client.pem",
                          "--key-uri", uri, expect=64)
    assert "--key-uri" in done.stderr


def test_security_4_key_and_key_uri_are_one_too_many(device):
    device.env.run(harness.BROKER, "--import-certificate", f"{device.certs_dir}/client.pem",
                   "--key-uri", "tpm2:0x81000001", "--key", "x", expect=64)


def test_security_4_the_host_s_OpenSSL_configuration_plays_no_part(device, serve, keys, tmp_path):
    """One that leads to another module for the TPM, which keys of ours do not see."""
    config = tmp_path / "openssl.cnf"
    config.write_text("openssl_conf=all\n[all]\nproviders=providers\n[providers]\n"
                      "default=own\ntpm2=other\n[own]\nactivate=1\n"
                      "[other]\nmodule=/nonexistent/tpm2.so\n")
    server = serve([{"commands": [SET]}])
    enrol(device, server, "tpm-ec", keys)
    device.sync(OPENSSL_CONF=str(config), **keys["tpm-ec"][1])
    assert device.get("HelpPhoneNumber") == "set"
