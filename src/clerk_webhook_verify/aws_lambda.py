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
from ._outcome import status_code_of
from ._receiver import (
    MAX_BODY,
    REJECTION,
    BodyReader,
    check_methods,
    check_webhook,
    log_rejected,
    receive_delivery,
    receive_event,
    resolve_webhook,
    status_code_for,
)
from ._rejected import OnRejected, check_on_rejected, report_rejected
from ._webhook import Webhook
from .errors import BodyConsumedError, BodyIncompleteError, BodyTooLargeError, MissingHeaderError, WebhookError
from .events import AnyEvent, Delivery
from .routing import Router

__all__ = ["clerk_webhook", "verify_delivery", "verify_request"]

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
        lambda_event: As Lambda passes it. ``multiValueHeaders`` take precedence over ``headers``.
        webhook: Contains the secrets.
        max_body: The maximum length of the body, in bytes; Lambda has already read it.
    Returns:
        The event.
    Raises:
        WebhookVerificationError: The request is rejected; ``BodyTooLargeError`` included.
        BodyConsumedError: The integration passes an object instead of a string as body.
        TypeError: *webhook* is not a Webhook.
    """
    return receive_event(webhook, _checked_headers(lambda_event, webhook), lambda: _body(lambda_event, max_body))


@forget_on_error
def verify_delivery(lambda_event: Mapping[str, Any], webhook: Webhook, *, max_body: int = MAX_BODY) -> Delivery:
    """Verify the request in a Lambda event without parsing its body: a transformed payload need not be an event.

    Args and errors are those of :func:`verify_request`.

    Returns:
        The delivery.
    """
    return receive_delivery(webhook, _checked_headers(lambda_event, webhook), lambda: _body(lambda_event, max_body))


@forget_on_error
def clerk_webhook(
    webhook: Webhook | None = None,
    *,
    max_body: int = MAX_BODY,
    methods: tuple[str, ...] | list[str] = ("POST",),
    on_rejected: OnRejected | None = None,
) -> Decorator:
    """Turn ``handler(event, context)`` into a Lambda handler that calls it only with verified events.

    The handler may be a method or a ``Router``. It returns an ``Outcome``, None for 204, or any value for Lambda. The
    Lambda handler responds with 400 to a rejected request (413 if the body is too long), 500 to an application error
    and 405 to other methods.

    Args:
        webhook: Contains the secrets; None reads the environment when the decorator is created.
        max_body: The maximum length of the body, in bytes.
        methods: The accepted methods.
        on_rejected: Called with a :class:`.RejectedRequest` after a verification failure, before the response is
            returned. Its exceptions are logged and do not change the response.
    Returns:
        The decorator. It raises a ``TypeError`` if the handler is ``async def``, which Lambda does not await, or has
        other parameters or another order.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no valid secret.
        TypeError: *webhook* is something else, such as a secret, or a function because the parentheses are missing;
            *on_rejected* is not a function, or is asynchronous; *methods* is not a tuple or list of strings.
        ValueError: *methods* is empty, or has an invalid name.
    """
    checked = resolve_webhook(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")
    accepted = check_methods(methods)
    check_on_rejected(on_rejected)

    def decorate(handler: Any) -> Any:
        if isinstance(handler, classmethod):
            return classmethod(decorate(handler.__func__))
        handler = as_handler(handler)
        check_handler(handler, ["event", "context"], "def handler(event, context)")
        if is_async(handler):
            raise TypeError("Lambda does not await an async handler: write def handler(event, context)")

        @wraps(handler)
        def handle(*args: Any) -> Any:
            *owner, lambda_event, context = args  # owner: the self or cls of a method
            if _method(lambda_event) not in (None, *accepted):
                return {"statusCode": 405, "headers": {"allow": ", ".join(accepted)}, "body": ""}
            read_body = BodyReader(lambda: _body(lambda_event, max_body))
            try:
                event = receive_event(checked, _checked_headers(lambda_event, checked), read_body)
            except WebhookError as error:
                headers = {"content-type": "application/json"}
                rejection = {"statusCode": status_code_for(error), "headers": headers, "body": json.dumps(REJECTION)}
                report_rejected(on_rejected, error, _headers(lambda_event), read_body.body)
                return rejection
            returned = (bind(handler, *owner) if owner else handler)(event, context)
            status = status_code_of(returned)
            return returned if status is None else {"statusCode": status, "body": ""}

        return handle

    return decorate


def _mapping(value: object, key: str) -> Mapping[str, Any]:
    """Return ``value[key]`` if both are mappings; otherwise an empty mapping."""
    inner = value.get(key) if isinstance(value, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def _method(lambda_event: object) -> str | None:
    if not isinstance(lambda_event, Mapping):
        return None
    method = lambda_event.get("httpMethod") or lambda_event.get("method")  # the latter from VPC Lattice
    method = method or _mapping(_mapping(lambda_event, "requestContext"), "http").get("method")
    return str(method) if method else None


@forget_on_error
def _checked_headers(lambda_event: object, webhook: Webhook) -> list[tuple[str, str]]:
    """Return the headers.

    Raises:
        MissingHeaderError: The event has none.
        TypeError: *webhook* is not a Webhook.
    """
    check_webhook(webhook)
    headers = _headers(lambda_event)
    if not headers:
        hint = "the Lambda event has no headers: the integration must pass the complete HTTP request"
        error = MissingHeaderError(SVIX_HEADERS, hint)
        log_rejected(error, webhook, headers)
        raise error
    return headers


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
            f"the body in the Lambda event must be a string, not {type(text).__name__}: the integration must pass the "
            "complete HTTP request unchanged"
        )
    body = text.encode("utf-8", "surrogatepass")
    if lambda_event.get("isBase64Encoded") or lambda_event.get("is_base64_encoded"):  # the latter from VPC Lattice v1
        try:
            body = b64decode(text, validate=True)
        except ValueError:
            raise BodyIncompleteError(
                problem="isBase64Encoded is true, but the body in the Lambda event is not base64: pass it unchanged"
            ) from None
    if len(body) > max_body:
        raise BodyTooLargeError(max_body, option="max_body")
    return body
