# SPDX-License-Identifier: MIT
"""Clients of the bus that are only a socket: they send whatever bytes they like, as whatever user,
as fast as they can, and read when they like."""

import contextlib
import os
import selectors
import socket
import struct
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

import harness  # noqa: E402

BUS = "org.freedesktop.DBus"
DEADLINE = 60  # seconds
LARGE = 64 * 1024  # bytes; a reply beyond that is one that takes the service long

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
NO_REPLY, NO_START, INTERACTIVE = 1, 2, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = range(1, 9)


@contextlib.contextmanager
def acting_as(uid):
    """This process is that user meanwhile, for the eyes of whoever looks at its sockets."""
    if uid is not None:
        os.seteuid(uid)
    try:
        yield
    finally:
        if uid is not None:
            os.seteuid(0)


def make(kind=CALL, flags=0, **fields):
    """A message for send(), as GDBus writes it; `body` is a GVariant tuple."""
    message = Gio.DBusMessage()
    message.set_message_type(Gio.DBusMessageType(kind))
    message.set_flags(Gio.DBusMessageFlags(flags))
    message.set_serial(1)
    for name, value in fields.items():
        getattr(message, f"set_{name}")(value)
    return bytearray(message.to_blob(Gio.DBusCapabilityFlags.UNIX_FD_PASSING))


def call(path, interface, member, body=None, flags=0, destination=harness.BUS_NAME):
    """A method call of the service."""
    fields = {"path": path, "member": member, "destination": destination}
    if interface is not None:
        fields["interface"] = interface
    if body is not None:
        fields["body"] = body
    return make(CALL, flags, **fields)


def get(path, name, interface=""):
    return call(path, "org.freedesktop.DBus.Properties", "Get",
                GLib.Variant("(ss)", (interface, name)))


def get_all(path, interface=""):
    return call(path, "org.freedesktop.DBus.Properties", "GetAll", GLib.Variant("(s)", (interface,)))


MANAGED = call(harness.BUS_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects")
GET_ID = call("/org/freedesktop/DBus", BUS, "GetId", destination=BUS)
HELLO = call("/org/freedesktop/DBus", BUS, "Hello", destination=BUS)


class Message:
    """What has come: its header, and its size; the body too where it is small."""

    def __init__(self, data, start, size):
        self.kind, self.flags, _, self.body_size, self.serial, fields = struct.unpack_from(
            "<BBBIII", data, 1)
        self.size = size
        self.fields = dict(self._read_fields(data, 16, 16 + fields))
        self.body = bytes(data[start:size]) if size <= LARGE else b""

    @staticmethod
    def _read_fields(data, at, end):
        while at < end:
            at = (at + 7) & ~7
            code, signature = data[at], data[at + 2:at + 3]
            at += 4
            if signature == b"g":
                yield code, bytes(data[at + 1:at + 1 + data[at]]).decode()
                at += data[at] + 2
                continue
            at = (at + 3) & ~3
            value, = struct.unpack_from("<I", data, at)
            at += 4
            if signature != b"u":
                yield code, bytes(data[at:at + value]).decode()
                at += value + 1
            else:
                yield code, value

    @property
    def error(self):
        return self.fields.get(ERROR_NAME)

    @property
    def is_of_bus(self):
        return self.fields.get(SENDER) == BUS

    def string(self):
        """The first argument, if it is a string."""
        size, = struct.unpack_from("<I", self.body)
        return self.body[4:4 + size].decode()


class TurnedAway(Exception):
    """The bus did not let a connection in."""


class Raw:
    """A connection that has said Hello. Nothing is read before read() is called."""

    def __init__(self, env, uid=None):
        self.serial = 0
        self.unread = bytearray()
        self.to_skip = 0
        self.messages = []
        self.expected = 0
        self.is_closed = False
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(DEADLINE)
        with acting_as(uid):
            self.socket.connect(str(env.dir / "bus"))
            self.socket.sendall(b"\0AUTH EXTERNAL "
                                + str(os.geteuid()).encode().hex().encode() + b"\r\n")
            self._read_line(b"OK")
        self.socket.sendall(b"NEGOTIATE_UNIX_FD\r\n")
        self._read_line(b"AGREE")
        self.socket.sendall(b"BEGIN\r\n")
        welcome = self.ask(HELLO)
        if welcome.error:
            self.socket.close()
            raise TurnedAway(welcome.error)
        self.name = welcome.string()

    def _read_line(self, start):
        line = b""
        while not line.endswith(b"\n"):
            byte = self.socket.recv(1)
            assert byte, "the bus turned the connection away"
            line += byte
        assert line.startswith(start), line

    # -- writing ----------------------------------------------------------------------------------

    def number(self, message):
        """The bytes of `message` with the next serial; a reply to it is expected if it wants one."""
        self.serial += 1
        struct.pack_into("<I", message, 8, self.serial)
        if message[1] == CALL and not message[2] & NO_REPLY:
            self.expected += 1
        return bytes(message)

    def send(self, *messages, count=1, fds=()):
        """Sends the messages in turn, `count` times; returns the serial of the last one."""
        data = b"".join(self.number(m) for _ in range(count) for m in messages)
        if fds:
            socket.send_fds(self.socket, [data], list(fds))
        else:
            self.socket.sendall(data)
        return self.serial

    # -- reading ----------------------------------------------------------------------------------

    def read(self):
        """Takes in what there is; waits for something. Of large messages only the header is kept."""
        try:
            data = self.socket.recv(1024 * 1024)
        except ConnectionResetError:
            data = b""
        if not data:
            self.is_closed = True
        skipped = min(self.to_skip, len(data))
        self.to_skip -= skipped
        self.unread += memoryview(data)[skipped:]
        while self._take_message():
            pass

    def _take_message(self):
        """Whether a message was complete."""
        if len(self.unread) < 16:
            return False
        body, _, fields = struct.unpack_from("<III", self.unread, 4)
        start = (16 + fields + 7) & ~7
        size = start + body
        if len(self.unread) < (start if size > LARGE else size):
            return False
        message = Message(self.unread, start, size)
        self.to_skip = max(size - len(self.unread), 0)
        del self.unread[:size]
        if message.kind in (RETURN, ERROR):
            self.expected -= 1
        self.messages.append(message)
        return True

    def find_reply(self, serial):
        for message in reversed(self.messages):
            if message.fields.get(REPLY_SERIAL) == serial:
                return message
        return None

    def wait_reply(self, serial):
        deadline = time.monotonic() + DEADLINE
        while (reply := self.find_reply(serial)) is None:
            assert not self.is_closed, "the bus closed the connection"
            assert time.monotonic() < deadline, "no reply came"
            self.read()
        return reply

    def ask(self, message, fds=()):
        """The reply to `message`."""
        reply = self.wait_reply(self.send(message, fds=fds))
        self.messages.remove(reply)
        return reply

    def settle(self):
        """All that was sent before has been passed on by the bus."""
        self.ask(GET_ID)

    def take(self):
        taken, self.messages = self.messages, []
        return taken

    def close(self):
        self.socket.close()


class Authority(Raw):
    """In the place of polkit: answers when a test says so."""

    def __init__(self, env):
        super().__init__(env)
        body = GLib.Variant("(su)", ("org.freedesktop.PolicyKit1", 0))
        assert self.ask(call("/org/freedesktop/DBus", BUS, "RequestName", body,
                             destination=BUS)).error is None

    def next_call(self, member):
        """Waits for a call of that name, and takes it."""
        while True:
            for message in self.messages:
                if message.kind == CALL and message.fields[MEMBER] == member:
                    self.messages.remove(message)
                    return message
            self.read()

    def answer(self, check, authorized=False, challenge=False):
        self.send(make(RETURN, destination=check.fields[SENDER], reply_serial=check.serial,
                       body=GLib.Variant("((bba{ss}))", ((authorized, challenge, {}),))))
        self.settle()


def read_all(connections):
    """Reads on all of them until no reply is missing."""
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            if connection.expected > 0:
                selector.register(connection.socket, selectors.EVENT_READ, connection)
        while selector.get_map():
            ready = selector.select(DEADLINE)
            missing = sum(key.data.expected for key in selector.get_map().values())
            assert ready, f"{missing} replies are missing"
            for key, _ in ready:
                key.data.read()
                assert not key.data.is_closed, "the bus closed the connection"
                if key.data.expected <= 0:
                    selector.unregister(key.fileobj)
