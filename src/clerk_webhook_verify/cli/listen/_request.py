"""One request: read it, verify it, forward it or respond."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from io import BufferedReader, RawIOBase
from threading import Thread
from time import monotonic, time
from typing import Any, ClassVar

from ..._receiver import REJECTION
from ...errors import (
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    MalformedHeaderError,
    WebhookVerificationError,
)
from .._chunks import read_chunks
from .._http import LOOP_HEADER, Response, UnreachableError, end_to_end, is_header_name
from .._terminal import escape_control_chars, print_status
from ..captures import Capture
from ._receiver import Receiver, Result, Verdict

_MAX_BODY = 8_388_608
_JSON = [("Content-Type", "application/json")]
_REJECTION = json.dumps(REJECTION, separators=(",", ":")).encode()


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
    time_limit: ClassVar[float] = 30  # seconds until the complete request has arrived
    protocol_version = "HTTP/1.1"  # 1.0 has no chunks
    disable_nagle_algorithm = True  # it delays the body of a response by 40 ms

    def setup(self) -> None:
        """Set up the reader with its deadline."""
        super().setup()
        self.reader = DeadlineReader(self.connection, self.timeout, self.time_limit)
        self.rfile = BufferedReader(self.reader)

    def do_POST(self) -> None:
        if self.path.partition("?")[0] != self.server.path:
            self._reject(404, f"deliveries go to POST {self.server.path}")
        elif "origin" in self.headers:
            self._reject(403, "it has an Origin header, so a web page sent it: Svix sends none")
        elif LOOP_HEADER in self.headers:
            self._reject(508, "listen sent it: --forward-to leads back here")
        else:
            self._receive()

    def do_GET(self) -> None:
        status = 405 if self.path.partition("?")[0] == self.server.path else 404
        self._reject(status, f"deliveries go to POST {self.server.path}")

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  # the standard library's own pattern

    def _receive(self) -> None:
        capture = Capture(list(self.headers.items()), b"", received_at=time())
        try:
            capture.body = self._read_body()
        except WebhookVerificationError as error:
            result = Result(_rejection(error), Verdict(error=error))
        else:
            verdict = self.server.check(capture)
            self.server.save(capture, verdict)
            result = self._forward_or_respond(capture, verdict)
        stdout_is_open = self.server.report(capture, result)
        self._send(result.response)
        if not stdout_is_open:  # in another thread: shutdown() waits for the server, which may wait for this one
            Thread(target=self.server.shutdown, daemon=True).start()

    def _forward_or_respond(self, capture: Capture, verdict: Verdict) -> Result:
        target = self.server.target
        if verdict.error is not None and not self.server.forward_unverified:
            return Result(_rejection(verdict.error), verdict)
        if target is None:
            return Result(Response(204, [], b"", 0), verdict)
        try:
            response = target.post([*end_to_end(capture.headers), (LOOP_HEADER, "1")], capture.body)
        except UnreachableError as unreachable:
            response = Response(502, _JSON, b'{"detail":"the app gave no response"}', 0)
            return Result(response, verdict, unreachable=str(unreachable))
        return Result(response, verdict, forwarded=True)

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
        if len(length) > 15 or int(length) > _MAX_BODY:
            raise BodyTooLargeError(_MAX_BODY)
        content = self.rfile.read(int(length))
        if len(content) < int(length):
            raise BodyIncompleteError(len(content), int(length))
        return content

    def _read_chunks(self, codings: list[str]) -> bytes:
        if [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise MalformedHeaderError("transfer-encoding", "is not chunked, the only coding that listen reads")
        body = bytearray()  # += on bytes takes hours for a large body in small chunks
        for chunk in read_chunks(self.rfile, _MAX_BODY):
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


def _rejection(error: WebhookVerificationError) -> Response:
    status = 413 if isinstance(error, BodyTooLargeError) else 408 if isinstance(error, BodyTimeoutError) else 400
    return Response(status, _JSON, _REJECTION, 0)
