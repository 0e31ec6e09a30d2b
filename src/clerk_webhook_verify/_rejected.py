"""RejectedRequest: what adapters pass to ``on_rejected``."""

from __future__ import annotations

import json
import logging
import time
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from ._callables import is_async, is_generator
from ._headers import Headers
from .errors import WebhookError, WebhookVerificationError

_CREDENTIALS = frozenset(("cookie", "authorization", "proxy-authorization"))

_logger = logging.getLogger("clerk_webhook_verify")


class RejectedRequest:
    """A rejected request, as the application received it from proxies, the server and middleware.

    The body contains personal data, unless an attacker sent it.

    Args:
        error: Why it was rejected.
        headers: All headers of the request.
        body: The raw body; None if it was not read.
    """

    def __init__(self, error: WebhookVerificationError, headers: Headers, body: bytes | None) -> None:
        pairs = [(_text(name), _text(value)) for name, value in _pairs(headers) if value is not None]
        self.error = error  #: Why it was rejected: contains neither a secret nor the body.
        self.headers = without_credentials(pairs)  #: Pairs, without Cookie, Authorization and Proxy-Authorization.
        self.body = body  #: None if it was not read because a header is wrong or the body too long, slow or incomplete.
        self.received_at = time.time()  #: Unix seconds.

    def to_json(self) -> str:
        """Return all of it as one line of JSON for ``clerk-webhook-verify diagnose --delivery @FILE``."""
        return delivery_line(self.headers, self.body, self.received_at, self.error, self.error.message_id or "")

    def __repr__(self) -> str:
        size = "not read" if self.body is None else f"{len(self.body)} bytes"
        return (
            f"{type(self).__name__}(code={self.error.code!r}, message_id={self.error.message_id!r}, "
            f"headers={len(self.headers)}, body={size})"
        )


#: A function that adapters call with each rejected request.
OnRejected: TypeAlias = Callable[[RejectedRequest], object]


def check_on_rejected(on_rejected: object) -> None:
    """Raise a TypeError unless *on_rejected* is None or a plain function, neither asynchronous nor a generator."""
    if on_rejected is None:
        return
    if not callable(on_rejected):
        raise TypeError(f"on_rejected must be a function or None, not a {type(on_rejected).__name__}")
    if is_async(on_rejected) or is_generator(on_rejected):
        raise TypeError("on_rejected must be a plain function, not async def and without yield: it runs in a thread")


def report_rejected(on_rejected: OnRejected | None, error: WebhookError, headers: Headers, body: bytes | None) -> None:
    """Call *on_rejected* if *error* is a verification failure. Log its exceptions."""
    if on_rejected is not None and isinstance(error, WebhookVerificationError):
        _call(on_rejected, RejectedRequest(error, headers, body))


def _call(on_rejected: OnRejected, rejected: RejectedRequest) -> None:
    # A separate function: error trackers record the local variables of a frame, and this one has no body
    try:
        on_rejected(rejected)
    except Exception as raised:
        facts = {"code": "on_rejected_failed", "message_id": rejected.error.message_id}
        text = "on_rejected_failed: on_rejected raised %s; the response is unchanged; level DEBUG shows the traceback"
        _logger.warning(text, type(raised).__name__, extra=facts)  # no error: a sender can choose what makes it fail
        _logger.debug("the traceback of on_rejected", exc_info=True)


def delivery_line(
    headers: Iterable[tuple[str, str]],
    body: bytes | None,
    received_at: float | None,
    error: WebhookVerificationError | None,
    message_id: str,
    event_type: str = "",
) -> str:
    """Return a delivery and its verdict as a line of JSON, in the format of Clerk's own command line.

    Args:
        headers: Their names become lower case; credentials are removed.
        body: None if it was not read.
        received_at: Unix seconds, if known.
        error: Why it was rejected; None if it is valid.
        message_id: Empty if unknown.
        event_type: Empty if unknown.
    """
    values: dict[str, list[str]] = {}
    for name, value in without_credentials(headers):
        values.setdefault(name.lower(), []).append(value)
    return json.dumps(
        {
            "type": "event",
            "received_at": received_at,
            "valid": error is None,
            "code": error and error.code,
            "svix_id": message_id,
            "event_type": event_type,
            "headers": {name: each[0] if len(each) == 1 else each for name, each in values.items()},
            "body_b64": None if body is None else b2a_base64(body, newline=False).decode(),
        }
    )


def without_credentials(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return *headers* without Cookie, Authorization and Proxy-Authorization."""
    return [(name, value) for name, value in headers if name.strip().lower().replace("_", "-") not in _CREDENTIALS]


def _pairs(headers: Any) -> Iterable[tuple[object, object]]:
    pairs: Iterable[tuple[object, object]] = headers.items() if hasattr(headers, "items") else headers
    return pairs


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
