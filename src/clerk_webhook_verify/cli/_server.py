"""The server of ``listen`` and ``demo``: read, verify, store and forward each request, respond, and print a line."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader, RawIOBase
from select import select
from threading import Lock, Semaphore, Thread
from time import localtime, monotonic, strftime, time
from typing import Any, ClassVar

from .._receiver import REJECTION, delivery_line, status_code_for
from .._webhook import Webhook
from ..errors import (
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    MalformedHeaderError,
    SignatureMismatchError,
    TimestampError,
    WebhookVerificationError,
)
from ..events import EVENT_TYPES, Event
from ._http import LOOP_HEADER, Response, Target, UnreachableError, end_to_end, is_header_name, read_chunks
from ._options import in_options
from ._terminal import OutputError, colorize, escape_control_chars, print_json, print_status, print_wrapped
from .captures import Capture

MAX_BODY = 8_388_608
_NO_CONTENT = Response(204, [], b"", 0)
_JSON = [("Content-Type", "application/json")]
_REJECTION = json.dumps(REJECTION, separators=(",", ":")).encode()
_TYPE_WIDTH = max(map(len, EVENT_TYPES))
_ID_WIDTH = 36  # of the longest that this package or Svix makes


@dataclass
class Exchange:
    """A delivery, the verdict and the response."""

    capture: Capture
    event: Event | None = None
    """None if it is rejected."""
    error: WebhookVerificationError | None = None
    """Why it is rejected."""
    response: Response = _NO_CONTENT
    forwarded: bool = False
    """Whether the response is the app's."""
    unreachable: str | None = None
    """Why the app gave none."""

    @property
    def event_type(self) -> str:
        """Empty if the signature is not valid: then no JSON is parsed."""
        if self.event is not None:
            return self.event.type
        return self.capture.event_type if isinstance(self.error, TimestampError) else ""

    def reject(self, error: WebhookVerificationError) -> None:
        self.error, self.response = error, Response(status_code_for(error), _JSON, _REJECTION, 0)


class Receiver(ThreadingHTTPServer):
    """What all requests share: the settings, and one lock around printing and saving."""

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would share a port that is taken
    request_queue_size = 128  # a resend brings many deliveries at once
    max_connections = 32  # each takes a thread, and up to 8 MB; others wait in the queue

    target: Target | None = None
    forward_unverified = False
    as_json = False
    save: Callable[[str], None] | None = None
    """Appends a line to the capture file."""

    def __init__(self, webhook: Webhook, host: str, port: int, path: str) -> None:
        super().__init__((host, port), RequestHandler)
        self.webhook = webhook
        self.path = path
        self._lock = Lock()
        self._free = Semaphore(self.max_connections)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a request in a thread, when there are few enough."""
        self._free.acquire()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a request, also if no thread could be started for it."""
        super().shutdown_request(request)
        self._free.release()

    def is_reached_by(self, target: Target) -> bool:
        """Return whether a connection to *target* arrives here."""
        try:
            connection = socket.create_connection((target.host, target.port), timeout=2)
        except Exception:  # the first delivery reports it
            return False
        with connection:
            own_port = connection.getsockname()[1]
            while select([self.socket], [], [], 0.1)[0]:
                request, client_address = self.socket.accept()
                if client_address[1] == own_port:
                    request.close()
                    return True
                self.process_request(request, client_address)  # a delivery
        return False

    def receive(self, exchange: Exchange) -> None:
        """Verify a delivery, store it, and forward it or respond."""
        capture = exchange.capture
        try:
            exchange.event = self.webhook.verify(capture.headers, capture.body)
        except WebhookVerificationError as error:
            exchange.reject(error)
        if self.save is not None:
            line = delivery_line(
                capture.headers,
                capture.body,
                capture.received_at,
                exchange.error,
                capture.message_id,
                exchange.event_type,
            )
            with self._lock:
                self.save(line)
        if self.target is not None and (exchange.error is None or self.forward_unverified):
            try:
                headers = [*end_to_end(capture.headers), (LOOP_HEADER, "1")]
                exchange.response = self.target.post(headers, capture.body)
                exchange.forwarded = True
            except UnreachableError as unreachable:
                exchange.response = Response(502, _JSON, b'{"detail":"the app gave no response"}', 0)
                exchange.unreachable = str(unreachable)

    def report(self, exchange: Exchange) -> bool:
        """Print the line about a delivery; return False if the standard output is closed."""
        with self._lock:
            try:
                if self.as_json:
                    print_json(_facts(exchange))
                else:
                    print_wrapped(_line(exchange, self.webhook), indent=10)
            except BrokenPipeError:
                return False
            except OutputError:  # a full disk must not change the response
                pass
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print a line instead of a traceback: usually, the client disconnected."""
        print_status(f"a request got no response: {escape_control_chars(repr(sys.exc_info()[1]))}")


def _facts(exchange: Exchange) -> dict[str, object]:
    error = exchange.error
    return {
        "received_at": exchange.capture.received_at,
        "type": exchange.event_type,
        "message_id": exchange.capture.message_id,
        "valid": error is None,
        "code": error and error.code,
        "message": error and in_options(str(error)),
        "status": exchange.response.status,
        "forwarded": exchange.forwarded,
        "unreachable": exchange.unreachable,
    }


def fingerprints_of(webhook: Webhook) -> str:
    fingerprints = webhook.fingerprints
    return f"secret{'s' if len(fingerprints) > 1 else ''} {', '.join(fingerprints)}"


def _line(exchange: Exchange, webhook: Webhook) -> str:
    error = exchange.error
    words = [
        strftime("%H:%M:%S", localtime(exchange.capture.received_at)),
        f"{escape_control_chars(exchange.event_type[:100]) or '-':<{_TYPE_WIDTH}}",
        f"{escape_control_chars(exchange.capture.message_id[:100]) or '-':<{_ID_WIDTH}}",
        colorize("valid", "green") if error is None else colorize("rejected", "red"),
    ]
    line = "  ".join(words)
    if error is not None:
        line += f": {error.code}: {escape_control_chars(in_options(str(error)))}"
    if isinstance(error, SignatureMismatchError):
        line += f"; tried {fingerprints_of(webhook)}"
    if exchange.forwarded:
        line += f"; the app returned {exchange.response.status} in {exchange.response.seconds:.3f} s"
    if exchange.unreachable is not None:
        line += f"; {exchange.unreachable}"
    return line


class DeadlineReader(RawIOBase):
    """Reads a socket until a deadline, also if a byte arrives now and then."""

    def __init__(self, connection: socket.socket, seconds_per_wait: float, seconds: float) -> None:
        self._connection = connection
        self._seconds_per_wait = seconds_per_wait
        self.deadline = monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what has arrived."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(min(left, self._seconds_per_wait))
        return self._connection.recv_into(buffer)


class RequestHandler(BaseHTTPRequestHandler):
    server: Receiver  # pyright: ignore[reportIncompatibleVariableOverride]  # the standard library's own pattern
    timeout: ClassVar[float] = 10  # pyright: ignore[reportIncompatibleVariableOverride]  # seconds for each wait
    time_limit = 30.0  # seconds until the complete request has arrived
    protocol_version = "HTTP/1.1"  # 1.0 has no chunks
    disable_nagle_algorithm = True  # it delays the body of a response by 40 ms

    def setup(self) -> None:
        """Set up the reader with its deadline."""
        super().setup()
        self.reader = DeadlineReader(self.connection, self.timeout, self.time_limit)
        self.rfile = BufferedReader(self.reader)

    def do_POST(self) -> None:
        is_found = self.path.partition("?")[0] == self.server.path
        if not is_found or self.command != "POST":
            self._reject(405 if is_found else 404, f"deliveries go to POST {self.server.path}")
        elif "origin" in self.headers:
            self._reject(403, "it has an Origin header, so a web page sent it: Svix sends none")
        elif LOOP_HEADER in self.headers:
            self._reject(508, "listen sent it: --forward-to leads back here")
        else:
            self._receive()

    do_GET = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_POST  # noqa: N815  # http.server's own pattern

    def _receive(self) -> None:
        exchange = Exchange(Capture(list(self.headers.items()), b"", received_at=time()))
        try:
            exchange.capture.body = self._read_body()
        except WebhookVerificationError as error:
            exchange.reject(error)
        else:
            self.server.receive(exchange)
        stdout_is_open = self.server.report(exchange)
        self._send(exchange.response)
        if not stdout_is_open:  # in another thread: shutdown() waits for the server, which may wait for this one
            Thread(target=self.server.shutdown, daemon=True).start()

    def _read_body(self) -> bytes:
        """Read the complete body, with or without chunks: https://www.rfc-editor.org/rfc/rfc9112#section-6.3."""
        if self.headers.defects or any("\n" in value or "\0" in value for value in self.headers.values()):
            raise MalformedHeaderError("section", "has an invalid line, a folded one, or one with a zero byte")
        if not all(is_header_name(name) for name in self.headers):
            raise MalformedHeaderError("section", "has a name that HTTP does not allow")
        lengths = self.headers.get_all("content-length", [])
        codings = self.headers.get_all("transfer-encoding", [])
        if lengths and codings:
            raise MalformedHeaderError("content-length", "is next to transfer-encoding: one of them is wrong")
        try:
            return self._read_chunks(codings) if codings else self._read_length(lengths)
        except TimeoutError:
            is_over = monotonic() >= self.reader.deadline
            raise BodyTimeoutError(self.time_limit if is_over else self.timeout) from None
        except OSError:
            raise BodyIncompleteError from None

    def _read_length(self, lengths: list[str]) -> bytes:
        length = ",".join(lengths).strip() or "0"
        if not length.isdecimal():  # header values are Latin-1, so this is 0 to 9 only
            raise MalformedHeaderError("content-length", "is not one number")
        if len(length) > 15 or int(length) > MAX_BODY:
            raise BodyTooLargeError(MAX_BODY)
        content = self.rfile.read(int(length))
        if len(content) < int(length):
            raise BodyIncompleteError(len(content), int(length))
        return content

    def _read_chunks(self, codings: list[str]) -> bytes:
        if [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise MalformedHeaderError("transfer-encoding", "is not chunked, the only coding that listen reads")
        body = bytearray()  # += on bytes takes hours for a large body in small chunks
        for chunk in read_chunks(self.rfile, MAX_BODY):
            body += chunk
        return bytes(body)

    def _reject(self, status: int, reason: str) -> None:
        """Respond to a request that is not a delivery: usually, the path in the tunnel or the dashboard is wrong."""
        print_status(f"{self.command} {escape_control_chars(self.path[:200])}: responded {status}: {reason}")
        self._send(Response(status, [("Allow", "POST")] if status == 405 else [], b"", 0))

    def _send(self, response: Response) -> None:
        self.connection.settimeout(self.timeout)
        self.send_response_only(response.status)
        for name, value in end_to_end(response.headers):
            self.send_header(name, value)
        if response.status not in (204, 304):  # which have no body
            self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(response.body)

    def finish(self) -> None:
        """Read to the end: closing with unread bytes resets the connection, and the response is lost."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.reader.deadline = monotonic() + self.timeout
            while self.reader.readinto(bytearray(65_536)):
                pass
        super().finish()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing: there is a line per delivery."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print that a request was not HTTP, or did not arrive in time."""
        print_status(escape_control_chars(format % args))
