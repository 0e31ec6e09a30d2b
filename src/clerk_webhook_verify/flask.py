"""Flask: ``event = verify_request(webhook)`` in a view, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, Concatenate, ParamSpec

from flask import Request, Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from ._door import MAX_BODY, REFUSAL, check_complete, resolve, status_of, verified_event, wsgi_headers
from ._webhook import Webhook
from .errors import BodyIncompleteError, BodyTooLargeError, WebhookError
from .events import Event

P = ParamSpec("P")


def verify_request(webhook: Webhook, *, max_body: int = MAX_BODY) -> Event:
    """Verify the current request.

    Args:
        webhook: Holds the secrets.
        max_body: The most bytes to read.
    Returns:
        The event. ``request.get_data()`` and ``request.get_json()`` go on working.
    Raises:
        WebhookVerificationError: The request is refused; ``BodyTooLargeError`` and ``BodyIncompleteError`` among them.
        BodyConsumedError: Something read the body before.
    """
    current = _current_request()
    headers = wsgi_headers(current.environ) or current.headers
    return verified_event(webhook, headers, lambda: _raw_body(current, max_body))


def clerk_webhook(
    webhook: Webhook | None = None, *, max_body: int = MAX_BODY
) -> Callable[
    [Callable[Concatenate[Event, P], ResponseReturnValue | Awaitable[ResponseReturnValue | None] | None]],
    Callable[P, ResponseReturnValue],
]:
    """Make a view of ``handler(event, **url_variables)``; what is refused never reaches the handler.

    A refusal is answered 400 (413 for a body that is too long), a mistake of the application 500, another method than
    POST 405. A handler that returns None is answered 204. Its errors stay Flask's.

    Args:
        webhook: Holds the secrets; None reads the environment, now and not at the first request.
        max_body: The most bytes to read.
    Raises:
        InvalidSecretError: *webhook* is None and the environment has no secret.
        TypeError: *webhook* is something else: forgotten parentheses, or a secret.
    """
    checked = resolve(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")

    def decorate(
        handler: Callable[Concatenate[Event, P], ResponseReturnValue | Awaitable[ResponseReturnValue | None] | None],
    ) -> Callable[P, ResponseReturnValue]:
        is_async = iscoroutinefunction(handler)

        @wraps(handler)
        def view(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            if request.method != "POST":
                return Response(status=405, headers={"Allow": "POST"})
            try:
                event = verify_request(checked, max_body=max_body)
            except WebhookError as error:
                return Response(json.dumps(REFUSAL), status_of(error), content_type="application/json")
            run = current_app.ensure_sync(handler) if is_async else handler
            answer: Any = run(event, *args, **kwargs)
            return Response(status=204) if answer is None else answer

        return view

    return decorate


def _current_request() -> Request:
    # Through the proxy each attribute takes a microsecond: "served" in the benchmark
    return request._get_current_object()  # type: ignore[attr-defined, no-any-return]


def _raw_body(request: Request, max_body: int) -> bytes:
    declared = request.content_length
    touched = "stream" in vars(request) and getattr(request, "_cached_data", None) is None  # get_data() does no harm
    if declared is None:
        max_body = min(max_body, request.max_content_length or max_body)
        request.max_content_length = max_body + 1  # a chunked body is cut there without a word
    elif declared > max_body:
        raise BodyTooLargeError(max_body)
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        raise BodyTooLargeError(request.max_content_length or max_body) from None
    except ClientDisconnected:
        raise BodyIncompleteError from None
    if len(body) > max_body:
        raise BodyTooLargeError(max_body)
    consumer = "something read request.stream or request.form before; verify first, and read with request.get_data()"
    check_complete(body, declared, consumer if touched else None)
    return body
