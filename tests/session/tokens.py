# SPDX-License-Identifier: MIT
"""Tokens for tests: a TPM 2 in software (swtpm) and a PKCS #11 one (SoftHSM), private to a test."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess

import certs

PROVIDER = ("-provider", "tpm2", "-provider", "default", "-propquery", "?provider=tpm2")
PKCS11_MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "5678"


def missing():
    """What of the programs and modules is not installed, in words; "" if all is there."""
    programs = [name for name in ("swtpm", "tpm2_evictcontrol", "softhsm2-util", "pkcs11-tool")
                if shutil.which(name) is None]
    modules = [path for path in (PKCS11_MODULE, *(
        f"/usr/lib/{os.uname().machine}-linux-gnu/{name}"
        for name in ("ossl-modules/tpm2.so", "engines-3/pkcs11.so"))) if not os.path.exists(path)]
    return ", ".join(programs + modules)


def run(*arguments, **environment):
    subprocess.run([str(word) for word in arguments], check=True, capture_output=True,
                   env={**os.environ, **environment})


class Tpm:
    """A TPM with nothing in it, on the loopback interface. `environ` leads programs to it."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        (self.directory / "state").mkdir(parents=True)
        self.port = self._find_ports()
        pid = self.directory / "pid"
        # It goes into the background once it listens.
        run("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.directory}/state", "--server",
            f"type=tcp,port={self.port}", "--ctrl", f"type=tcp,port={self.port + 1}", "--flags",
            "not-need-init,startup-clear", "--daemon", "--pid", f"file={pid}")
        self.pid = int(pid.read_text())
        way = f"swtpm:host=127.0.0.1,port={self.port}"
        self.environ = {"TPM2OPENSSL_TCTI": way, "TPM2TOOLS_TCTI": way}

    @staticmethod
    def _find_ports():
        """The first of two in a row that are free, as TPM programs want them."""
        while True:
            with socket.socket() as server, socket.socket() as control:
                try:
                    server.bind(("127.0.0.1", 0))
                    control.bind(("127.0.0.1", server.getsockname()[1] + 1))
                except OSError:
                    continue
                return server.getsockname()[1]

    def stop(self):
        os.kill(self.pid, signal.SIGTERM)

    def flush(self):
        """Without a resource manager each program leaves its objects behind."""
        run("tpm2_flushcontext", "-t", **self.environ)

    def make_key(self, name, algorithm="RSA"):
        """A key file that only this TPM can read; returns its path."""
        path = self.directory / f"{name}.tss.pem"
        option = {"RSA": "bits:2048", "EC": "group:P-256"}[algorithm]
        run("openssl", "genpkey", *PROVIDER, "-algorithm", algorithm, "-pkeyopt", option, "-out",
            path, **self.environ)
        self.flush()
        return path

    def make_persistent_key(self, handle):
        """An EC key that stays in the TPM; returns its URI."""
        at = {name: self.directory / f"{name}.ctx" for name in ("primary", "pub", "priv", "key")}
        for words in (
                ("tpm2_createprimary", "-Q", "-C", "o", "-g", "sha256", "-G", "ecc", "-c",
                 at["primary"]),
                ("tpm2_create", "-Q", "-C", at["primary"], "-G", "ecc256", "-u", at["pub"], "-r",
                 at["priv"], "-a", "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign"),
                ("tpm2_flushcontext", "-t"),
                ("tpm2_load", "-Q", "-C", at["primary"], "-u", at["pub"], "-r", at["priv"], "-c",
                 at["key"]),
                ("tpm2_flushcontext", "-t"),
                ("tpm2_evictcontrol", "-Q", "-C", "o", "-c", at["key"], handle),
                ("tpm2_flushcontext", "-t")):
            run(*words, **self.environ)
        return f"handle:{handle}"

    def sign(self, directory, name, key):
        """A certificate of the tests' CA for a key of this TPM."""
        with _environment(self.environ):
            certs.sign(str(directory), name, "device-7f31", authority="ca", usage="clientAuth",
                       names=certs.DEVICE, key_options=(*PROVIDER, "-key", str(key)))
        self.flush()


class Hsm:
    """A PKCS #11 token. `environ` leads programs to it."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        (self.directory / "tokens").mkdir(parents=True)
        config = self.directory / "softhsm2.conf"
        config.write_text(f"directories.tokendir = {self.directory}/tokens\n"
                          "objectstore.backend = file\n")
        self.environ = {"SOFTHSM2_CONF": str(config)}
        run("softhsm2-util", "--init-token", "--free", "--label", "dmclient", "--so-pin", "1234",
            "--pin", PIN, **self.environ)

    def make_key(self, identifier, kind):
        """A key pair; returns the URI of the private one."""
        run("pkcs11-tool", "--module", PKCS11_MODULE, "--login", "--pin", PIN, "--token-label",
            "dmclient", "--keypairgen", "--key-type", kind, "--id", identifier, **self.environ)
        return (f"pkcs11:token=dmclient;id=%{identifier};type=private"
                f"?module-path={PKCS11_MODULE}&pin-value={PIN}")

    def sign(self, directory, name, uri):
        plain = uri.replace(f"module-path={PKCS11_MODULE}&", "")
        with _environment({**self.environ, "PKCS11_MODULE_PATH": PKCS11_MODULE}):
            certs.sign(str(directory), name, "device-7f31", authority="ca", usage="clientAuth",
                       names=certs.DEVICE,
                       key_options=("-engine", "pkcs11", "-keyform", "engine", "-key", plain))


class _environment:
    """The process's environment with more in it, for a while."""

    def __init__(self, more):
        self.more = more
        self.before = None

    def __enter__(self):
        self.before = dict(os.environ)
        os.environ.update(self.more)

    def __exit__(self, *_):
        os.environ.clear()
        os.environ.update(self.before)
