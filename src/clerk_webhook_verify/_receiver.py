"""What the adapters share: limits, status codes and the log. It verifies nothing itself."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ._headers import Headers
from ._webhook import Webhook
from .errors import (
    BodyConsumedError,
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    WebhookError,
    WebhookVerificationError,
)
from .events import AnyEvent

MAX_BODY = 1_048_576  # bytes; a delivery of Clerk has a few thousand
BODY_TIMEOUT = 10.0  # seconds; Svix gives up after 15

#: The response body of every rejected request. The reason is only logged: it would help an attacker.
REJECTION = {"detail": "webhook refused"}

_logger = logging.getLogger("clerk_webhook_verify")


def resolve_webhook(webhook: object, usage: str) -> Webhook:
    """Return the webhook passed to a decorator, or one with the environment's secret.

    Args:
        webhook: A :class:`Webhook` or None.
        usage: The correct line of code, for the error's message.
    Raises:
        TypeError: It is something else: a function, since the parentheses are missing, or a secret.
        InvalidSecretError: It is None, and the environment has no usable secret.
    """
    if webhook is None:
        return Webhook()
    if not isinstance(webhook, Webhook):
        kind = "a function: the parentheses are missing" if callable(webhook) else f"a {type(webhook).__name__}"
        raise TypeError(f"webhook must be a Webhook or None, not {kind}; write {usage}")
    return webhook


def receive_event(webhook: Webhook, headers: Headers, read_body: Callable[[], bytes]) -> AnyEvent:
    """Check the headers, read the body, verify both and log the result.

    Args:
        webhook: Its methods are looked up here, at each request, so that a test can patch them on the instance.
        headers: All headers of the request.
        read_body: Returns the raw body. It is called only if the headers are well-formed.
    Returns:
        The verified event.
    Raises:
        WebhookError: Raised by *webhook* or *read_body*.
    """
    try:
        webhook.check_headers(headers)
        event = webhook.verify(headers, read_body())
    except WebhookError as error:
        log_rejected(error, webhook)
        raise
    log_verified(event)
    return event


def check_complete(body: bytes, declared: int | None, consumer: str | None) -> None:
    """Raise if the body is shorter than declared.

    Args:
        body: The bytes that the framework returned.
        declared: Content-Length in bytes; None if the request has none.
        consumer: For the error's message, what in the application may have read the body if it is empty; None if only
            the sender can be the reason.
    Raises:
        BodyConsumedError: The body is empty, and there is a *consumer*.
        BodyIncompleteError: The body is shorter than declared for another reason.
    """
    if declared and not body and consumer:
        raise BodyConsumedError(f"the body is empty, but Content-Length says otherwise: {consumer}")
    if declared is not None and len(body) < declared:
        raise BodyIncompleteError(len(body), declared)


def status_code_for(error: WebhookError) -> int:
    """Return the HTTP status for *error*: 4xx if the sender caused it, 500 for an application error."""
    if isinstance(error, BodyTooLargeError):
        return 413
    if isinstance(error, BodyTimeoutError):
        return 408
    return 400 if isinstance(error, WebhookVerificationError) else 500


def log_rejected(error: WebhookError, webhook: Webhook | None) -> None:
    """Log *error*: as a warning if the sender caused it, as an error if the application did.

    The record has the attributes ``code``, ``message_id``, ``skew`` and ``fingerprints``, for metrics.

    Args:
        error: The reason.
        webhook: The one that rejected the request; None if it could not be made, for lack of a secret.
    """
    facts = {
        "code": error.code,
        "message_id": error.message_id,
        "skew": getattr(error, "skew", None),
        "fingerprints": webhook.fingerprints if webhook else (),
    }
    level = logging.WARNING if isinstance(error, WebhookVerificationError) else logging.ERROR
    _logger.log(level, "refused a delivery: %s: %s; message id %r", error.code, error, error.message_id, extra=facts)


def log_verified(event: AnyEvent) -> None:
    """Log a verified event. The record has the attributes ``event_type``, ``message_id`` and ``fingerprint``."""
    fingerprint = event.delivery.secret_fingerprint
    facts = {"event_type": event.type, "message_id": event.message_id, "fingerprint": fingerprint}
    _logger.info("verified %r, message id %r, secret %s", event.type, event.message_id, fingerprint, extra=facts)
