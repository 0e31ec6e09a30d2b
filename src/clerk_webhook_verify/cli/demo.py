"""``demo``: send valid and forged deliveries over HTTP to the receiver of ``listen``."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from threading import Thread
from typing import get_args

from .._webhook import Webhook
from ..testing import Fault, SignedRequest, generate_secret, signed_request
from ..testing.samples import SAMPLES, sample_payload
from ._http import Target
from ._server import MAX_BODY, Exchange, Receiver
from ._terminal import print_result, print_wrapped


def add_arguments(parser: ArgumentParser) -> None:
    """Add the description: there are no options."""
    parser.description = (
        "Starts a receiver on a free port of this machine, sends it a signed delivery of every event type, then\n"
        "forged and malformed ones, and prints the result of each. Exit code 0: each result is as expected."
    )


def run(arguments: Namespace) -> int:
    """Send all deliveries and print a table of them."""
    secret = generate_secret()
    receiver = _Receiver(Webhook(secret), "127.0.0.1", 0, "/webhooks/clerk")
    Thread(target=receiver.serve_forever, args=(0.01,), daemon=True).start()
    target = Target(f"http://127.0.0.1:{receiver.server_port}{receiver.path}")
    print_result(f"a receiver listens on {target.url}\n")
    print_result(f"{'delivery':<32} {'verdict':<19} the type of its data, or how to fix the request")
    total = rejected = wrong = 0
    try:
        for name, request, is_valid in _deliveries(secret):
            target.post(request.headers.items(), request.body)
            event, error = receiver.last.event, receiver.last.error
            verdict = error.code if error else "accepted"
            text = type(event.data).__name__ if event else str(error)
            is_expected = is_valid == (error is None)
            total += 1
            rejected += error is not None
            wrong += not is_expected
            mark = "" if is_expected else f"   <- expected: {'accepted' if is_valid else 'rejected'}"
            print_wrapped(f"{name:<32} {verdict:<19} {text}{mark}", indent=4)
    finally:
        receiver.shutdown()
        receiver.server_close()
    print_result(f"\n{total} deliveries: {total - rejected} accepted, {rejected} rejected, {wrong} not as expected")
    return 1 if wrong else 0


class _Receiver(Receiver):
    last: Exchange

    def report(self, exchange: Exchange) -> bool:
        """Keep the exchange instead of printing a line about it."""
        self.last = exchange
        return True


def _deliveries(secret: str) -> Iterator[tuple[str, SignedRequest, bool]]:
    """Yield a name, the request, and whether the receiver should accept it."""
    for event_type in SAMPLES:
        yield event_type, signed_request(sample_payload(event_type), secret=secret), True
    unknown = {"type": "invitation.created", "data": {"id": "inv_1"}}
    yield "an unknown event type", signed_request(unknown, secret=secret), True
    rotated = signed_request("user.created", secret=secret)
    other = signed_request("user.created", secret=generate_secret()).headers["svix-signature"]
    rotated.headers["svix-signature"] = f"v1a,AAAA {other} {rotated.headers['svix-signature']}"
    yield "three signatures, one matches", rotated, True
    yield "webhook-* headers", signed_request("user.created", secret=secret, family="webhook"), True
    for fault in get_args(Fault):
        yield fault, signed_request("user.created", secret=secret, fault=fault), False
    yield "body too large", signed_request(b" " * (MAX_BODY + 1), secret=secret), False
