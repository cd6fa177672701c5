#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A management server for tests: HTTPS with client certificates, scripted answers, and strict
checks of every message that the device sends.

    python3 tests/server/mdm_server.py --certs DIR --script FILE.json --port-file FILE
                                       [--log FILE] [--port N] [--set NAME=VALUE]...

runs until SIGTERM; the exit code is then 1 if a check has failed (each is a line on standard
error), otherwise 0. The port is written to --port-file, at once and whole ("-" for none), then to
standard output; --log gets a JSON line for each message. scripts/README.md describes scripts.
"""

import argparse
import hashlib
import http.server
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time

import faults
from checks import SessionChecker
from expected import Violation
from script import Script
from syncml import build_message, find, find_all, name_of, parse_loosely, text_of

REQUEST_MAX = 4 * 1024 * 1024
PATH = "/ManagementServer/MDM.svc"


class Exchange:
    """A request of the device and what it was answered."""

    def __init__(self, handler, wire, body):
        self.time = time.time()
        self.target = handler.path
        self.headers = dict(handler.headers.items())
        self.wire = wire          # the body as it came; that of `body` before S4
        self.body = body
        self.root = parse_loosely(body)
        self.certificate = None   # SHA-256 of the device's, hex
        self.session = 0          # which session this is, from 1
        self.violations = []
        self.resend = False       # the same bytes as before, after an answer that failed
        self.status = 200
        self.answer = None        # bytes of the answer's body, whole
        self.plain = None         # that before it was wrapped (rules S4)
        self.sent = 0             # bytes of it that the device took
        self.hung_up = False      # the device went away before the end of the answer
        der = handler.connection.getpeercert(True) if handler.server.mdm.tls else None
        if der:
            self.certificate = hashlib.sha256(der).hexdigest()

    @property
    def elements(self):
        """What stands in the device's SyncBody."""
        body = find(self.root, "SyncBody") if self.root is not None else None
        return list(body) if body is not None else []

    def header(self, path):
        """Text from the device's SyncHdr; None if it is not there."""
        header = find(self.root, "SyncHdr") if self.root is not None else None
        return text_of(header, path) if header is not None else None

    @property
    def statuses(self):
        """(Cmd, CmdRef, code) of each Status, in order."""
        return [(text_of(element, "Cmd"), text_of(element, "CmdRef"),
                 int(text_of(element, "Data") or 0))
                for element in self.elements if name_of(element) == "Status"]

    @property
    def codes(self):
        """The codes of the Statuses without that of the SyncHdr, in order."""
        return [code for command, _, code in self.statuses if command != "SyncHdr"]

    @property
    def results(self):
        """{LocURI: (Format or None, Data or None)} of all Results."""
        return {text_of(item, "Source/LocURI"): (text_of(item, "Meta/Format"),
                                                 text_of(item, "Data"))
                for element in self.elements if name_of(element) == "Results"
                for item in find_all(element, "Item")}

    @property
    def alerts(self):
        return [text_of(element, "Data") for element in self.elements
                if name_of(element) == "Alert"]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    wbufsize = -1  # header fields and body leave together
    disable_nagle_algorithm = True

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > REQUEST_MAX:
            self.server.mdm.note(Violation("http-length", f"'{length}'"))
            self.send_error(411)
            return
        body = self.rfile.read(int(length))
        if len(body) == int(length):
            self.server.mdm.handle(self, body)

    def do_GET(self):
        self.server.mdm.note(Violation("http-method", self.command))
        self.send_error(405)

    do_PUT = do_DELETE = do_OPTIONS = do_GET

    def do_HEAD(self):
        """A look (dmclient-broker --check), and no session."""
        self.server.mdm.looks += 1
        self.send_response(self.server.mdm.look_status)
        self.end_headers()

    def date_time_string(self, timestamp=None):
        if timestamp is None:
            timestamp = time.time() + self.server.mdm.ahead_s
        return super().date_time_string(timestamp)

    def log_message(self, format, *arguments):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address, mdm):
        self.mdm = mdm
        super().__init__(address, _Handler)

    def finish_request(self, request, client_address):
        """In the connection's own thread: a handshake that hangs holds up nobody."""
        if self.mdm.tls:
            request = self.mdm.tls.wrap_socket(request, server_side=True,
                                               do_handshake_on_connect=False)
            request.settimeout(30)
            try:
                request.do_handshake()
            except OSError as problem:
                self.mdm.note_handshake(problem)
                drain(request)
                return
        self.mdm.note_handshake(None)
        try:
            super().finish_request(request, client_address)
        finally:
            request.close()

    def handle_error(self, request, client_address):
        """A device that goes away is not news; anything else is a fault of this server."""
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError):
            self.mdm.note(Violation("test-server", repr(problem)))


class MdmServer:
    """The server; a context manager. `script` as in scripts/README.md: a path, the parsed JSON, or
    a list of steps, one of which may be a function that makes it from the device's Exchange.
    `certificate` names one of certs.py; without `tls` it speaks plain HTTP. `security`
    (cms.ServerSecurity) wraps the messages (rules S2, S4)."""

    def __init__(self, certs_dir, script, port=0, *, certificate="server", authority="ca",
                 tls=True, tls_max=None, log=None, values=None, security=None):
        self.script = Script.of(script, values)
        self.security = security
        self.exchanges = []
        self.handshake_errors = []
        self.handshakes = 0
        self.looks = 0          # HEAD requests
        self.look_status = 405  # what they are answered
        self.ahead_s = 0        # of the clock that Date shows
        self.redirected_from = None  # the address that devices ask, where it is another's
        self.stopping = threading.Event()
        self.tls = self.make_tls(certs_dir, certificate, authority, tls_max) if tls else None
        self._changed = threading.Condition()
        self._log = log
        self._violations = []
        self._checker = None
        self._session_ids = []
        self._step = 0
        self._server_message = 0
        self._failed_body = None  # what the device may send once more
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,),
                                        daemon=True)
        self._thread.start()

    @staticmethod
    def make_tls(certs_dir, certificate, authority, tls_max):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if tls_max is not None:  # an old server: what a device must refuse
            context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
            context.maximum_version = tls_max
            context.set_ciphers("ALL:@SECLEVEL=0")
        base = os.path.join(certs_dir, certificate)
        context.load_cert_chain(base + ".pem", base + ".key")
        context.load_verify_locations(os.path.join(certs_dir, authority + ".pem"))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self):
        return self._server.server_address[1]

    @property
    def address(self):
        """The address to provision."""
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}{PATH}"

    @property
    def violations(self):
        """All checks that failed, in order."""
        with self._changed:
            return list(self._violations)

    def note(self, violation):
        with self._changed:
            self._violations.append(violation)
            self._changed.notify_all()

    def note_handshake(self, problem):
        with self._changed:
            self.handshakes += 1
            if problem is not None:
                self.handshake_errors.append(str(problem))
            self._changed.notify_all()

    def wait(self, condition, timeout_s=20):
        """Waits until `condition()` is true, looked at whenever something happened."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                raise TimeoutError(f"after {timeout_s} s: {len(self.exchanges)} messages, "
                                   f"violations: {list(map(str, self._violations))}")

    # .. one request

    def handle(self, handler, body):
        """Checks a request, and answers it by the script's next step."""
        opened, problems = self.security.open(handler.headers, body) if self.security else (
            body, [])
        exchange = Exchange(handler, body, opened)
        with self._changed:
            self._violations += [Violation("security", problem) for problem in problems]
            step = self._take(handler, exchange)
            exchange.plain = exchange.answer = self._build(step, exchange)
            if self.security:
                step = self.security.seal(step, exchange)
            exchange.status = step.get("http", {}).get("status", 200)
            whole = exchange.status == 200 and step.get("fault", {"whole": True}).get("whole")
            self._failed_body = None if whole else body
            self._checker.note_answer(exchange.plain if whole else None,
                                      step.get("refused", False), step.get("may_abort", False))
            self.exchanges.append(exchange)
            self._write_log(exchange)
            self._changed.notify_all()
        if "on_request" in step:
            step["on_request"](exchange)
        if "event" in step:
            step["event"].wait(step.get("delay_s", 60))
        elif "delay_s" in step:
            self.stopping.wait(step["delay_s"])
        try:
            faults.send(handler, step, exchange, self.stopping)
        except OSError:
            exchange.hung_up = True
            handler.close_connection = True
        with self._changed:
            self._changed.notify_all()

    def _take(self, handler, exchange):
        """Follows the sessions: checks the message, and picks the step that answers it."""
        session_id, message = exchange.header("SessionID"), exchange.header("MsgID")
        exchange.resend = exchange.body == self._failed_body
        found = []
        begins = message == "1" and not exchange.resend and (
            not self._session_ids or session_id != self._session_ids[-1])
        if begins or self._checker is None:
            if session_id in self._session_ids:
                found.append(Violation("session-id", f"{session_id} was used before"))
            self._session_ids.append(session_id)
            self._checker, self._step, self._server_message = SessionChecker(), 0, 0
        if not exchange.resend:
            found += self._checker.check_request("POST", exchange.target, handler.headers,
                                                 bool(self.security and self.security.mode))
            self._checker.address = self.redirected_from or self._checker.address
            found += self._checker.check_message(exchange.body)
        exchange.session = len(self._session_ids)
        exchange.violations = found
        self._violations += found
        step = self.script.get_step(exchange.session, self._step)
        self._step += 1
        self._server_message += 1
        return step(exchange) if callable(step) else step

    def _build(self, step, exchange):
        """Bytes of the answer's body."""
        if step.get("empty") or "1223" in exchange.alerts:
            return b""
        header = {"session_id": exchange.header("SessionID") or "0",
                  "msg_id": self._server_message,
                  "target": exchange.header("Source/LocURI") or "",
                  "source": exchange.header("Target/LocURI") or "", **step.get("header", {})}
        if "body" in step:
            raw = step["body"]
            raw = raw if isinstance(raw, bytes) else raw.encode()
            for name, value in header.items():
                raw = raw.replace(b"@" + name.upper().encode() + b"@", str(value).encode())
            return raw
        statuses = step.get("statuses")
        if statuses is None:
            statuses = self._statuses_for(exchange, step.get("header_status", 200))
        return build_message(header, statuses + step.get("extra_statuses", []),
                             step.get("commands", []), step.get("final", True),
                             step.get("xmlns", "SYNCML:SYNCML1.2"))

    @staticmethod
    def _statuses_for(exchange, header_status):
        """A Status for the header and for each command of the device."""
        reference = exchange.header("MsgID") or "1"
        statuses = [{"msg_ref": reference, "cmd_ref": 0, "cmd": "SyncHdr", "data": header_status}]
        for element in exchange.elements:
            if name_of(element) in ("Alert", "Replace"):
                statuses.append({"msg_ref": reference, "cmd_ref": text_of(element, "CmdID") or "",
                                 "cmd": name_of(element), "data": 200})
        return statuses

    def _write_log(self, exchange):
        if self._log is None:
            return
        for sender, body in (("device", exchange.body), ("server", exchange.answer)):
            line = {"time": exchange.time, "session": exchange.session, "from": sender,
                    "summary": summarise(body), "body": body.decode("utf-8", "replace")}
            if sender == "device":
                line.update(target=exchange.target,
                            violations=[str(one) for one in exchange.violations])
            else:
                line["http"] = exchange.status
            self._log.write(json.dumps(line, ensure_ascii=False) + "\n")
        self._log.flush()


def summarise(body):
    """What a message says, a line for each element of its SyncBody and what is inside, and for each
    further item."""
    root = parse_loosely(body)
    sync_body = find(root, "SyncBody") if root is not None else None
    lines = []

    def add(container, indent):
        for element in container:
            name, data = name_of(element), text_of(element, "Data")
            paths = [(text_of(item, "Target/LocURI") or text_of(item, "Source/LocURI"),
                      text_of(item, "Data")) for item in find_all(element, "Item")]
            text, further = indent + name, []
            if name == "Status":
                text += f" {data} for {text_of(element, 'Cmd')} {text_of(element, 'CmdRef')}"
            elif name == "Alert":
                text += f" {data}" + "".join(f" {value}" for _, value in paths)
            else:
                items = [f" {path}" + (f" = {value}" if value is not None else "")
                         for path, value in paths]
                further = [" " * len(text) + item for item in items[1:]]
                text += "".join(items[:1])
            lines.extend([text, *further])
            if name in ("Atomic", "Sequence"):
                add([inner for inner in element if name_of(inner) not in ("CmdID", "Meta")],
                    indent + "  ")

    if sync_body is not None:
        add(sync_body, "")
    return lines


def drain(connection):
    """Takes what still comes: closing before would reset the connection, and the alert that says
    why might never be read."""
    try:
        connection.settimeout(5)
        socket.socket.shutdown(connection, socket.SHUT_WR)
        while socket.socket.recv(connection, 65536):
            pass
    except OSError:
        pass
    connection.close()


def free_port():
    """A port of this machine on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description="Management server for tests and the demo.")
    parser.add_argument("--certs", required=True, help="directory made by certs.py")
    parser.add_argument("--script", required=True, help="JSON file, see scripts/README.md")
    parser.add_argument("--port-file", required=True, help="file that gets the port, or -")
    parser.add_argument("--port", type=int, default=0, help="port, otherwise any that is free")
    parser.add_argument("--log", help="file that gets a JSON line for each message")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE",
                        help="value of ${NAME} in the script")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log = open(options.log, "a", encoding="utf-8") if options.log else None
    values = dict(pair.split("=", 1) for pair in options.set)
    with MdmServer(options.certs, options.script, options.port, log=log, values=values) as server:
        if options.port_file != "-":
            temporary = options.port_file + ".new"
            with open(temporary, "w", encoding="ascii") as file:
                file.write(f"{server.port}\n")
            os.replace(temporary, options.port_file)
        print(server.port, flush=True)
        stop.wait()
    for violation in server.violations:
        print(f"mdm_server: {violation}", file=sys.stderr)
    return 1 if server.violations else 0


if __name__ == "__main__":
    sys.exit(main())
