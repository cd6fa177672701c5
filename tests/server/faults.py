# SPDX-License-Identifier: MIT
"""Sends the answers of the test server, and the wrong ones: a step's `fault` names how. With `whole`
the device must take it as if there was none.

    close       takes the request and closes the connection
    reset       sends half of the answer, then resets the connection
    truncated   announces the whole answer, sends half of it, closes properly
    slow        sends `bytes` of the answer (1) every `interval_s` (1)
    hang        takes the request and never answers
    endless     sends a body without end, nor Content-Length; with `chunked` in chunks
    endless-headers  sends header fields without end
    slow-headers  sends a byte of the status line every `interval_s` (1)
    many-headers  sends `count` (1000) short header fields, then the answer
    no-http     sends `text` ("SSH-2.0-x") in place of HTTP
    gzip-bomb   sends `mib` (64) MiB of blanks as gzip
"""

import gzip
import socket
import struct

from syncml import CONTENT_TYPE

LIMIT = 64 * 1024 * 1024  # what is endless stops here: the device has lost
CHUNK = b" " * 16384


def _headers(handler, step, exchange, length):
    """Status line and header fields; `length` None: without Content-Length."""
    http = step.get("http", {})
    fields = {"Content-Type": CONTENT_TYPE, **http.get("headers", {})}
    if "Date" in fields:
        handler.send_response_only(exchange.status, http.get("reason"))
    else:
        handler.send_response(exchange.status, http.get("reason"))
    for name, value in fields.items():
        if value is not None:
            handler.send_header(name, value)
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.end_headers()


def _write(handler, exchange, data):
    handler.wfile.write(data)
    exchange.sent += len(data)


def _normal(handler, step, exchange, _stopping):
    body = exchange.answer if exchange.status == 200 else b""
    _headers(handler, step, exchange, len(body))
    _write(handler, exchange, body)


def _close(handler, _step, _exchange, _stopping):
    handler.close_connection = True


def _half(handler, step, exchange):
    _headers(handler, step, exchange, len(exchange.answer))
    _write(handler, exchange, exchange.answer[:len(exchange.answer) // 2])
    handler.close_connection = True


def _reset(handler, step, exchange, _stopping):
    _half(handler, step, exchange)
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def _truncated(handler, step, exchange, _stopping):
    _half(handler, step, exchange)
    handler.wfile.flush()
    try:
        handler.connection.unwrap()
    except OSError:
        pass  # the device did not wait for it


def _slow(handler, step, exchange, stopping):
    fault = step["fault"]
    _headers(handler, step, exchange, len(exchange.answer))
    size = fault.get("bytes", 1)
    for start in range(0, len(exchange.answer), size):
        _write(handler, exchange, exchange.answer[start:start + size])
        handler.wfile.flush()
        if stopping.wait(fault.get("interval_s", 1)):
            break


def _hang(handler, _step, _exchange, stopping):
    handler.close_connection = True
    handler.connection.settimeout(0.1)
    while not stopping.is_set():
        try:
            if not handler.connection.recv(1):
                raise ConnectionError("the device went away")
        except TimeoutError:
            pass


def _endless(handler, step, exchange, stopping):
    chunked = step["fault"].get("chunked", False)
    handler.close_connection = True
    if chunked:
        step = {**step, "http": {**step.get("http", {}),
                                 "headers": {"Transfer-Encoding": "chunked"}}}
    _headers(handler, step, exchange, None)
    while exchange.sent < LIMIT and not stopping.is_set():
        _write(handler, exchange, b"%x\r\n%b\r\n" % (len(CHUNK), CHUNK) if chunked else CHUNK)


def _endless_headers(handler, _step, exchange, stopping):
    handler.close_connection = True
    _write(handler, exchange, b"HTTP/1.1 200 OK\r\n")
    while exchange.sent < LIMIT and not stopping.is_set():
        _write(handler, exchange, b"X-Filler: " + b"a" * 1000 + b"\r\n")


def _slow_headers(handler, step, exchange, stopping):
    handler.close_connection = True
    for byte in b"HTTP/1.1 200 " + b"O" * 4096:
        _write(handler, exchange, bytes([byte]))
        handler.wfile.flush()
        if stopping.wait(step["fault"].get("interval_s", 1)):
            break


def _many_headers(handler, step, exchange, _stopping):
    lines = [b"HTTP/1.1 200 OK", b"Content-Type: " + CONTENT_TYPE.encode(),
             b"Content-Length: %d" % len(exchange.answer)]
    lines += [b"X-%d: 1" % number for number in range(step["fault"].get("count", 1000))]
    _write(handler, exchange, b"\r\n".join(lines + [b"", b""]) + exchange.answer)


def _no_http(handler, step, exchange, _stopping):
    handler.close_connection = True
    _write(handler, exchange, step["fault"].get("text", "SSH-2.0-x\r\n").encode())


def _gzip_bomb(handler, step, exchange, _stopping):
    bomb = gzip.compress(b" " * (step["fault"].get("mib", 64) * 1024 * 1024), 9)
    http = step.get("http", {})
    headers = {"Content-Encoding": "gzip", **http.get("headers", {})}
    _headers(handler, {"http": {**http, "headers": headers}}, exchange, len(bomb))
    _write(handler, exchange, bomb)


KINDS = {
    None: _normal, "close": _close, "reset": _reset, "truncated": _truncated, "slow": _slow,
    "hang": _hang, "endless": _endless, "endless-headers": _endless_headers,
    "gzip-bomb": _gzip_bomb, "slow-headers": _slow_headers, "many-headers": _many_headers,
    "no-http": _no_http,
}


def send(handler, step, exchange, stopping):
    """Sends the answer of `exchange` as the step wants it; OSError when the device went away."""
    KINDS[step.get("fault", {}).get("kind")](handler, step, exchange, stopping)
    handler.wfile.flush()
