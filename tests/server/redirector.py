# SPDX-License-Identifier: MIT
"""A server that answers every request by a redirect."""

import http.server
import threading

from mdm_server import MdmServer


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.redirector.requests.append((self.path, dict(self.headers.items()), body))
        self.send_response(self.server.redirector.status)
        if self.server.redirector.location is not None:
            self.send_header("Location", self.server.redirector.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *arguments):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request, client_address):
        pass  # a device that goes away is not news


class Redirector:
    """A context manager. `location` may be set later; `requests` has path, header fields and body
    of each request."""

    def __init__(self, certs_dir, status, location=None):
        self.status, self.location, self.requests = status, location, []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.redirector = self
        context = MdmServer.make_tls(certs_dir, "server", "ca", None)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"https://localhost:{self._server.server_address[1]}/redirector"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
