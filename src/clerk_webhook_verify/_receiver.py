"""Shared by the adapters: limits, status codes, logging, and RejectedRequest, which they pass to ``on_rejected``."""

from __future__ import annotations

import json
import logging
import re
import time
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

from ._callables import is_async, is_generator
from ._frames import forget_on_error
from ._headers import Headers, find_message_id
from ._webhook import Webhook
from .errors import (
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    WebhookError,
    WebhookVerificationError,
)
from .events import AnyEvent, Delivery

T = TypeVar("T")

MAX_BODY = 1_048_576  # bytes; Clerk's deliveries have a few thousand
BODY_TIMEOUT = 10.0  # seconds; Svix gives up after 15

#: The response body of every rejected request. The reason would help an attacker, so it is only logged.
REJECTION = {"detail": "webhook rejected"}

_METHOD = re.compile("[A-Za-z][A-Za-z-]*")
_CREDENTIALS = frozenset(("cookie", "authorization", "proxy-authorization"))

_logger = logging.getLogger("clerk_webhook_verify")


class RejectedRequest:
    """A rejected request, as the application received it. The body contains personal data, unless it is forged.

    Args:
        error: Why it was rejected.
        headers: All headers of the request.
        body: The raw body; None if it was not read.
    """

    def __init__(self, error: WebhookVerificationError, headers: Headers, body: bytes | None) -> None:
        given: Any = headers
        pairs = given.items() if hasattr(given, "items") else given
        texts = [(_text(name), _text(value)) for name, value in pairs if value is not None]
        self.error = error  #: Why it was rejected: contains neither a secret nor the body.
        self.headers = _without_credentials(texts)  #: Pairs, without Cookie, Authorization and Proxy-Authorization.
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


def resolve_webhook(webhook: object, usage: str = "@clerk_webhook() or @clerk_webhook(Webhook(secret))") -> Webhook:
    """Return the webhook passed to a decorator; for None, one with the environment's secret.

    Raises an InvalidSecretError if that is missing or invalid, and a TypeError with the correct *usage* if *webhook* is
    something else.
    """
    if webhook is None:
        return Webhook()
    if not isinstance(webhook, Webhook):
        kind = "a function: the parentheses are missing" if callable(webhook) else f"a {type(webhook).__name__}"
        raise TypeError(f"webhook must be a Webhook or None, not {kind}; write {usage}")
    return webhook


def check_webhook(webhook: object) -> None:
    """Raise a TypeError unless *webhook* is a :class:`Webhook`, not for example a secret."""
    if not isinstance(webhook, Webhook):
        kind = type(webhook).__name__
        raise TypeError(f"webhook must be a Webhook, not a {kind}: create it once, with Webhook(secret), and pass it")


def check_options(on_rejected: object, methods: object = ("POST",)) -> tuple[str, ...]:
    """Return *methods* in upper case; raise a TypeError or ValueError if an option of a decorator is invalid."""
    if on_rejected is not None and not callable(on_rejected):
        raise TypeError(f"on_rejected must be a function or None, not a {type(on_rejected).__name__}")
    if on_rejected is not None and (is_async(on_rejected) or is_generator(on_rejected)):
        raise TypeError("on_rejected must be a plain function, not async def and without yield: it runs in a thread")
    if not isinstance(methods, tuple | list) or not all(isinstance(each, str) for each in methods):
        raise TypeError("methods must be a tuple of strings: write methods=('POST', 'PUT')")
    if not methods or not all(_METHOD.fullmatch(each) for each in methods):
        raise ValueError("methods must contain at least one name, of letters only: write methods=('POST', 'PUT')")
    return tuple(each.upper() for each in methods)


@forget_on_error
def receive_event(
    webhook: Webhook, headers: Headers, read_body: Callable[[], bytes], on_rejected: OnRejected | None = None
) -> AnyEvent:
    """Check the headers, read the body, verify both and log the result.

    Args:
        webhook: Its methods are looked up for each request, so that tests can patch them on the instance.
        headers: All headers of the request.
        read_body: Returns the raw body. It is called only if the headers are well-formed.
        on_rejected: Called after a verification failure.
    Raises:
        WebhookError: The request is rejected, or *read_body* found an application error.
        TypeError: *webhook* is not a Webhook.
    """
    event = _received(webhook, headers, read_body, lambda body: webhook.verify(headers, body), on_rejected)
    log_verified(event.delivery, event.type)
    return event


@forget_on_error
def receive_delivery(webhook: Webhook, headers: Headers, read_body: Callable[[], bytes]) -> Delivery:
    """Do the same as :func:`receive_event`, but do not parse the body."""
    delivery = _received(webhook, headers, read_body, lambda body: webhook.verify_signature(headers, body))
    log_verified(delivery)
    return delivery


def _received(
    webhook: Webhook,
    headers: Headers,
    read_body: Callable[[], bytes],
    verify: Callable[[bytes], T],
    on_rejected: OnRejected | None = None,
) -> T:
    check_webhook(webhook)
    body = None
    try:
        webhook.check_headers(headers)
        body = read_body()
        return verify(body)
    except WebhookError as error:
        log_rejected(error, webhook, headers)
        report_rejected(on_rejected, error, headers, body)
        raise


def check_end_is_marked(environ: Mapping[str, Any]) -> None:
    """Raise BodyIncompleteError if a WSGI body is chunked and the server does not mark its end.

    Frameworks do not read such a body, and return an empty one. An attacker can choose to send chunks.
    """
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and "wsgi.input" in environ and not environ.get("wsgi.input_terminated"):
        raise BodyIncompleteError(
            problem="the body is chunked, and this WSGI server does not mark its end (wsgi.input_terminated): use a "
            "server that does, such as gunicorn, or a proxy that buffers requests"
        )


def check_limit(length: int | None, limit: int, option: str = "max_body") -> None:
    """Raise if *length*, of a body or declared for it, exceeds the *limit* that *option* sets."""
    if length is not None and length > limit:
        raise BodyTooLargeError(limit, option=option)


def check_length(body: bytes, declared: int | None, limit: int, option: str = "max_body") -> None:
    """Raise if *body* exceeds the *limit* that *option* sets, or is shorter than *declared*, its Content-Length."""
    check_limit(len(body), limit, option)
    if declared is not None and len(body) < declared:
        raise BodyIncompleteError(len(body), declared)


def is_json(content_type: str | None) -> bool:
    """Return whether the content type is JSON, as that of all deliveries is.

    Form parsers read bodies of other types, which an attacker can choose. Only the application reads a JSON body.
    """
    types = (content_type or "").split(",")  # servers join repeated headers
    return all(each.partition(";")[0].strip().lower() == "application/json" for each in types)


def status_code_for(error: WebhookError) -> int:
    """Return the HTTP status code for *error*: 4xx for a rejected request, 500 for an application error."""
    if isinstance(error, BodyTooLargeError):
        return 413
    if isinstance(error, BodyTimeoutError):
        return 408
    return 400 if isinstance(error, WebhookVerificationError) else 500


def log_rejected(error: WebhookError, webhook: Webhook | None, headers: Headers) -> None:
    """Log a rejected request as a warning, and an application error as an error.

    The record has the attributes ``code``, ``message_id``, ``skew`` and ``fingerprints``. If *error* has no message id,
    the one in *headers* is added to it. *webhook* is None if there is no valid secret.
    """
    error.message_id = error.message_id or find_message_id(headers)
    fingerprints = webhook.fingerprints if webhook else ()
    facts = {
        "code": error.code,
        "message_id": error.message_id,
        "skew": getattr(error, "skew", None),
        "fingerprints": fingerprints,
    }
    level = logging.WARNING if isinstance(error, WebhookVerificationError) else logging.ERROR
    text = "rejected a delivery: %s: %s; message id %r; secret fingerprints: %s"
    _logger.log(level, text, error.code, error, error.message_id, ", ".join(fingerprints) or "none", extra=facts)


def log_verified(delivery: Delivery, event_type: str | None = None) -> None:
    """Log a verified delivery. The record has the attributes ``event_type``, ``message_id`` and ``fingerprint``."""
    message_id, fingerprint = delivery.message_id, delivery.secret_fingerprint
    facts = {"event_type": event_type, "message_id": message_id, "fingerprint": fingerprint}
    what = repr(event_type) if event_type else "a delivery"
    _logger.info("verified %s, message id %r, secret %s", what, message_id, fingerprint, extra=facts)


def report_rejected(on_rejected: OnRejected | None, error: WebhookError, headers: Headers, body: bytes | None) -> None:
    """Call *on_rejected* if *error* is a verification failure. Log its exceptions."""
    if on_rejected is not None and isinstance(error, WebhookVerificationError):
        call_on_rejected(on_rejected, RejectedRequest(error, headers, body))


def call_on_rejected(on_rejected: OnRejected, rejected: RejectedRequest) -> None:
    """Call *on_rejected*, and log its exceptions.

    Error trackers record the local variables of each frame in a traceback. This frame contains no body. Those in which
    the request was rejected do, so *on_rejected* gets the error without its traceback.
    """
    rejected.error.__traceback__ = None
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

    *body* is None if it was not read, *error* if the delivery is valid. Credentials are removed.
    """
    values: dict[str, list[str]] = {}
    for name, value in _without_credentials(headers):
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


def _without_credentials(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.strip().lower().replace("_", "-") not in _CREDENTIALS]


def _text(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
