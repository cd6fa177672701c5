# SPDX-License-Identifier: MIT
"""What is behind the tree socket may be anything: the module has an answer for all of it."""

import os
import socket
import struct
import threading

import pytest
from gi.repository import Gio, GLib

from omadm_host import BASE, MODULE, OmadmHost

GOOD_AUTH = b"OK 0123456789abcdef0123456789abcdef\r\n"
HELLO = ("(us)", (1, "a peer"))
UNAVAILABLE, DENIED, FAILED = 503, 425, 500


def answer(serial, signature=None, value=None, error=None):
    """A message that answers the call `serial`."""
    message = Gio.DBusMessage.new()
    message.set_message_type(Gio.DBusMessageType.ERROR if error
                             else Gio.DBusMessageType.METHOD_RETURN)
    if error:
        message.set_error_name(error)
    message.set_reply_serial(serial)
    message.set_serial(serial)
    if signature:
        message.set_body(GLib.Variant(signature, value))
    return message.to_blob(Gio.DBusCapabilityFlags.NONE)


def header(size):
    """The beginning of an answer whose body has that many bytes."""
    return b"l\x02\x00\x01" + struct.pack("<III", size, 1, 0)


class Peer:
    """Serves a socket: says `auth`, and then for each call the next of `answers`, which are bytes
    or a function of the serial; hangs up when there are none left."""

    def __init__(self, path, auth, answers):
        self.auth, self.answers = auth, answers
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _run(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client:
                self._serve(client)

    def _serve(self, client):
        if self.auth is None:
            return
        client.recv(4096)
        client.sendall(self.auth)
        for serial, bytes_or_make in enumerate(self.answers, 1):
            # BEGIN and Hello may come at once or apart.
            data = client.recv(65536)
            if data == b"BEGIN\r\n":
                data = client.recv(65536)
            if not data:
                return
            client.sendall(bytes_or_make if isinstance(bytes_or_make, bytes)
                           else bytes_or_make(serial))


def hello(serial):
    return answer(serial, *HELLO)


def apply_with(status, form, data):
    return lambda serial: answer(serial, "(a(ua(sybs))b)",
                                 ([(status, [("./x", form, True, data)])], False))


CASES = {
    "hangs up": (UNAVAILABLE, None, []),
    "refuses the user": (DENIED, b"REJECTED EXTERNAL\r\n", []),
    "speaks another protocol": (FAILED, b"HTTP/1.1 400 Bad Request\r\n\r\n", []),
    "never ends its line": (FAILED, b"O" * 300, []),
    "hangs up after Hello": (UNAVAILABLE, GOOD_AUTH, [hello]),
    "sends no message": (FAILED, GOOD_AUTH, [b"\0" * 64]),
    "sends the beginning of one": (UNAVAILABLE, GOOD_AUTH, [header(100)]),
    "sends more than fits": (FAILED, GOOD_AUTH, [header(100 * 1024 * 1024)]),
    "sends more than there may be": (FAILED, GOOD_AUTH, [header(0xffffffff)]),
    "has another version": (FAILED, GOOD_AUTH, [lambda serial: answer(serial, "(us)", (2, ""))]),
    "has another Hello": (FAILED, GOOD_AUTH, [lambda serial: answer(serial, "(s)", ("",))]),
    "refuses Hello": (FAILED, GOOD_AUTH, [lambda serial: answer(
        serial, "(s)", ("no",), error="org.dmclient.DMClient1.Error.BadVersion")]),
    "refuses Apply": (FAILED, GOOD_AUTH, [hello, lambda serial: answer(
        serial, error="org.dmclient.DMClient1.Error.BadRequest")]),
    "has another Apply": (FAILED, GOOD_AUTH, [hello, lambda serial: answer(serial, "(b)", (True,))]),
    "has no result": (FAILED, GOOD_AUTH, [hello, lambda serial: answer(
        serial, "(a(ua(sybs))b)", ([], False))]),
    "has a status that is none": (FAILED, GOOD_AUTH, [hello, apply_with(299, 0, "")]),
    "has a format that is none": (FAILED, GOOD_AUTH, [hello, apply_with(200, 77, "")]),
    "answers well": (200, GOOD_AUTH, [hello, apply_with(200, 0, "x")]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_peer_that(env, case):
    status, auth, answers = CASES[case]
    peer = Peer(env.socket, auth, answers)
    with OmadmHost(env, [MODULE]) as host:
        host.open()
        host.blind()
        assert host.get(f"{BASE}/Provider")[0] == status
        host.close()
    peer.close()
    assert os.path.exists(env.socket)
