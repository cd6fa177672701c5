# SPDX-License-Identifier: MIT
"""The certificates are what their names say."""

import os
import stat
import subprocess
import sys

import pytest

import certs


def verify(directory, name, purpose, *more):
    return subprocess.run(
        ["openssl", "verify", "-CAfile", os.path.join(directory, "ca.pem"), "-purpose", purpose,
         *more, os.path.join(directory, name + ".pem")],
        capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name, purpose, host", [
    ("server", "sslserver", "localhost"), ("client", "sslclient", None)])
def test_good_ones_verify(certs_dir, name, purpose, host):
    more = ("-verify_hostname", host) if host else ()
    done = verify(certs_dir, name, purpose, *more)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_server_is_for_loopback_addresses(certs_dir, address):
    assert verify(certs_dir, "server", "sslserver", "-verify_ip", address).returncode == 0


@pytest.mark.parametrize("name, purpose, reason", [
    ("server-expired", "sslserver", "certificate has expired"),
    ("server-future", "sslserver", "certificate is not yet valid"),
    ("server-wrong-host", "sslserver", "hostname mismatch"),
    ("server-client-use", "sslserver", "unsuitable certificate purpose"),
    ("server-untrusted", "sslserver", "unable to get local issuer certificate"),
    ("client-expired", "sslclient", "certificate has expired"),
    ("client-untrusted", "sslclient", "unable to get local issuer certificate"),
    ("client", "sslserver", "unsuitable certificate purpose"),
])
def test_each_wrong_one_fails_for_its_reason(certs_dir, name, purpose, reason):
    more = ("-verify_hostname", "localhost") if purpose == "sslserver" else ()
    done = verify(certs_dir, name, purpose, *more)
    assert done.returncode != 0
    assert reason.lower() in done.stderr.lower()


def test_keys_are_private(certs_dir):
    for name in os.listdir(certs_dir):
        if name.endswith(".key"):
            assert stat.S_IMODE(os.stat(os.path.join(certs_dir, name)).st_mode) == 0o600


def test_thumbprint_is_what_openssl_says(certs_dir):
    path = os.path.join(certs_dir, "client.pem")
    text = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"],
                          capture_output=True, text=True, check=True).stdout
    assert text.strip().split("=")[1].replace(":", "").lower() == certs.thumbprint(path)


def test_command_line_makes_them(tmp_path):
    subprocess.run([sys.executable, certs.__file__, str(tmp_path / "new")], check=True)
    assert (tmp_path / "new" / "client.pem").exists()
