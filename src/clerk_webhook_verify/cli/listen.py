"""``listen``: a receiver on this machine, behind the tunnel of your choice."""

from __future__ import annotations

import os
import re
import socket
import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader, FileIO, RawIOBase
from select import select
from threading import BoundedSemaphore, Lock, Thread
from time import localtime, monotonic, strftime, time
from typing import Any, ClassVar

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
from ..events import EVENT_TYPES
from ._capture_file import append_delivery, open_capture_file
from ._chunks import read_chunks
from ._http import LOOP_HEADER, Answer, Target, UnreachableError, end_to_end, is_header_name
from ._options import (
    UsageError,
    add_secret_options,
    check_no_secret,
    file_argument,
    in_options,
    secrets_from_args,
)
from ._terminal import colorize, escape_control_chars, print_json, print_result, print_status, print_wrapped
from .captures import Capture

_MAX_BODY = 8_388_608
_PATH = re.compile(r"/[!-~]*")
_JSON = [("Content-Type", "application/json")]
_TYPE_WIDTH = max(map(len, EVENT_TYPES))
_ID_WIDTH = 36  # of the longest that this package or Svix makes


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
    parser.add_argument(
        "--forward-to", "--to", metavar="URL", help="send genuine deliveries there, and its answer back"
    )
    parser.add_argument("--forward-unverified", action="store_true", help="with --forward-to: send refused ones, too")
    parser.add_argument(
        "--save",
        type=file_argument,
        metavar="FILE",
        help="append each delivery, for verify, diagnose and replay; without Cookie and such",
    )
    add_secret_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per delivery")


def run(arguments: Namespace) -> int:
    """Receive until Ctrl-C."""
    webhook = Webhook(secrets_from_args(arguments))
    target = None if arguments.forward_to is None else Target(arguments.forward_to)
    if target is None and arguments.forward_unverified:
        raise UsageError("--forward-unverified goes with --forward-to")
    for option in "host", "path", "save", "forward_to":
        check_no_secret(getattr(arguments, option) or "", f"--{option.replace('_', '-')}")
    if not _PATH.fullmatch(arguments.path) or "?" in arguments.path:
        raise UsageError("--path should begin with / and hold no space, no ? and nothing outside of ASCII")
    with ExitStack() as opened:
        receiver = opened.enter_context(_bind(arguments, webhook, target))
        if arguments.save is not None:
            receiver.capture_file = opened.enter_context(open_capture_file(arguments.save))
        if target is not None and target.port == receiver.server_port and receiver.is_reached_by(target):
            raise UsageError("--forward-to is where listen itself would be: give it another --port")
        announce = print_status if arguments.json else print_result
        announce(f"listening on http://{escape_control_chars(arguments.host)}:{receiver.server_port}{receiver.path}")
        if target is not None:
            print_status(f"forwarding to {escape_control_chars(target.url)}; {_secrets(webhook)}")
        receiver.serve_forever()
    return 1  # the standard output was closed; Ctrl-C is an exception


def _bind(arguments: Namespace, webhook: Webhook, target: Target | None) -> _Receiver:
    """Return a receiver that is bound to its port: from now on, deliveries wait.

    Raises:
        UsageError: The address is not available.
    """
    host, port = arguments.host, arguments.port
    if not host:
        raise UsageError("--host is empty, which would be every address of this machine: that is 0.0.0.0")
    if not 0 <= port <= 65_535:
        raise UsageError("--port takes 0 to 65535")
    try:
        return _Receiver(arguments, webhook, target)
    except (OSError, TypeError) as error:  # TypeError: NUL in the name
        reason = getattr(error, "strerror", None) or "not a host name"
        raise UsageError(
            f"port {port} of {escape_control_chars(host)!r} is not available: {reason}: pass another --port"
        ) from None


class _DeadlineReader(RawIOBase):
    """Reads a socket until a deadline, which a client that sends a byte now and then cannot postpone."""

    def __init__(self, connection: socket.socket, seconds_per_wait: float, seconds: float) -> None:
        self._connection = connection
        self._seconds_per_wait = seconds_per_wait
        self.deadline = monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* with what has arrived."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(min(left, self._seconds_per_wait))
        return self._connection.recv_into(buffer)


class _Receiver(ThreadingHTTPServer):
    """What all requests share: the settings, and one lock around printing and saving."""

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would share a port that is taken
    request_queue_size = 128  # a resend brings many deliveries at once
    max_connections: ClassVar[int] = 32  # each takes a thread, and up to 8 MB; others wait in the queue
    capture_file: FileIO | None = None

    def __init__(self, arguments: Namespace, webhook: Webhook, target: Target | None) -> None:
        super().__init__((arguments.host, arguments.port), _Handler)
        self.path: str = arguments.path
        self.webhook = webhook
        self.target = target
        self.forward_unverified: bool = arguments.forward_unverified
        self.as_json: bool = arguments.json
        self.lock = Lock()
        self._free = BoundedSemaphore(self.max_connections)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a request in a thread, as soon as there are few enough; the time for each is limited."""
        self._free.acquire()
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # no thread can be started
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Handle a request."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def is_reached_by(self, target: Target) -> bool:
        """Return whether a connection to *target* arrives here, whatever its host is called."""
        try:
            connection = socket.create_connection((target.host, target.port), timeout=2)
        except Exception:  # the first delivery reports whatever is wrong with the target
            return False
        with connection:
            own_port = connection.getsockname()[1]
            while select([self.socket], [], [], 0.1)[0]:
                request, client_address = self.socket.accept()
                if client_address[1] == own_port:
                    request.close()
                    return True
                self.process_request(request, client_address)  # a delivery that came first
        return False

    def check(self, capture: Capture) -> _Verdict:
        """Verify a delivery. JSON is parsed only if the signature is valid."""
        try:
            event = self.webhook.verify(capture.headers, capture.body)
        except TimestampError as error:
            return _Verdict(capture.event_type, error)
        except WebhookVerificationError as error:
            return _Verdict("", error)
        return _Verdict(event.type)

    def save(self, capture: Capture, verdict: _Verdict) -> None:
        """Append a delivery to the capture file, if there is one."""
        if self.capture_file is not None:
            with self.lock:
                append_delivery(self.capture_file, capture, verdict.event_type, verdict.error)

    def report(self, capture: Capture, result: _Result) -> bool:
        """Print the line about a delivery; return False if the standard output is closed (``| head``)."""
        with self.lock:
            try:
                if self.as_json:
                    print_json(_facts(capture, result))
                else:
                    print_wrapped(_line(capture, result, self.webhook), indent=10)
            except BrokenPipeError:
                return False
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print a line instead of a traceback: usually, the client disconnected before it got its answer."""
        print_status(f"a request was not answered: {escape_control_chars(repr(sys.exc_info()[1]))}")


@dataclass(frozen=True)
class _Verdict:
    """What the check of a delivery found."""

    event_type: str = ""
    """Empty if the signature is not valid."""
    error: WebhookVerificationError | None = None
    """Why the delivery is rejected; None if it is valid."""


@dataclass(frozen=True)
class _Result:
    """The answer to a delivery."""

    answer: Answer
    verdict: _Verdict
    forwarded: bool = False
    """The answer is the app's."""
    unreachable: str | None = None
    """Why the app gave none."""


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver  # pyright: ignore[reportIncompatibleVariableOverride]  # the standard library's own pattern
    timeout: ClassVar[float] = 10  # pyright: ignore[reportIncompatibleVariableOverride]  # seconds for each wait
    time_limit: ClassVar[float] = 30  # seconds until the complete request has arrived
    protocol_version = "HTTP/1.1"  # 1.0 has no chunks
    disable_nagle_algorithm = True  # it delays the body of an answer by 40 ms

    def setup(self) -> None:
        """Limit the time to read the request."""
        super().setup()
        self.reader = _DeadlineReader(self.connection, self.timeout, self.time_limit)
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
            result = _Result(_rejection(error), _Verdict(error=error))
        else:
            verdict = self.server.check(capture)
            self.server.save(capture, verdict)
            result = self._forward_or_answer(capture, verdict)
        stdout_is_open = self.server.report(capture, result)
        self._send(result.answer)
        if not stdout_is_open:  # in another thread: shutdown() waits for the server, which may wait for this one
            Thread(target=self.server.shutdown, daemon=True).start()

    def _forward_or_answer(self, capture: Capture, verdict: _Verdict) -> _Result:
        target = self.server.target
        if verdict.error is not None and not self.server.forward_unverified:
            return _Result(_rejection(verdict.error), verdict)
        if target is None:
            return _Result(Answer(204, [], b"", 0), verdict)
        try:
            answer = target.post([*end_to_end(capture.headers), (LOOP_HEADER, "1")], capture.body)
        except UnreachableError as unreachable:
            answer = Answer(502, _JSON, b'{"detail":"the app gave no answer"}', 0)
            return _Result(answer, verdict, unreachable=str(unreachable))
        return _Result(answer, verdict, forwarded=True)

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
        if not all(is_header_name(name) for name in self.headers):
            raise MalformedHeaderError("section", "has a name that HTTP does not allow")
        lengths = self.headers.get_all("content-length", [])
        codings = self.headers.get_all("transfer-encoding", [])
        if lengths and codings:
            raise MalformedHeaderError("content-length", "stands beside transfer-encoding: one of them is wrong")
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
            raise MalformedHeaderError("transfer-encoding", "is not chunked, the one coding that is read here")
        body = bytearray()  # += on bytes takes hours for a large body in small chunks
        for chunk in read_chunks(self.rfile, _MAX_BODY):
            body += chunk
        return bytes(body)

    def _reject(self, status: int, reason: str) -> None:
        """Answer a request that is not a delivery: usually, the path in the tunnel or in Clerk is wrong."""
        print_status(f"{self.command} {escape_control_chars(self.path[:200])}: answered {status}: {reason}")
        self._send(Answer(status, [("Allow", "POST")] if status == 405 else [], b"", 0))

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(self.timeout)
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
            self.reader.deadline = monotonic() + self.timeout
            while self.reader.readinto(bytearray(65_536)):
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


def _facts(capture: Capture, result: _Result) -> dict[str, object]:
    error = result.verdict.error
    return {
        "received_at": capture.received_at,
        "type": result.verdict.event_type,
        "message_id": capture.message_id,
        "valid": error is None,
        "code": error and error.code,
        "message": error and in_options(str(error)),
        "status": result.answer.status,
        "forwarded": result.forwarded,
        "unreachable": result.unreachable,
    }


def _secrets(webhook: Webhook) -> str:
    """Return the fingerprints: which secrets these are, without revealing them."""
    fingerprints = webhook.fingerprints
    return f"secret{'s' if len(fingerprints) > 1 else ''} {', '.join(fingerprints)}"


def _line(capture: Capture, result: _Result, webhook: Webhook) -> str:
    error = result.verdict.error
    words = [
        strftime("%H:%M:%S", localtime(capture.received_at)),
        f"{escape_control_chars(result.verdict.event_type[:100]) or '-':<{_TYPE_WIDTH}}",
        f"{escape_control_chars(capture.message_id[:100]) or '-':<{_ID_WIDTH}}",
        colorize("genuine", "green") if error is None else colorize("refused", "red"),
    ]
    line = "  ".join(words)
    if error is not None:
        line += f": {error.code}: {escape_control_chars(in_options(str(error)))}"
    if isinstance(error, SignatureMismatchError):
        line += f"; tried {_secrets(webhook)}"
    if result.forwarded:
        line += f"; the app answered {result.answer.status} in {result.answer.seconds:.3f} s"
    if result.unreachable is not None:
        line += f"; {result.unreachable}"
    return line
