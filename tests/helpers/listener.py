"""The command ``listen`` on a free loopback port, and its output."""

import io
import queue
import re
import socket
from contextlib import suppress
from http.client import HTTPConnection
from threading import Thread

from clerk_webhook_verify.cli import main

PATH = "/webhooks/clerk"


class Lines(io.TextIOBase):
    """An output whose lines can be waited for."""

    def __init__(self):
        self.closed_by_reader = False
        self._unfinished = ""
        self._lines = queue.Queue()

    def write(self, text):
        if self.closed_by_reader:
            raise BrokenPipeError
        *lines, self._unfinished = (self._unfinished + text).split("\n")
        for line in lines:
            self._lines.put(line)

    def next(self) -> str:
        return self._lines.get(timeout=10)

    def is_empty(self) -> bool:
        return self._lines.empty()


class Listener:
    """``listen`` on a free port, in a thread; it ends as if its output was closed."""

    def __init__(self, monkeypatch, *options):
        self.stdout, self.stderr = Lines(), Lines()
        monkeypatch.setattr("sys.stdout", self.stdout)
        monkeypatch.setattr("sys.stderr", self.stderr)
        self._options, self._codes = options, []
        arguments = ["listen", *([] if "--port" in options else ["--port", "0"]), *options]
        self._thread = Thread(target=lambda: self._codes.append(main(arguments)))
        self._thread.start()

    def __enter__(self):
        first = (self.stderr if "--json" in self._options else self.stdout).next()
        announced = re.fullmatch(r"listening on http://127\.0\.0\.1:(\d+)(/\S*)", first)
        self.port, self.path = int(announced[1]), announced[2]
        return self

    def __exit__(self, *_):
        self.stdout.closed_by_reader = True
        connections = []
        while self._thread.is_alive():
            with suppress(OSError):
                connections.append(self.connect(f"POST {self.path} HTTP/1.1\r\nContent-Length: x\r\n\r\n".encode()))
            self._thread.join(0.02)
        for connection in connections:  # until they end, so that they print nothing in the next test
            with suppress(OSError), connection:
                all_of(connection)
        assert self._codes == [1]

    def post(self, headers, body, path=PATH, method="POST"):
        """Send a delivery; return status, headers and body of the response."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, answer.headers, content

    def connect(self, content: bytes) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), 10)
        connection.sendall(content)
        return connection

    def raw(self, content: bytes, *, leave: bool = False) -> bytes:
        """Write bytes that no client library would send; return the complete response."""
        with self.connect(content) as connection:
            if leave:
                connection.shutdown(socket.SHUT_WR)
            return all_of(connection)


def all_of(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))
