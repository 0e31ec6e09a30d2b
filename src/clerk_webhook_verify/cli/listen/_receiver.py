"""The server: what all requests share, how many are handled at once, and the line about each delivery."""

from __future__ import annotations

import os
import socket
import sys
from argparse import Namespace
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from io import FileIO
from select import select
from socketserver import BaseRequestHandler
from threading import BoundedSemaphore, Lock
from time import localtime, strftime
from typing import Any, ClassVar

from ..._webhook import Webhook
from ...errors import SignatureMismatchError, TimestampError, WebhookVerificationError
from ...events import EVENT_TYPES
from .._http import Response, Target
from .._options import in_options
from .._terminal import OutputError, colorize, escape_control_chars, print_json, print_status, print_wrapped
from ..captures import Capture
from ._capture_file import append_delivery

_TYPE_WIDTH = max(map(len, EVENT_TYPES))
_ID_WIDTH = 36  # of the longest that this package or Svix makes


@dataclass(frozen=True)
class Verdict:
    """The result of verifying a delivery."""

    event_type: str = ""
    """Empty if the signature is not valid."""
    error: WebhookVerificationError | None = None
    """Why the delivery is rejected; None if it is valid."""


@dataclass(frozen=True)
class Result:
    """The response to a delivery."""

    response: Response
    verdict: Verdict
    forwarded: bool = False
    """Whether the response is the app's."""
    unreachable: str | None = None
    """Why the app gave none."""


class Receiver(ThreadingHTTPServer):
    """What all requests share: the settings, and one lock around printing and saving."""

    daemon_threads = True
    allow_reuse_address = os.name == "posix"  # elsewhere it would share a port that is taken
    request_queue_size = 128  # a resend brings many deliveries at once
    max_connections: ClassVar[int] = 32  # each takes a thread, and up to 8 MB; others wait in the queue
    capture_file: FileIO | None = None

    def __init__(
        self, arguments: Namespace, webhook: Webhook, target: Target | None, handler: type[BaseRequestHandler]
    ) -> None:
        super().__init__((arguments.host, arguments.port), handler)
        self.path: str = arguments.path
        self.webhook = webhook
        self.target = target
        self.forward_unverified: bool = arguments.forward_unverified
        self.as_json: bool = arguments.json
        self.lock = Lock()
        self._free = BoundedSemaphore(self.max_connections)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Handle a request in a thread, when there are few enough."""
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

    def check(self, capture: Capture) -> Verdict:
        """Verify a delivery. JSON is parsed only if the signature is valid."""
        try:
            event = self.webhook.verify(capture.headers, capture.body)
        except TimestampError as error:
            return Verdict(capture.event_type, error)
        except WebhookVerificationError as error:
            return Verdict("", error)
        return Verdict(event.type)

    def save(self, capture: Capture, verdict: Verdict) -> None:
        """Append a delivery to the capture file, if there is one."""
        if self.capture_file is not None:
            with self.lock:
                append_delivery(self.capture_file, capture, verdict.event_type, verdict.error)

    def report(self, capture: Capture, result: Result) -> bool:
        """Print the line about a delivery; return False if the standard output is closed."""
        with self.lock:
            try:
                if self.as_json:
                    print_json(_facts(capture, result))
                else:
                    print_wrapped(_line(capture, result, self.webhook), indent=10)
            except BrokenPipeError:
                return False
            except OutputError:  # a full disk must not change the response
                pass
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print a line instead of a traceback: usually, the client disconnected."""
        print_status(f"a request got no response: {escape_control_chars(repr(sys.exc_info()[1]))}")


def _facts(capture: Capture, result: Result) -> dict[str, object]:
    error = result.verdict.error
    return {
        "received_at": capture.received_at,
        "type": result.verdict.event_type,
        "message_id": capture.message_id,
        "valid": error is None,
        "code": error and error.code,
        "message": error and in_options(str(error)),
        "status": result.response.status,
        "forwarded": result.forwarded,
        "unreachable": result.unreachable,
    }


def fingerprints_of(webhook: Webhook) -> str:
    fingerprints = webhook.fingerprints
    return f"secret{'s' if len(fingerprints) > 1 else ''} {', '.join(fingerprints)}"


def _line(capture: Capture, result: Result, webhook: Webhook) -> str:
    error = result.verdict.error
    words = [
        strftime("%H:%M:%S", localtime(capture.received_at)),
        f"{escape_control_chars(result.verdict.event_type[:100]) or '-':<{_TYPE_WIDTH}}",
        f"{escape_control_chars(capture.message_id[:100]) or '-':<{_ID_WIDTH}}",
        colorize("valid", "green") if error is None else colorize("rejected", "red"),
    ]
    line = "  ".join(words)
    if error is not None:
        line += f": {error.code}: {escape_control_chars(in_options(str(error)))}"
    if isinstance(error, SignatureMismatchError):
        line += f"; tried {fingerprints_of(webhook)}"
    if result.forwarded:
        line += f"; the app returned {result.response.status} in {result.response.seconds:.3f} s"
    if result.unreachable is not None:
        line += f"; {result.unreachable}"
    return line
