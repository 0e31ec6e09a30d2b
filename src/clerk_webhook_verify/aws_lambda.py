"""AWS Lambda behind API Gateway (v1 and v2), a function URL or a load balancer."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any

from ._door import MAX_BODY, REFUSAL, resolve, status_of, verified_event
from ._webhook import Webhook
from .errors import BodyTooLargeError, WebhookError
from .events import Event


def verify_request(lambda_event: Mapping[str, Any], webhook: Webhook, *, max_body: int = MAX_BODY) -> Event:
    """Verify the request in a Lambda event.

    Args:
        lambda_event: As Lambda hands it over. Where it has ``multiValueHeaders``, those count.
        webhook: Holds the secrets.
        max_body: The most bytes to accept; Lambda has read them before.
    Raises:
        WebhookVerificationError: The request is refused; ``BodyTooLargeError`` among them.
    """
    return verified_event(webhook, _headers(lambda_event), lambda: _raw_body(lambda_event, max_body))


def clerk_webhook(
    webhook: Webhook | None = None, *, max_body: int = MAX_BODY
) -> Callable[[Callable[[Event, Any], Any]], Callable[[Mapping[str, Any], Any], Any]]:
    """Make a Lambda handler of ``handler(event, context)``, *event* the verified one.

    A refusal is answered 400 (413 for a body that is too long). A handler that returns None is answered 204.

    Args:
        webhook: Holds the secrets; None reads the environment, now and not at the first request.
        max_body: The most bytes to accept.
    Raises:
        InvalidSecretError: *webhook* is None and the environment has no secret.
        TypeError: *webhook* is something else: forgotten parentheses, or a secret.
    """
    checked = resolve(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")

    def decorate(handler: Callable[[Event, Any], Any]) -> Callable[[Mapping[str, Any], Any], Any]:
        @wraps(handler)
        def handle(lambda_event: Mapping[str, Any], context: Any) -> Any:
            method = lambda_event.get("httpMethod") or _http(lambda_event).get("method", "POST")
            if method != "POST":
                return {"statusCode": 405, "headers": {"allow": "POST"}, "body": ""}
            try:
                event = verify_request(lambda_event, checked, max_body=max_body)
            except WebhookError as error:
                headers = {"content-type": "application/json"}
                return {"statusCode": status_of(error), "headers": headers, "body": json.dumps(REFUSAL)}
            answer = handler(event, context)
            return {"statusCode": 204, "body": ""} if answer is None else answer

        return handle

    return decorate


def _headers(lambda_event: Mapping[str, Any]) -> list[tuple[str, str]]:
    several = lambda_event.get("multiValueHeaders")
    if several:
        return [(name, value) for name, values in several.items() for value in values or ()]
    return list((lambda_event.get("headers") or {}).items())


def _raw_body(lambda_event: Mapping[str, Any], max_body: int) -> bytes:
    text: str = lambda_event.get("body") or ""
    body = text.encode("utf-8", "surrogatepass")
    if lambda_event.get("isBase64Encoded"):
        with suppress(ValueError):  # what is no base64 stays as it is, and no signature fits it
            body = b64decode(text, validate=True)
    if len(body) > max_body:
        raise BodyTooLargeError(max_body)
    return body


def _http(lambda_event: Mapping[str, Any]) -> Mapping[str, Any]:
    context = lambda_event.get("requestContext") or {}
    http: Mapping[str, Any] = context.get("http") or {}
    return http
