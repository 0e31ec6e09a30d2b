"""An endpoint on a loopback port that responds as the test wants, and stores the requests."""

from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given.lower() == name]


class Endpoint(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer, self.received = answer, []
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        request = Request(self.command, self.path, self.headers.items(), body)
        self.server.received.append(request)
        self.wfile.write(self.server.answer(request))

    def do_PUT(self):
        self.do_POST()

    def log_message(self, *arguments):
        pass


def answer(status: int, body: bytes = b"", *headers: str) -> bytes:
    """Return the bytes of a response."""
    head = [f"HTTP/1.1 {status} Some Reason", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(head).encode("latin-1") + body


@contextmanager
def serving(answer):
    """Start an endpoint. *answer* returns the response's bytes for each request; empty bytes close the connection."""
    endpoint = Endpoint(answer)
    thread = Thread(target=endpoint.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.shutdown()
        endpoint.server_close()
