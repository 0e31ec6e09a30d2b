"""``listen``: a receiver on this machine, behind the tunnel of your choice."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from argparse import ArgumentParser, Namespace
from binascii import b2a_base64
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import FileIO
from threading import Lock
from time import localtime, monotonic, strftime, time
from typing import ClassVar

from .._webhook import Webhook
from ..errors import (
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    MalformedHeaderError,
    WebhookVerificationError,
)
from ._chunks import read_chunks
from ._deliveries import Capture
from ._http import Answer, Target, UnreachableError, end_to_end
from ._options import UsageError, add_secret_options, check_no_secret, file_error, secrets_from_args
from ._terminal import colorize, escape_control_chars, print_json, print_result, print_status

_MAX_BODY = 8_388_608
_NOT_SAVED = frozenset(("cookie", "authorization", "proxy-authorization"))
_PATH = re.compile(r"/[!-~]*")
_JSON = [("Content-Type", "application/json")]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Receives deliveries on this machine until Ctrl-C: verifies each, prints a line about it, stores it and\n"
        "passes it on to your app. Point a tunnel at it (Hookdeck, ngrok, Clerk's relay), and Clerk at the tunnel.\n"
        "Without --forward-to it responds with 204 to a genuine delivery, and with 400 to a refused one."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify listen --save capture.ndjson
  clerk-webhook-verify listen --port 4000 --forward-to http://localhost:3000/webhooks/clerk"""
    parser.add_argument("--port", type=int, default=3000, help="where to listen; 0: any free port (default: 3000)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--path", default="/webhooks/clerk", help="where deliveries go (default: /webhooks/clerk)")
    parser.add_argument("--forward-to", metavar="URL", help="send genuine deliveries there, and its answer back")
    parser.add_argument("--forward-unverified", action="store_true", help="with --forward-to: send refused ones, too")
    parser.add_argument(
        "--save", metavar="FILE", help="append each delivery, for verify, diagnose and replay; without Cookie and such"
    )
    add_secret_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per delivery")


def run(arguments: Namespace) -> int:
    """Receive until Ctrl-C."""
    webhook = Webhook(secrets_from_args(arguments))
    target = None if arguments.forward_to is None else Target(arguments.forward_to)
    if target is None and arguments.forward_unverified:
        raise UsageError("--forward-unverified goes with --forward-to")
    for option in "host", "path", "save":
        check_no_secret(getattr(arguments, option) or "", f"--{option}")
    if not _PATH.fullmatch(arguments.path) or "?" in arguments.path:
        raise UsageError("--path should begin with / and hold no space, no ? and nothing outside of ASCII")
    with ExitStack() as opened:
        receiver = opened.enter_context(_bind(arguments, webhook, target))
        if arguments.save is not None:
            receiver.capture_file = opened.enter_context(_open_capture_file(arguments.save))
        announce = print_status if arguments.json else print_result
        announce(f"listening on http://{escape_control_chars(arguments.host)}:{receiver.server_port}{receiver.path}")
        receiver.serve_forever()
    return 1  # the standard output was closed; Ctrl-C is an exception


def _bind(arguments: Namespace, webhook: Webhook, target: Target | None) -> _Receiver:
    """Return a receiver that is bound to its port: from now on, deliveries wait.

    Raises:
        UsageError: The address is not available, or the receiver would forward to itself.
    """
    host, port = arguments.host, arguments.port
    if not host:
        raise UsageError("--host is empty, which would be every address of this machine: that is 0.0.0.0")
    if not 0 <= port <= 65_535:
        raise UsageError("--port takes 0 to 65535")
    if target is not None and target.is_loopback() and target.port == port:
        raise UsageError("--forward-to is where listen itself would be: give it another --port")
    try:
        return _Receiver(arguments, webhook, target)
    except (OSError, TypeError) as error:  # TypeError: NUL in the name
        reason = getattr(error, "strerror", None) or "not a host name"
        raise UsageError(
            f"port {port} of {escape_control_chars(host)!r} is not available: {reason}: pass another --port"
        ) from None


def _open_capture_file(path: str) -> FileIO:
    """Open the file to append, unbuffered; only its owner can read a new one.

    Raises:
        UsageError: It cannot be opened.
    """
    try:
        file = open(path, "a+b", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
        _end_last_line(file)
    except (OSError, ValueError) as error:
        raise file_error(f"--save cannot be written: {path!r}", error) from None
    return file


def _end_last_line(file: FileIO) -> None:
    """If the last line has no newline, remove it if it is truncated, otherwise add one."""
    last = b""
    if os.fstat(file.fileno()).st_size:  # 0 for a terminal or a pipe, which cannot be read
        with open(file.name, "rb") as lines:
            last = deque(lines, maxlen=1)[0]
    if not last or last.endswith(b"\n"):
        return
    if last.startswith(b"{") and not _is_json(last):
        file.truncate(os.fstat(file.fileno()).st_size - len(last))
        print_status("the last line of the --save file was truncated, as when its writer was stopped: removed")
    else:
        file.write(b"\n")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


class _Receiver(ThreadingHTTPServer):
    """What all requests share: the settings, and one lock around printing and saving."""

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would share a port that is taken
    request_queue_size = 128  # a resend brings many deliveries at once
    capture_file: FileIO | None = None

    def __init__(self, arguments: Namespace, webhook: Webhook, target: Target | None) -> None:
        super().__init__((arguments.host, arguments.port), _Handler)
        self.path: str = arguments.path
        self.webhook = webhook
        self.target = target
        self.forward_unverified: bool = arguments.forward_unverified
        self.as_json: bool = arguments.json
        self.lock = Lock()

    def check(self, capture: Capture) -> WebhookVerificationError | None:
        """Return why a delivery is rejected; None if it is genuine."""
        try:
            self.webhook.verify(capture.headers, capture.body)
        except WebhookVerificationError as error:
            return error
        return None

    def save(self, capture: Capture) -> None:
        """Append a delivery in one write: stopping this process cannot truncate another one."""
        if self.capture_file is None:
            return
        record = json.dumps(_record(capture)).encode() + b"\n"
        with self.lock:
            try:
                written = self.capture_file.write(record)
                if written < len(record):
                    self.capture_file.truncate(os.fstat(self.capture_file.fileno()).st_size - written)
                    print_status("a delivery was not saved: no space left on the device")
            except OSError as error:
                print_status(f"a delivery was not saved: {error.strerror}")

    def report(self, capture: Capture, result: _Result) -> bool:
        """Print the line about a delivery; return False if the standard output is closed (``| head``)."""
        with self.lock:
            try:
                if self.as_json:
                    print_json(_facts(capture, result))
                else:
                    print_result(_line(capture, result))
            except BrokenPipeError:
                return False
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print a line instead of a traceback: usually, the client disconnected before it got its answer."""
        print_status(f"a request was not answered: {escape_control_chars(repr(sys.exc_info()[1]))}")


@dataclass(frozen=True)
class _Result:
    """The answer to a delivery."""

    answer: Answer
    error: WebhookVerificationError | None = None
    """Why the delivery is rejected; None if it is genuine."""
    forwarded: bool = False
    """The answer is the app's."""
    unreachable: str | None = None
    """Why the app gave none."""


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver  # pyright: ignore[reportIncompatibleVariableOverride]  # the standard library's own pattern
    timeout: ClassVar[float] = 10  # pyright: ignore[reportIncompatibleVariableOverride]  # seconds for each wait
    protocol_version = "HTTP/1.1"  # 1.0 has no chunks
    disable_nagle_algorithm = True  # it delays the body of an answer by 40 ms

    def do_POST(self) -> None:
        if self.path.partition("?")[0] != self.server.path:
            self._send_elsewhere(404)
            return
        capture = Capture(list(self.headers.items()), b"", received_at=time())
        try:
            capture.body = self._read_body()
        except WebhookVerificationError as error:
            result = _Result(_rejection(error), error)
        else:
            failed_check = self.server.check(capture)
            self.server.save(capture)
            result = self._forward_or_answer(capture, failed_check)
        stdout_is_open = self.server.report(capture, result)
        self._send(result.answer)
        if not stdout_is_open:
            self.server.shutdown()

    def do_GET(self) -> None:
        self._send_elsewhere(405 if self.path.partition("?")[0] == self.server.path else 404)

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  # the standard library's own pattern

    def _forward_or_answer(self, capture: Capture, error: WebhookVerificationError | None) -> _Result:
        target = self.server.target
        if error is not None and not self.server.forward_unverified:
            return _Result(_rejection(error), error)
        if target is None:
            return _Result(Answer(204, [], b"", 0))
        try:
            return _Result(target.post(end_to_end(capture.headers), capture.body), error, forwarded=True)
        except UnreachableError as unreachable:
            answer = Answer(502, _JSON, b'{"detail":"the app gave no answer"}', 0)
            return _Result(answer, error, unreachable=str(unreachable))

    def _read_body(self) -> bytes:
        """Read the complete body, with or without chunks: https://www.rfc-editor.org/rfc/rfc9112#section-6.3.

        Raises:
            MalformedHeaderError: The headers do not say where it ends, or say it twice.
            BodyTooLargeError: It exceeds 8 MB.
            BodyIncompleteError: The client disconnected.
            BodyTimeoutError: The client is too slow.
        """
        if self.headers.defects or any("\n" in value for value in self.headers.values()):
            raise MalformedHeaderError("section", "has a line that is no header, or one that is folded")
        lengths = self.headers.get_all("content-length", [])
        codings = self.headers.get_all("transfer-encoding", [])
        if lengths and codings:
            raise MalformedHeaderError("content-length", "stands beside transfer-encoding: one of them is wrong")
        try:
            return self._read_chunks(codings) if codings else self._read_length(lengths)
        except TimeoutError:
            raise BodyTimeoutError(self.timeout) from None
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
            raise MalformedHeaderError("transfer-encoding", "is not chunked, the one coding that is read here")
        body = bytearray()  # += on bytes takes hours for a large body in small chunks
        for chunk in read_chunks(self.rfile, _MAX_BODY):
            body += chunk
        return bytes(body)

    def _send_elsewhere(self, status: int) -> None:
        """Answer a request that is not a delivery: usually, the path in the tunnel or in Clerk is wrong."""
        request = f"{self.command} {escape_control_chars(self.path[:200])}"
        print_status(f"{request}: answered {status}: deliveries go to POST {self.server.path}")
        self._send(Answer(status, [("Allow", "POST")] if status == 405 else [], b"", 0))

    def _send(self, answer: Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in end_to_end(answer.headers):
            self.send_header(name, value)
        if answer.status not in (204, 304):  # which have no body
            self.send_header("Content-Length", str(len(answer.body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def finish(self) -> None:
        """Read what is still in transit: closing with unread bytes resets the connection, and the answer is lost."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            end = monotonic() + self.timeout
            while self.connection.recv(65_536) and monotonic() < end:
                pass
        super().finish()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Print nothing: there is a line for each delivery."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print that a request was not HTTP, or did not arrive in time."""
        print_status(escape_control_chars(format % args))


def _rejection(error: WebhookVerificationError) -> Answer:
    status = 413 if isinstance(error, BodyTooLargeError) else 408 if isinstance(error, BodyTimeoutError) else 400
    return Answer(status, _JSON, b'{"detail":"webhook refused"}', 0)


def _record(capture: Capture) -> dict[str, object]:
    """Return a delivery as Clerk's own command prints it, with the names of headers in lower case."""
    headers: dict[str, list[str]] = {}
    for name, value in capture.headers:
        if name.lower() not in _NOT_SAVED:
            headers.setdefault(name.lower(), []).append(value)
    return {
        "type": "event",
        "received_at": capture.received_at,
        "svix_id": capture.message_id,
        "event_type": capture.event_type,
        "headers": {name: values[0] if len(values) == 1 else values for name, values in headers.items()},
        "body_b64": b2a_base64(capture.body, newline=False).decode(),
    }


def _facts(capture: Capture, result: _Result) -> dict[str, object]:
    return {
        "received_at": capture.received_at,
        "type": capture.event_type,
        "message_id": capture.message_id,
        "valid": result.error is None,
        "code": result.error and result.error.code,
        "message": result.error and str(result.error),
        "status": result.answer.status,
        "forwarded": result.forwarded,
        "unreachable": result.unreachable,
    }


def _line(capture: Capture, result: _Result) -> str:
    words = [
        strftime("%H:%M:%S", localtime(capture.received_at)),
        f"{escape_control_chars(capture.event_type[:100]) or '-':<24}",
        f"{escape_control_chars(capture.message_id[:100]) or '-':<31}",
        colorize("genuine", "green") if result.error is None else colorize("refused", "red"),
    ]
    line = "  ".join(words)
    if result.error is not None:
        line += f": {result.error.code}: {escape_control_chars(str(result.error))}"
    if result.forwarded:
        line += f"; the app answered {result.answer.status}"
    if result.unreachable is not None:
        line += f"; {result.unreachable}"
    return line
