# SPDX-License-Identifier: MIT
"""Rules S2, S4 and S5 on the server's side, by the `openssl cms` command and nothing of ours."""

import base64
import os
import subprocess
import tempfile

CONTENT_TYPE = "application/pkcs7-mime"
SIGN, ENCRYPT, BOTH = 1, 2, 3


class CmsError(Exception):
    """What openssl had against a message."""


def openssl(*arguments, data=None, expect=0):
    """Runs openssl on bytes; returns what it printed, as bytes."""
    done = subprocess.run(("openssl", *map(str, arguments)), input=data, capture_output=True,
                          check=False)
    if expect is not None and done.returncode != expect:
        raise CmsError(done.stderr.decode("utf-8", "replace"))
    return done.stdout


def verify(signed, authority, *, content=None, certificate=None):
    """The content of a SignedData, verified. `authority` is a certificate that the signer's leads
    to, `certificate` the signer's own where it is not in the message."""
    with tempfile.TemporaryDirectory() as work:
        more = []
        if content is not None:
            path = os.path.join(work, "content")
            with open(path, "wb") as file:
                file.write(content)
            more += ["-content", path]
        if certificate is not None:
            more += ["-certfile", certificate]
        return openssl("cms", "-verify", "-inform", "DER", "-binary", "-CAfile", authority,
                       "-purpose", "any", *more, data=signed)


def decrypt(enveloped, certificate, key):
    return openssl("cms", "-decrypt", "-inform", "DER", "-binary", "-recip", certificate, "-inkey",
                   key, data=enveloped)


def sign(content, certificate, key, *options):
    return openssl("cms", "-sign", "-outform", "DER", "-binary", "-nodetach", "-md", "sha256",
                   "-signer", certificate, "-inkey", key, *options, data=content)


def encrypt(content, certificate, *options, cipher="-aes-256-cbc"):
    return openssl("cms", "-encrypt", "-outform", "DER", "-binary", cipher, *options, certificate,
                   data=content)


def show(message):
    """The structure as `openssl cms -cmsout -print` has it."""
    return openssl("cms", "-cmsout", "-print", "-noout", "-inform", "DER", data=message).decode()


class ServerSecurity:
    """How an MdmServer wraps its messages, and what it holds those of the device to. `own` is the
    path of a certificate and key without ending, by which it signs and decrypts; `device` the
    path of the device's certificate; `authority` that of its issuer."""

    def __init__(self, mode, own, device, authority, *, signed_requests=False):
        self.mode = mode
        self.own = own
        self.device = device
        self.authority = authority
        self.signed_requests = signed_requests
        self.signatures = []  # DER of each MDM-Signature

    def open(self, headers, body):
        """(The message in a request, what is wrong with it)."""
        problems = []
        header = headers.get("MDM-Signature")
        if (header is not None) != self.signed_requests:
            problems.append(f"MDM-Signature is {header}")
        try:
            if header is not None:
                self.signatures.append(base64.b64decode(header, validate=True))
                verify(self.signatures[-1], self.authority, content=body)
            if self.mode & ENCRYPT:
                body = decrypt(body, self.own + ".pem", self.own + ".key")
            if self.mode & SIGN:
                body = verify(body, self.authority)
        except (CmsError, ValueError) as problem:
            problems.append(str(problem))
        return body, problems

    def wrap(self, message, mode=None, own=None):
        """A message as an answer's body."""
        mode, own = self.mode if mode is None else mode, own or self.own
        if mode & SIGN:
            message = sign(message, own + ".pem", own + ".key")
        if mode & ENCRYPT:
            message = encrypt(message, self.device)
        return message

    def seal(self, step, exchange):
        """Wraps the answer of `exchange`; returns the step with the Content-Type that goes with
        it."""
        content_type = CONTENT_TYPE
        if "seal" in step:
            exchange.answer, content_type = step["seal"](self, exchange.answer)
        elif not self.mode:
            return step
        elif exchange.answer:
            exchange.answer = self.wrap(exchange.answer)
        http = step.get("http", {})
        return {**step, "http": {**http, "headers": {"Content-Type": content_type,
                                                     **http.get("headers", {})}}}
