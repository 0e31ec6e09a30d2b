"""``demo``: real deliveries and forgeries over real HTTP, to a receiver of the standard library."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import wrap
from threading import Thread
from time import time

from .._samples import sample_payload
from .._webhook import Webhook
from ..errors import BodyTooLargeError, WebhookVerificationError
from ..events import Event
from ..events._catalog import EVENTS
from ..testing import generate_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

_MAX_BODY = 65_536
_PATH = "/webhooks/clerk"


def add_arguments(parser: ArgumentParser) -> None:
    """It takes none."""
    parser.description = (
        "Starts a receiver on a free loopback port, sends it a signed delivery of every event type, then\n"
        "forged and broken ones, and prints what it made of each. Exit code 0: each went as it should."
    )


def run(arguments: Namespace) -> int:
    """Play all attempts and print a table of them."""
    webhook = Webhook(generate_secret())
    receiver = _Receiver(webhook)
    Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
    wrong = 0
    accepted = refused = 0
    print(f"a receiver listens on http://127.0.0.1:{receiver.server_port}{_PATH}\n")
    print(f"{'delivery':<32} {'verdict':<19} what the receiver has in hand, or how to mend it")
    try:
        for attempt in _attempts(webhook):
            status = _send(receiver.server_port, attempt)
            verdict = receiver.verdicts.pop()
            as_it_should = (verdict.code, status) == (attempt.code, attempt.status)
            wrong += not as_it_should
            accepted += not verdict.code
            refused += bool(verdict.code)
            mark = "" if as_it_should else f"   <- wrong: {attempt.code or 'accepted'} and {attempt.status} were due"
            first, *more = wrap(verdict.text, 70)
            print(f"{attempt.name:<32} {verdict.code or 'accepted':<19} {first}{mark}")
            for line in more:
                print(f"{'':<52} {line}")
    finally:
        receiver.shutdown()
        receiver.server_close()
    print(f"\n{accepted + refused} deliveries: {accepted} accepted, {refused} refused, {wrong} not as it should be")
    return 1 if wrong else 0


@dataclass(frozen=True)
class _Attempt:
    """One request, and what the receiver should make of it."""

    name: str
    headers: list[tuple[str, str]]
    body: bytes
    code: str = ""  #: Of the refusal; empty: accepted.
    status: int = 204


@dataclass(frozen=True)
class _Verdict:
    """What the receiver made of one request."""

    code: str
    text: str


class _Receiver(ThreadingHTTPServer):
    """An endpoint as anyone would write it with the standard library alone."""

    daemon_threads = True

    def __init__(self, webhook: Webhook) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.webhook = webhook
        self.verdicts: list[_Verdict] = []


class _Handler(BaseHTTPRequestHandler):
    server: _Receiver  # pyright: ignore[reportIncompatibleVariableOverride]  # the standard library's own pattern
    timeout = 10

    def do_POST(self) -> None:
        self.unread = int(self.headers["content-length"])
        try:
            event = self._verified_event()
        except WebhookVerificationError as error:
            self.server.verdicts.append(_Verdict(error.code, str(error)))
            self._answer(413 if isinstance(error, BodyTooLargeError) else 400)
        else:
            self.server.verdicts.append(_Verdict("", _describe(event)))
            self._answer(204)

    def _verified_event(self) -> Event:
        self.server.webhook.check_headers(self.headers)  # before any of the body is read
        if self.unread > _MAX_BODY:
            raise BodyTooLargeError(_MAX_BODY)
        body, self.unread = self.rfile.read(self.unread), 0
        return self.server.webhook.verify(self.headers, body)

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("Connection", "close")
        self.end_headers()
        self.rfile.read(min(self.unread, 2 * _MAX_BODY))  # to close on unread bytes would take the answer back

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing: the table says it all."""


def _describe(event: Event) -> str:
    """The class of the event and how much of its data came typed."""
    if isinstance(event.data, dict):
        return f"{type(event).__name__}, a dict of {len(event.data)}"
    values = vars(event.data)
    filled = [name for name, value in values.items() if value not in (None, ())]
    return f"{type(event.data).__name__}, {len(filled)} of {len(values)} fields filled"


def _attempts(webhook: Webhook) -> Iterator[_Attempt]:
    for event_type in EVENTS:
        body = json.dumps(sample_payload(event_type), separators=(",", ":")).encode()
        yield _Attempt(event_type, [*webhook.signed_headers(body).items()], body)
    yield from _unusual_attempts(webhook)
    yield from _refused_attempts(webhook)


def _unusual_attempts(webhook: Webhook) -> Iterator[_Attempt]:
    """Genuine, and easily got wrong."""
    body = json.dumps({"type": "invitation.created", "data": {"id": "inv_1"}}).encode()
    yield _Attempt("a type nobody knows yet", [*webhook.signed_headers(body).items()], body)
    body = json.dumps(sample_payload("user.created"), indent=1).encode() + b"\n"
    headers = webhook.signed_headers(body)
    other = Webhook(generate_secret()).sign(headers["svix-id"], int(headers["svix-timestamp"]), body)
    headers["svix-signature"] = f"v1a,AAAA {other} {headers['svix-signature']}"
    yield _Attempt("signed thrice, one fits", [*headers.items()], body)
    headers = webhook.signed_headers(body)
    renamed = [(name.replace("svix", "Webhook"), value) for name, value in headers.items()]
    yield _Attempt("webhook-* headers", renamed, body)


def _refused_attempts(webhook: Webhook) -> Iterator[_Attempt]:
    """Forged, stale, broken, or no event at all."""
    now = int(time())
    body = json.dumps(sample_payload("user.created"), separators=(",", ":")).encode()
    good = webhook.signed_headers(body, timestamp=now)
    unsigned = {name: value for name, value in good.items() if name != "svix-signature"}
    by_a_stranger = Webhook(generate_secret()).signed_headers(body, timestamp=now)
    large = b" " * (_MAX_BODY + 1)

    def refused(name: str, code: str, headers: dict[str, str], body: bytes = body, status: int = 400) -> _Attempt:
        return _Attempt(name, [*headers.items()], body, code, status)

    yield refused("one byte changed", "signature_mismatch", good, body.replace(b"Ada", b"Eda", 1))
    yield refused("parsed and dumped again", "signature_mismatch", good, json.dumps(json.loads(body)).encode())
    yield refused("signed by a stranger", "signature_mismatch", by_a_stranger)
    yield refused("id of another message", "signature_mismatch", good | {"svix-id": "msg_another"})
    yield refused("only an asymmetric signature", "signature_mismatch", good | {"svix-signature": "v1a,AAAA"})
    yield refused("an hour old", "timestamp_too_old", webhook.signed_headers(body, timestamp=now - 3600))
    yield refused("an hour ahead", "timestamp_too_new", webhook.signed_headers(body, timestamp=now + 3600))
    yield refused("timestamp in milliseconds", "malformed_header", good | {"svix-timestamp": f"{now}000"})
    yield refused("id with a dot", "malformed_header", good | {"svix-id": "msg_1.2"})
    yield _Attempt("id given twice", [("Svix-Id", "msg_0"), *good.items()], body, "malformed_header", 400)
    yield refused("no signature", "missing_header", unsigned)
    yield refused("a delivery of Stripe", "missing_header", {"Stripe-Signature": f"t={now},v1=ab"})
    yield refused("genuine, but not JSON", "invalid_payload", webhook.signed_headers(b"hello"), b"hello")
    yield refused("genuine, but no event", "invalid_payload", webhook.signed_headers(b"{}"), b"{}")
    yield refused("longer than is read", "body_too_large", webhook.signed_headers(large), large, 413)


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
