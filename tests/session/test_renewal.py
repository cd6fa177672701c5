# SPDX-License-Identifier: MIT
"""Renewal of the enrolment's certificate (rules S5): what the old key signs is verified by the
openssl command."""

import base64
import os

import pytest

import certs
import cms
import harness
from device import PROVIDER, node

ID = "4d5c1d0e-6b1a-4f56-8a0e-ünïcode"


@pytest.fixture(scope="session")
def renewal_certs(certs_dir):
    """The second certificate of each device."""
    for name, algorithm in (("client-rsa-old", "RSA"), ("client-new", "EC")):
        certs.make_key(f"{certs_dir}/{name}.key", algorithm)
        certs.sign(certs_dir, name, "device-7f31", authority="ca", usage="clientAuth",
                   names=certs.DEVICE)
    return certs_dir


def renew(device, certificate, provider=PROVIDER, expect=0):
    path = f"{device.certs_dir}/{certificate}"
    return device.env.run(harness.BROKER, "--renew", provider, "--import-certificate",
                          path + ".pem", "--key", path + ".key", expect=expect)


@pytest.mark.parametrize("old", ["client", "client-rsa-old"])
def test_S5_the_old_key_signs_and_the_new_one_is_used(device, serve, renewal_certs, old):
    server = serve([])
    device.enrol(server, certificate=old)
    device.env.ctl("replace", node("EntDMID"), ID, expect=0)
    device.sync()
    done = renew(device, "client-new")
    new = certs.thumbprint(f"{renewal_certs}/client-new.pem")
    assert done.stdout.strip() == new
    signature = device.get("SignedEntDMID")
    assert len(signature) <= 1024
    assert cms.verify(base64.b64decode(signature, validate=True), f"{renewal_certs}/ca.pem",
                      content=ID.encode(), certificate=f"{renewal_certs}/{old}.pem")
    text = cms.show(base64.b64decode(signature))
    assert "certificates:\n    <ABSENT>" in text or "certificates:\n      <ABSENT>" in text
    assert device.get("CertRenewTimeStamp").endswith("Z")
    device.sync()
    assert server.exchanges[-1].certificate == new


def test_S5_another_key_s_signature_does_not_verify(device, serve, renewal_certs):
    device.enrol(serve([]))
    device.env.ctl("replace", node("EntDMID"), ID, expect=0)
    renew(device, "client-new")
    with pytest.raises(cms.CmsError):
        cms.verify(base64.b64decode(device.get("SignedEntDMID")), f"{renewal_certs}/ca.pem",
                   content=ID.encode() + b"x", certificate=f"{renewal_certs}/client.pem")


def test_S5_without_an_identifier_nothing_changes(device, serve, renewal_certs):
    server = serve([])
    device.enrol(server)
    done = renew(device, "client-new", expect=14)
    assert "EntDMID" in done.stderr
    assert device.get("SignedEntDMID") is None
    assert not os.path.exists(
        f"{device.env.state_dir}/broker/{certs.thumbprint(f'{renewal_certs}/client-new.pem')}.key")
    device.sync()
    assert server.exchanges[0].certificate == certs.thumbprint(f"{renewal_certs}/client.pem")


def test_S5_the_same_certificate_again_is_no_renewal(device, serve):
    device.enrol(serve([]))
    device.env.ctl("replace", node("EntDMID"), ID, expect=0)
    assert "already" in renew(device, "client", expect=20).stderr


def test_S5_a_provider_that_is_not_enrolled(device, serve, renewal_certs):
    device.enrol(serve([]))
    assert "Nobody" in renew(device, "client-new", provider="Nobody", expect=3).stderr
