"""``demo``: send valid and forged deliveries over HTTP to a receiver written with the standard library."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import wrap
from threading import Thread
from time import time

from .._webhook import Webhook
from ..errors import BodyTooLargeError, WebhookVerificationError
from ..events import Event
from ..testing import generate_secret
from ..testing.samples import SAMPLES, sample_payload
from ._terminal import print_result

_MAX_BODY = 65_536
_PATH = "/webhooks/clerk"


def add_arguments(parser: ArgumentParser) -> None:
    """Add the description: there are no options."""
    parser.description = (
        "Starts a receiver on a free port of this machine, sends it a signed delivery of every event type, then\n"
        "forged and malformed ones, and prints the result of each. Exit code 0: each result is as expected."
    )


def run(arguments: Namespace) -> int:
    """Send all attempts and print a table of them."""
    webhook = Webhook(generate_secret())
    receiver = _Receiver(webhook)
    Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
    accepted = rejected = wrong = 0
    print_result(f"a receiver listens on http://127.0.0.1:{receiver.server_port}{_PATH}\n")
    print_result(f"{'delivery':<32} {'verdict':<19} the data of the event, or how to fix the request")
    try:
        for attempt in _attempts(webhook):
            status = _send(receiver.server_port, attempt)
            code, text = receiver.verdicts.pop()
            is_expected = (code, status) == (attempt.code, attempt.status)
            wrong += not is_expected
            accepted += not code
            rejected += bool(code)
            mark = "" if is_expected else f"   <- expected: {attempt.code or 'accepted'} and {attempt.status}"
            first, *more = wrap(text, 70)
            print_result(f"{attempt.name:<32} {code or 'accepted':<19} {first}{mark}")
            for line in more:
                print_result(f"{'':<52} {line}")
    finally:
        receiver.shutdown()
        receiver.server_close()
    print_result(
        f"\n{accepted + rejected} deliveries: {accepted} accepted, {rejected} rejected, {wrong} not as expected"
    )
    return 1 if wrong else 0


@dataclass(frozen=True)
class _Attempt:
    """One request, and the expected verdict and status."""

    name: str
    headers: list[tuple[str, str]]
    body: bytes
    code: str = ""
    """Of the error; empty if the receiver should accept the request."""
    status: int = 204


class _Receiver(ThreadingHTTPServer):
    """An endpoint written with the standard library only."""

    daemon_threads = True

    def __init__(self, webhook: Webhook) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.webhook = webhook
        self.verdicts: list[tuple[str, str]] = []  #: Error code, empty if accepted, and the text to print.


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver  # pyright: ignore[reportIncompatibleVariableOverride]  # the standard library's own pattern
    timeout = 10

    def do_POST(self) -> None:
        self.unread = int(self.headers["content-length"])
        try:
            event = self._verified_event()
        except WebhookVerificationError as error:
            self.server.verdicts.append((error.code, str(error)))
            self._respond(413 if isinstance(error, BodyTooLargeError) else 400)
        else:
            self.server.verdicts.append(("", _describe(event)))
            self._respond(204)

    def _verified_event(self) -> Event:
        self.server.webhook.check_headers(self.headers)  # before reading the body
        if self.unread > _MAX_BODY:
            raise BodyTooLargeError(_MAX_BODY)
        body, self.unread = self.rfile.read(self.unread), 0
        return self.server.webhook.verify(self.headers, body)

    def _respond(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Connection", "close")
        self.end_headers()
        self.rfile.read(min(self.unread, 2 * _MAX_BODY))  # closing with unread bytes would reset the connection

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Print nothing: the table shows it."""


def _describe(event: Event) -> str:
    """Return the class of the data and how many of its fields have a value."""
    if isinstance(event.data, dict):
        return f"{type(event).__name__}, a dict of {len(event.data)}"
    values = vars(event.data)
    filled = [name for name, value in values.items() if value not in (None, ())]
    return f"{type(event.data).__name__}, {len(filled)} of {len(values)} fields filled"


def _attempts(webhook: Webhook) -> Iterator[_Attempt]:
    for event_type in SAMPLES:
        body = json.dumps(sample_payload(event_type), separators=(",", ":")).encode()
        yield _Attempt(event_type, [*webhook.signed_headers(body).items()], body)
    yield from _unusual_attempts(webhook)
    yield from _rejected_attempts(webhook)


def _unusual_attempts(webhook: Webhook) -> Iterator[_Attempt]:
    """Yield valid deliveries that a receiver could get wrong."""
    body = json.dumps({"type": "invitation.created", "data": {"id": "inv_1"}}).encode()
    yield _Attempt("an unknown event type", [*webhook.signed_headers(body).items()], body)
    body = json.dumps(sample_payload("user.created"), indent=1).encode() + b"\n"
    headers = webhook.signed_headers(body)
    other = Webhook(generate_secret()).sign(headers["svix-id"], int(headers["svix-timestamp"]), body)
    headers["svix-signature"] = f"v1a,AAAA {other} {headers['svix-signature']}"
    yield _Attempt("three signatures, one matches", [*headers.items()], body)
    headers = webhook.signed_headers(body)
    renamed = [(name.replace("svix", "Webhook"), value) for name, value in headers.items()]
    yield _Attempt("webhook-* headers", renamed, body)


def _rejected_attempts(webhook: Webhook) -> Iterator[_Attempt]:
    """Yield deliveries that are forged, stale, malformed or not an event."""
    now = int(time())
    body = json.dumps(sample_payload("user.created"), separators=(",", ":")).encode()
    good = webhook.signed_headers(body, timestamp=now)
    unsigned = {name: value for name, value in good.items() if name != "svix-signature"}
    forged = Webhook(generate_secret()).signed_headers(body, timestamp=now)
    large = b" " * (_MAX_BODY + 1)

    def rejected(name: str, code: str, headers: dict[str, str], body: bytes = body, status: int = 400) -> _Attempt:
        return _Attempt(name, [*headers.items()], body, code, status)

    yield rejected("one byte changed", "signature_mismatch", good, body.replace(b"Ada", b"Eda", 1))
    yield rejected("parsed and dumped again", "signature_mismatch", good, json.dumps(json.loads(body)).encode())
    yield rejected("signed with another secret", "signature_mismatch", forged)
    yield rejected("id of another message", "signature_mismatch", good | {"svix-id": "msg_another"})
    yield rejected("only an asymmetric signature", "signature_mismatch", good | {"svix-signature": "v1a,AAAA"})
    yield rejected("an hour old", "timestamp_too_old", webhook.signed_headers(body, timestamp=now - 3600))
    yield rejected("an hour ahead", "timestamp_too_new", webhook.signed_headers(body, timestamp=now + 3600))
    yield rejected("timestamp in milliseconds", "malformed_header", good | {"svix-timestamp": f"{now}000"})
    yield rejected("id with a period", "malformed_header", good | {"svix-id": "msg_1.2"})
    yield _Attempt("duplicate id", [("Svix-Id", "msg_0"), *good.items()], body, "malformed_header", 400)
    yield rejected("no signature", "missing_header", unsigned)
    yield rejected("a Stripe webhook", "missing_header", {"Stripe-Signature": f"t={now},v1=ab"})
    yield rejected("signed, but not JSON", "invalid_payload", webhook.signed_headers(b"hello"), b"hello")
    yield rejected("signed, but not an event", "invalid_payload", webhook.signed_headers(b"{}"), b"{}")
    yield rejected("body too large", "body_too_large", webhook.signed_headers(large), large, 413)


def _send(port: int, attempt: _Attempt) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.putrequest("POST", _PATH)
        connection.putheader("Content-Length", str(len(attempt.body)))
        for name, value in attempt.headers:
            connection.putheader(name, value)
        connection.endheaders(attempt.body)
        return connection.getresponse().status
    finally:
        connection.close()
