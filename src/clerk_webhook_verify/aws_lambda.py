"""AWS Lambda behind API Gateway (v1 and v2), a function URL, a load balancer or VPC Lattice (v1 and v2)."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Protocol, TypeVar, overload

from ._callables import is_async
from ._frames import forget_on_error
from ._handler import as_handler, bind, check_handler
from ._headers import SVIX_HEADERS
from ._receiver import MAX_BODY, REJECTION, check_webhook, log_rejected, receive_event, resolve_webhook, status_code_for
from ._webhook import Webhook
from .errors import BodyConsumedError, BodyIncompleteError, BodyTooLargeError, MissingHeaderError, WebhookError
from .events import AnyEvent
from .routing import Router

S = TypeVar("S")


class Decorator(Protocol):
    """What :func:`clerk_webhook` returns."""

    @overload
    def __call__(
        self, handler: Callable[[AnyEvent, Any], Any] | Router, /
    ) -> Callable[[Mapping[str, Any], Any], Any]: ...
    @overload
    def __call__(self, handler: Callable[[S, AnyEvent, Any], Any], /) -> Callable[[S, Mapping[str, Any], Any], Any]: ...


@forget_on_error
def verify_request(lambda_event: Mapping[str, Any], webhook: Webhook, *, max_body: int = MAX_BODY) -> AnyEvent:
    """Verify the request in a Lambda event.

    Args:
        lambda_event: As Lambda passes it. If it has ``multiValueHeaders``, these are verified.
        webhook: Has the secrets.
        max_body: The maximum length of the body, in bytes; Lambda has already read it.
    Returns:
        The event.
    Raises:
        WebhookVerificationError: The request is rejected; ``BodyTooLargeError`` included.
        BodyConsumedError: The integration passes an object instead of the body's text.
        TypeError: *webhook* is not a Webhook.
    """
    check_webhook(webhook)
    headers = _headers(lambda_event)
    if not headers:
        hint = "the Lambda event has none: let the integration pass the complete HTTP request, not only its body"
        error = MissingHeaderError(SVIX_HEADERS, hint)
        log_rejected(error, webhook, headers)
        raise error
    return receive_event(webhook, headers, lambda: _body(lambda_event, max_body))


@forget_on_error
def clerk_webhook(webhook: Webhook | None = None, *, max_body: int = MAX_BODY) -> Decorator:
    """Make a Lambda handler of ``handler(event, context)``, which is called only with verified events.

    The handler may be a method or a ``Router``. The Lambda handler responds 400 to a rejected request (413 if the
    body is too long), 405 to methods other than POST, and 204 if *handler* returns None; other values that it returns
    are passed on to Lambda.

    Args:
        webhook: Has the secrets; None reads the environment, now and not at the first request.
        max_body: The maximum length of the body, in bytes.
    Returns:
        The decorator. It raises a ``TypeError`` if the handler is ``async def``, which Lambda does not await, or takes
        other arguments or another order.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no usable secret.
        TypeError: *webhook* is something else: a function, since the parentheses are missing, or a secret.
    """
    checked = resolve_webhook(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")

    def decorate(handler: Any) -> Any:
        handler = as_handler(handler)
        check_handler(handler, ["event", "context"], "def handler(event, context)")
        if is_async(handler):
            raise TypeError("Lambda does not await an async handler: write def handler(event, context)")

        @wraps(handler)
        def handle(*args: Any) -> Any:
            *owner, lambda_event, context = args  # owner: the self or cls of a method
            if _method(lambda_event) != "POST":
                return {"statusCode": 405, "headers": {"allow": "POST"}, "body": ""}
            try:
                event = verify_request(lambda_event, checked, max_body=max_body)
            except WebhookError as error:
                headers = {"content-type": "application/json"}
                return {"statusCode": status_code_for(error), "headers": headers, "body": json.dumps(REJECTION)}
            response = (bind(handler, *owner) if owner else handler)(event, context)
            return {"statusCode": 204, "body": ""} if response is None else response

        return handle

    return decorate


def _mapping(value: object, key: str) -> Mapping[str, Any]:
    """Return ``value[key]`` if both are mappings; otherwise an empty mapping. An event may have any shape."""
    inner = value.get(key) if isinstance(value, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _method(lambda_event: object) -> str:
    if not isinstance(lambda_event, Mapping):
        return "POST"
    method = lambda_event.get("httpMethod") or lambda_event.get("method")  # the latter from VPC Lattice
    return str(method or _mapping(_mapping(lambda_event, "requestContext"), "http").get("method") or "POST")


def _headers(lambda_event: object) -> list[tuple[str, str]]:
    given = _mapping(lambda_event, "multiValueHeaders") or _mapping(lambda_event, "headers")
    pairs = []
    for name, values in given.items():
        for value in values if isinstance(values, list | tuple) else (values,):
            if value is not None:
                pairs.append((str(name), str(value)))
    return pairs


def _body(lambda_event: Mapping[str, Any], max_body: int) -> bytes:
    text = lambda_event.get("body")
    if text is None:
        text = ""
    if not isinstance(text, str):
        raise BodyConsumedError(
            f"the body in the Lambda event is not text but of type {type(text).__name__}: something parsed it; let the "
            "integration pass the complete HTTP request unchanged"
        )
    body = text.encode("utf-8", "surrogatepass")
    if lambda_event.get("isBase64Encoded") or lambda_event.get("is_base64_encoded"):  # the latter from VPC Lattice v1
        try:
            body = b64decode(text, validate=True)
        except ValueError:
            raise BodyIncompleteError(
                problem="the Lambda event calls its body base64, and it is not: check what changes the event"
            ) from None
    if len(body) > max_body:
        raise BodyTooLargeError(max_body, option="max_body")
    return body
