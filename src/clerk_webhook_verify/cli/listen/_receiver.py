"""The server: what all requests share, and how many are handled at once."""

from __future__ import annotations

import os
import socket
import sys
from argparse import Namespace
from http.server import ThreadingHTTPServer
from io import FileIO
from select import select
from socketserver import BaseRequestHandler
from threading import BoundedSemaphore, Lock
from typing import Any, ClassVar

from ..._webhook import Webhook
from ...errors import TimestampError, WebhookVerificationError
from .._capture_file import append_delivery
from .._http import Target
from .._terminal import OutputError, escape_control_chars, print_json, print_status, print_wrapped
from ..captures import Capture
from ._result import Result, Verdict, facts_about, line_about


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
        """Print the line about a delivery; return False if the standard output is closed (``| head``)."""
        with self.lock:
            try:
                if self.as_json:
                    print_json(facts_about(capture, result))
                else:
                    print_wrapped(line_about(capture, result, self.webhook), indent=10)
            except BrokenPipeError:
                return False
            except OutputError:  # a full disk: the delivery is answered all the same
                pass
        return True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print a line instead of a traceback: usually, the client disconnected before it got its answer."""
        print_status(f"a request was not answered: {escape_control_chars(repr(sys.exc_info()[1]))}")
