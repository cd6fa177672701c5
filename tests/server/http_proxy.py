# SPDX-License-Identifier: MIT
"""An HTTP proxy for tests: CONNECT, and nothing else."""

import select
import socket
import socketserver
import threading


class _Handler(socketserver.StreamRequestHandler):
    def handle(self):
        proxy = self.server.proxy
        lines = []
        while True:
            line = self.rfile.readline(65536).strip().decode("latin-1")
            if not line:
                break
            lines.append(line)
        if not lines:
            return
        proxy.requests.append(lines)
        method, target = lines[0].split(" ")[:2]
        if method != "CONNECT" or proxy.status != 200:
            status = proxy.status if method == "CONNECT" else 405
            self.wfile.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
            return
        host, port = target.rsplit(":", 1)
        host = proxy.hosts.get(host, host)
        with socket.create_connection((host, int(port)), 10) as server:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            self._pass(server)

    def _pass(self, server):
        pairs = {self.connection: server, server: self.connection}
        while True:
            for ready in select.select(list(pairs), [], [], 30)[0]:
                data = ready.recv(65536)
                if not data:
                    return
                pairs[ready].sendall(data)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass  # who is tunnelled goes away as he likes


class HttpProxy:
    """A context manager. `requests` has the lines of each request; with a `status` other than 200
    it refuses every one. `hosts` says where a name is, in place of the resolver."""

    def __init__(self, status=200, hosts=None):
        self.status = status
        self.hosts = hosts or {}
        self.requests = []
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.proxy = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
