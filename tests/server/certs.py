#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the certificates of the tests with the openssl command, wrong ones included.

    python3 tests/server/certs.py DIR

For each NAME below there are DIR/NAME.pem and DIR/NAME.key (P-256: quick to make):

    ca                the authority that both sides trust
    server            localhost, 127.0.0.1, ::1
    client            the device's
    server-expired    as server, but its time is over
    server-future     as server, but its time has not come
    server-wrong-host for another host
    server-client-use for localhost, but for clients only
    client-expired    as client, but its time is over
    other-ca          an authority that nobody trusts
    server-untrusted  as server, by other-ca
    client-untrusted  as client, by other-ca
    server-revoked    as server, but on the list of ca
    server-self       for localhost, signed by itself

and DIR/ca.crl, what ca has revoked, and DIR/ca-old.crl, the same but out of date.
"""

import base64
import hashlib
import os
import ssl
import subprocess
import sys
import tempfile

PAST = ("20200101000000Z", "20210101000000Z")
NOW = ("20240101000000Z", "20491231235959Z")
FUTURE = ("20480101000000Z", "20491231235959Z")
LOCAL = "DNS:localhost,IP:127.0.0.1,IP:::1"
DEVICE = "DNS:device-7f31.example.test"

# name, authority, common name, subjectAltName, extendedKeyUsage, time
LEAVES = [
    ("server", "ca", "localhost", LOCAL, "serverAuth", NOW),
    ("client", "ca", "device-7f31", DEVICE, "clientAuth", NOW),
    ("server-expired", "ca", "localhost", LOCAL, "serverAuth", PAST),
    ("server-future", "ca", "localhost", LOCAL, "serverAuth", FUTURE),
    ("server-wrong-host", "ca", "mdm.example.test", "DNS:mdm.example.test", "serverAuth", NOW),
    ("server-client-use", "ca", "localhost", LOCAL, "clientAuth", NOW),
    ("client-expired", "ca", "device-7f31", DEVICE, "clientAuth", PAST),
    ("server-untrusted", "other-ca", "localhost", LOCAL, "serverAuth", NOW),
    ("client-untrusted", "other-ca", "device-7f31", DEVICE, "clientAuth", NOW),
    ("server-revoked", "ca", "localhost", LOCAL, "serverAuth", NOW),
]

CONFIG = """
[req]
distinguished_name = dn
prompt = no
[dn]
CN = {name}
[ca]
default_ca = this
[this]
dir = {work}
database = {work}/index.txt
new_certs_dir = {work}
unique_subject = no
default_md = sha256
policy = any
rand_serial = yes
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = {usage}
subjectAltName = {names}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[itself]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = {usage}
subjectAltName = {names}
"""


def _openssl(*arguments):
    done = subprocess.run(("openssl",) + arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"openssl {' '.join(arguments)}:\n{done.stderr}")
    return done.stdout


def make_key(path, algorithm="EC"):
    """A private key, 0600: EC on P-256, or RSA with 2,048 bits."""
    option = {"EC": "ec_paramgen_curve:P-256", "RSA": "rsa_keygen_bits:2048"}[algorithm]
    previous = os.umask(0o077)
    try:
        _openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", path)
    finally:
        os.umask(previous)


def sign(directory, name, common_name, time=NOW, *, authority=None, usage="serverAuth",
         names=LOCAL, key_options=(), section="authority"):
    """A certificate for NAME.key, which is made if it is not there; without `authority` it signs
    itself, as `section` says. `key_options`: how openssl reaches a key that is somewhere else."""
    key = os.path.join(directory, name + ".key")
    if not key_options and not os.path.exists(key):
        make_key(key)
    with tempfile.TemporaryDirectory() as work:
        config, request = os.path.join(work, "config"), os.path.join(work, "request")
        with open(config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(name=common_name, work=work, usage=usage, names=names))
        with open(os.path.join(work, "index.txt"), "w", encoding="ascii"):
            pass
        _openssl("req", "-new", "-config", config, *(key_options or ("-key", key)),
                 "-out", request)
        signer = ("-selfsign", "-keyfile", key, "-extensions", section) if not authority else (
            "-cert", os.path.join(directory, authority + ".pem"),
            "-keyfile", os.path.join(directory, authority + ".key"), "-extensions", "leaf")
        _openssl("ca", "-batch", "-notext", "-config", config, "-in", request,
                 "-startdate", time[0], "-enddate", time[1],
                 "-out", os.path.join(directory, name + ".pem"), *signer)


def _list_revoked(directory, name, authority, time, path):
    """The list of `authority` with this certificate on it, in force for a time."""
    base = os.path.join(directory, authority)
    serial = _openssl("x509", "-noout", "-serial", "-in", os.path.join(directory, name + ".pem"))
    with tempfile.TemporaryDirectory() as work:
        config = os.path.join(work, "config")
        with open(config, "w", encoding="ascii") as file:
            file.write(CONFIG.format(name=authority, work=work, usage="serverAuth", names=LOCAL))
        with open(os.path.join(work, "index.txt"), "w", encoding="ascii") as file:
            file.write("\t".join(["R", "491231235959Z", "240101000000Z",
                                  serial.strip().split("=")[1], "unknown", f"/CN={name}"]) + "\n")
        _openssl("ca", "-gencrl", "-config", config, "-cert", base + ".pem", "-keyfile",
                 base + ".key", "-crl_lastupdate", time[0], "-crl_nextupdate", time[1],
                 "-out", os.path.join(directory, path))


def make(directory):
    """Makes all of them in `directory`, which is made if it is not there."""
    os.makedirs(directory, exist_ok=True)
    sign(directory, "ca", "dmclient test CA", NOW)
    sign(directory, "other-ca", "another test CA", NOW)
    for name, authority, common_name, names, usage, time in LEAVES:
        sign(directory, name, common_name, time, authority=authority, usage=usage, names=names)
    sign(directory, "server-self", "localhost", NOW, section="itself")
    _list_revoked(directory, "server-revoked", "ca", NOW, "ca.crl")
    _list_revoked(directory, "server-revoked", "ca", PAST, "ca-old.crl")


def pin(path):
    """The pin of a PEM certificate's key, as [broker] pins has it."""
    key = _openssl("x509", "-noout", "-pubkey", "-in", path).encode()
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return "sha256/" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def thumbprint(path):
    """SHA-256 of a PEM certificate, lower-case hex."""
    with open(path, encoding="ascii") as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 64
    make(sys.argv[1])
    return 0


if __name__ == "__main__":
    sys.exit(main())
