"""``listen``: a receiver on this machine, behind the tunnel of your choice."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from binascii import b2a_base64
from collections import deque
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from time import localtime, monotonic, strftime, time

from .._payload import parse_payload
from .._webhook import Webhook
from ..errors import (
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    MalformedHeaderError,
    WebhookVerificationError,
)
from ._deliveries import Capture
from ._http import Answer, Target, UnreachableError, end_to_end
from ._options import UsageError, add_secret_options, check_no_secret, file_error, given_secrets
from ._terminal import escaped, painted, remark, show, show_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from io import FileIO
    from typing import ClassVar

_MAX_BODY = 8_388_608
_NOT_SAVED = frozenset(("cookie", "authorization", "proxy-authorization"))
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
_PATH = re.compile(r"/[!-~]*")
_JSON = [("Content-Type", "application/json")]


def add_arguments(parser: ArgumentParser) -> None:
    """Bring the command's own options."""
    parser.description = (
        "Receives deliveries on this machine until Ctrl-C: verifies each, prints a line about it, stores it and\n"
        "passes it on to your app. Point a tunnel at it (Hookdeck, ngrok, Clerk's relay), and Clerk at the tunnel.\n"
        "Without --forward-to a genuine delivery is answered with 204; a refused one with 400."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify listen --save capture.ndjson
  clerk-webhook-verify listen --port 4000 --forward-to http://localhost:3000/webhooks/clerk"""
    parser.add_argument("--port", type=int, default=3000, help="where to listen; 0: any that is free (default: 3000)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--path", default="/webhooks/clerk", help="where deliveries go (default: /webhooks/clerk)")
    parser.add_argument("--forward-to", metavar="URL", help="send genuine deliveries there, and its answer back")
    parser.add_argument("--forward-unverified", action="store_true", help="with --forward-to: send refused ones, too")
    parser.add_argument(
        "--save", metavar="FILE", help="append each delivery, for verify, diagnose and replay; without Cookie and such"
    )
    add_secret_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery")


def run(arguments: Namespace) -> int:
    """Receive until Ctrl-C."""
    webhook = Webhook(given_secrets(arguments))
    target = None if arguments.forward_to is None else Target(arguments.forward_to)
    if target is None and arguments.forward_unverified:
        raise UsageError("--forward-unverified goes with --forward-to")
    for option in "host", "path", "save":
        check_no_secret(getattr(arguments, option) or "", f"--{option}")
    if not _PATH.fullmatch(arguments.path) or "?" in arguments.path:
        raise UsageError("--path should begin with / and hold no space, no ? and nothing outside of ASCII")
    with ExitStack() as opened:
        receiver = opened.enter_context(_receiver(arguments, webhook, target))
        if arguments.save is not None:
            receiver.capture_file = opened.enter_context(_capture_file(arguments.save))
        announce = remark if arguments.json else show
        announce(f"listening on http://{escaped(arguments.host)}:{receiver.server_port}{receiver.path}")
        receiver.serve_forever()
    return 1  # Ctrl-C comes as an exception: here, nobody reads our output any longer


def _receiver(arguments: Namespace, webhook: Webhook, target: Target | None) -> _Receiver:
    """Bound, so that from now on deliveries wait.

    Raises:
        UsageError: It cannot be, or would forward to itself.
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
    except (OSError, TypeError) as error:  # TypeError: a name that is none
        reason = getattr(error, "strerror", None) or "no name of a host"
        raise UsageError(f"port {port} of {escaped(host)!r} cannot be had: {reason}: give another --port") from None


def _capture_file(path: str) -> FileIO:
    """Open to append, unbuffered; a new one is for its owner alone.

    Raises:
        UsageError: It cannot be.
    """
    try:
        file = open(path, "a+b", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
        _end_last_line(file)
    except (OSError, ValueError) as error:
        raise file_error(f"--save cannot be written: {path!r}", error) from None
    return file


def _end_last_line(file: FileIO) -> None:
    """Keep the next record off a last line without an end: one that is torn goes, any other gets its end."""
    last = b""
    if os.fstat(file.fileno()).st_size:  # nothing is read of a terminal or a pipe
        with open(file.name, "rb") as lines:
            last = deque(lines, maxlen=1)[0]
    if not last or last.endswith(b"\n"):
        return
    if last.startswith(b"{") and not _is_json(last):
        file.truncate(os.fstat(file.fileno()).st_size - len(last))
        remark("the last line of the --save file was torn, as when its writer was stopped: removed")
    else:
        file.write(b"\n")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


class _Receiver(ThreadingHTTPServer):
    """What all requests share: the settings, and one lock round printing and saving."""

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

    def refusal(self, capture: Capture) -> WebhookVerificationError | None:
        """Why a delivery is refused; None: it is genuine."""
        try:
            delivery = self.webhook.verify_signature(capture.headers, capture.body)
            parse_payload(delivery.body, delivery.message_id)
        except WebhookVerificationError as error:
            return error
        return None

    def save(self, capture: Capture) -> None:
        """Append a delivery in one write, so that whoever stops us tears no more than this one."""
        if self.capture_file is None:
            return
        record = json.dumps(_record(capture)).encode() + b"\n"
        with self.lock:
            try:
                written = self.capture_file.write(record)
                if written < len(record):
                    self.capture_file.truncate(os.fstat(self.capture_file.fileno()).st_size - written)
                    remark("a delivery was not saved: there is no room for it")
            except OSError as error:
                remark(f"a delivery was not saved: {error.strerror}")

    def report(self, capture: Capture, refusal: WebhookVerificationError | None, fate: _Fate) -> bool:
        """Print the one line; False: whoever reads us, as head does, has had enough."""
        with self.lock:
            try:
                if self.as_json:
                    show_json(_facts(capture, refusal, fate))
                else:
                    show(_line(capture, refusal, fate))
            except BrokenPipeError:
                return False
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say in a line what would be a traceback: mostly, that the client left before it had its answer."""
        remark(f"a request was not answered: {escaped(repr(sys.exc_info()[1]))}")


class _Fate:
    """What became of a delivery: the answer that it gets, and where that is from."""

    def __init__(self, answer: Answer, *, forwarded: bool = False, unreachable: str | None = None) -> None:
        self.answer = answer
        self.forwarded = forwarded  #: The answer is the app's.
        self.unreachable = unreachable  #: Why the app gave none.


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver  # pyright: ignore[reportIncompatibleVariableOverride]  # the standard library's own pattern
    timeout: ClassVar[float] = 10  # pyright: ignore[reportIncompatibleVariableOverride]  # seconds for each wait
    protocol_version = "HTTP/1.1"  # which alone has chunks
    disable_nagle_algorithm = True  # it would hold an answer's body back for 40 ms

    def do_POST(self) -> None:
        if self.path.partition("?")[0] != self.server.path:
            self._send_elsewhere(404)
            return
        capture = Capture(list(self.headers.items()), b"", received_at=time())
        try:
            capture.body = self._read_body()
        except WebhookVerificationError as error:
            refusal: WebhookVerificationError | None = error
            fate = _Fate(_refused(error))
        else:
            refusal = self.server.refusal(capture)
            self.server.save(capture)
            fate = self._decided(capture, refusal)
        is_read = self.server.report(capture, refusal, fate)
        self._send(fate.answer)
        if not is_read:
            self.server.shutdown()

    def do_GET(self) -> None:
        self._send_elsewhere(405 if self.path.partition("?")[0] == self.server.path else 404)

    do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET  # noqa: N815  # the standard library's own pattern

    def _decided(self, capture: Capture, refusal: WebhookVerificationError | None) -> _Fate:
        """Forward a delivery, or answer it here."""
        target = self.server.target
        if refusal is not None and not self.server.forward_unverified:
            return _Fate(_refused(refusal))
        if target is None:
            return _Fate(Answer(204, [], b"", 0))
        try:
            return _Fate(target.post(end_to_end(capture.headers), capture.body), forwarded=True)
        except UnreachableError as error:
            return _Fate(Answer(502, _JSON, b'{"detail":"the app gave no answer"}', 0), unreachable=str(error))

    def _read_body(self) -> bytes:
        """The whole body, put together where it came in chunks.

        Raises:
            MalformedHeaderError: Where it ends is not told, or told twice.
            BodyTooLargeError, BodyIncompleteError, BodyTimeoutError: As they say.

        Source: RFC 9112, sections 5.2, 6.3 and 7.1.
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
        if not length.isdecimal():  # of Latin-1 that is 0 to 9 alone
            raise MalformedHeaderError("content-length", "is not one number")
        if len(length) > 15 or int(length) > _MAX_BODY:
            raise BodyTooLargeError(_MAX_BODY)
        return self._read(int(length))

    def _read_chunks(self, codings: list[str]) -> bytes:
        if [coding.strip().lower() for coding in codings] != ["chunked"]:
            raise MalformedHeaderError("transfer-encoding", "is not chunked, the one coding that is read here")
        body = bytearray()  # what bytes would take to grow by single ones is hours
        while size := self._read_chunk_size():
            if len(body) + size > _MAX_BODY:
                raise BodyTooLargeError(_MAX_BODY)
            body += self._read(size)
            if self._read(2) != b"\r\n":
                raise MalformedHeaderError("transfer-encoding", "is chunked, but a chunk is longer than it says")
        return bytes(body)  # trailers are left unread

    def _read_chunk_size(self) -> int:
        line = self.rfile.readline(1000)
        size = _CHUNK.fullmatch(line)
        if size is None:
            if not line:
                raise BodyIncompleteError
            raise MalformedHeaderError("transfer-encoding", "is chunked, but the body is not in chunks")
        return int(size[1], 16)

    def _read(self, size: int) -> bytes:
        content = self.rfile.read(size)
        if len(content) < size:
            raise BodyIncompleteError(len(content), size)
        return content

    def _send_elsewhere(self, status: int) -> None:
        """Answer what is no delivery, and say so: mostly, the tunnel's or the endpoint's path is wrong."""
        remark(
            f"{self.command} {escaped(self.path[:200])}: answered {status}: deliveries go to POST {self.server.path}"
        )
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
        """Take what is still on its way: to close on unread bytes would take the answer back."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            end = monotonic() + self.timeout
            while self.connection.recv(65_536) and monotonic() < end:
                pass
        super().finish()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the delivery's line says it."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """What was no HTTP request at all, or none within the time."""
        remark(escaped(format % args))


def _refused(error: WebhookVerificationError) -> Answer:
    status = 413 if isinstance(error, BodyTooLargeError) else 408 if isinstance(error, BodyTimeoutError) else 400
    return Answer(status, _JSON, b'{"detail":"webhook refused"}', 0)


def _record(capture: Capture) -> dict[str, object]:
    """A delivery as Clerk's own command prints it, which looks headers up in lower case."""
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


def _facts(capture: Capture, refusal: WebhookVerificationError | None, fate: _Fate) -> dict[str, object]:
    return {
        "received_at": capture.received_at,
        "type": capture.event_type,
        "message_id": capture.message_id,
        "valid": refusal is None,
        "code": refusal and refusal.code,
        "message": refusal and str(refusal),
        "status": fate.answer.status,
        "forwarded": fate.forwarded,
        "unreachable": fate.unreachable,
    }


def _line(capture: Capture, refusal: WebhookVerificationError | None, fate: _Fate) -> str:
    words = [
        strftime("%H:%M:%S", localtime(capture.received_at)),
        f"{escaped(capture.event_type[:100]) or '-':<24}",
        f"{escaped(capture.message_id[:100]) or '-':<31}",
        painted("genuine", "green") if refusal is None else painted("refused", "red"),
    ]
    line = "  ".join(words)
    if refusal is not None:
        line += f": {refusal.code}: {escaped(str(refusal))}"
    if fate.forwarded:
        line += f"; the app answered {fate.answer.status}"
    if fate.unreachable is not None:
        line += f"; {fate.unreachable}"
    return line
