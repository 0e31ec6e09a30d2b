"""Shared by the adapters: limits, status codes and logging."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

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

_logger = logging.getLogger("clerk_webhook_verify")


def resolve_webhook(webhook: object, usage: str) -> Webhook:
    """Return the webhook passed to a decorator; for None, one with the environment's secret.

    Args:
        webhook: A :class:`Webhook` or None.
        usage: The correct line of code, for the message.
    Raises:
        TypeError: It is something else, such as a secret, or a function because the parentheses are missing.
        InvalidSecretError: It is None, and the environment has no valid secret.
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


def check_methods(methods: object) -> tuple[str, ...]:
    """Return *methods* in upper case.

    Raises:
        TypeError: It is not a tuple or list of strings, but for example one string.
        ValueError: It is empty, or a name is not an HTTP method's.
    """
    if not isinstance(methods, tuple | list) or not all(isinstance(each, str) for each in methods):
        raise TypeError("methods must be a tuple of strings: write methods=('POST', 'PUT')")
    if not methods or not all(_METHOD.fullmatch(each) for each in methods):
        raise ValueError("methods must contain at least one name, of letters only: write methods=('POST', 'PUT')")
    return tuple(each.upper() for each in methods)


class BodyReader:
    """Reads the body when it is called, and keeps it for ``on_rejected``."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self.body: bytes | None = None  #: None until the body was read.

    def __call__(self) -> bytes:
        self.body = self._read()
        return self.body


@forget_on_error
def receive_event(webhook: Webhook, headers: Headers, read_body: Callable[[], bytes]) -> AnyEvent:
    """Check the headers, read the body, verify both and log the result.

    Args:
        webhook: Its methods are looked up for each request, so that tests can patch them on the instance.
        headers: All headers of the request.
        read_body: Returns the raw body. It is called only if the headers are well-formed.
    Returns:
        The verified event.
    Raises:
        WebhookError: Raised by *webhook* or *read_body*.
        TypeError: *webhook* is not a Webhook.
    """
    event = _received(webhook, headers, lambda: webhook.verify(headers, read_body()))
    log_verified(event)
    return event


@forget_on_error
def receive_delivery(webhook: Webhook, headers: Headers, read_body: Callable[[], bytes]) -> Delivery:
    """Do the same as :func:`receive_event`, but do not parse the body."""
    delivery = _received(webhook, headers, lambda: webhook.verify_signature(headers, read_body()))
    log_verified_delivery(delivery)
    return delivery


def _received(webhook: Webhook, headers: Headers, verify: Callable[[], T]) -> T:
    check_webhook(webhook)
    try:
        webhook.check_headers(headers)
        return verify()
    except WebhookError as error:
        log_rejected(error, webhook, headers)
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


def check_complete(body: bytes, declared: int | None) -> None:
    """Raise BodyIncompleteError if *body* is shorter than *declared*, its Content-Length, if there is one."""
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
    the one in *headers* is added to it.

    Args:
        error: The reason.
        webhook: None if there is no valid secret.
        headers: All headers of the request.
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


def log_verified(event: AnyEvent) -> None:
    """Log a verified event. The record has the attributes ``event_type``, ``message_id`` and ``fingerprint``."""
    fingerprint = event.delivery.secret_fingerprint
    facts = {"event_type": event.type, "message_id": event.message_id, "fingerprint": fingerprint}
    _logger.info("verified %r, message id %r, secret %s", event.type, event.message_id, fingerprint, extra=facts)


def log_verified_delivery(delivery: Delivery) -> None:
    """Log a verified delivery as :func:`log_verified` does, with None as ``event_type``."""
    message_id, fingerprint = delivery.message_id, delivery.secret_fingerprint
    facts = {"event_type": None, "message_id": message_id, "fingerprint": fingerprint}
    _logger.info("verified a delivery, message id %r, secret %s", message_id, fingerprint, extra=facts)
