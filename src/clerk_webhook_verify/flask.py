"""Flask: ``event = verify_request(webhook)`` in a view, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from flask import Response, current_app, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from ._receiver import MAX_BODY, REJECTION, check_complete, receive_event, resolve_webhook, status_code_for
from ._webhook import Webhook
from .errors import BodyIncompleteError, BodyTooLargeError, WebhookError
from .events import AnyEvent

P = ParamSpec("P")


def verify_request(webhook: Webhook, *, max_body: int = MAX_BODY) -> AnyEvent:
    """Verify the current request.

    Args:
        webhook: Has the secrets.
        max_body: The maximum length of the body, in bytes. Flask's ``MAX_CONTENT_LENGTH`` counts if it is lower.
    Returns:
        The event. ``request.get_data()`` and ``request.get_json()`` work afterwards.
    Raises:
        WebhookVerificationError: The request is rejected; ``BodyTooLargeError`` and ``BodyIncompleteError`` included.
        BodyConsumedError: The application has already read the body.
    """
    return receive_event(webhook, request.headers, lambda: _read_body(max_body))


# Handlers return Any: flask.typing.ResponseReturnValue contains names that cannot be resolved at run time
def clerk_webhook(
    webhook: Webhook | None = None, *, max_body: int = MAX_BODY
) -> Callable[[Callable[Concatenate[AnyEvent, P], Any]], Callable[P, Any]]:
    """Make a view of ``handler(event, **url_variables)``, which is called only with verified events.

    The handler returns what a Flask view may return, or None for 204, and may be ``async def``. The view responds 400
    to a rejected request (413 if the body is too long), 500 to an application error and 405 to methods other than
    POST. Exceptions of the handler are left to Flask.

    Args:
        webhook: Has the secrets; None reads the environment, now and not at the first request.
        max_body: The maximum length of the body, in bytes. Flask's ``MAX_CONTENT_LENGTH`` counts if it is lower.
    Returns:
        The decorator.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no usable secret.
        TypeError: *webhook* is something else: a function, since the parentheses are missing, or a secret.
    """
    checked = resolve_webhook(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")

    def decorate(handler: Callable[Concatenate[AnyEvent, P], Any]) -> Callable[P, Any]:
        @wraps(handler)
        def view(*args: P.args, **kwargs: P.kwargs) -> Any:
            if request.method != "POST":
                return Response(status=405, headers={"Allow": "POST"})
            try:
                event = verify_request(checked, max_body=max_body)
            except WebhookError as error:
                return Response(json.dumps(REJECTION), status_code_for(error), content_type="application/json")
            response = current_app.ensure_sync(handler)(event, *args, **kwargs)
            return Response(status=204) if response is None else response

        return view

    return decorate


def _read_body(max_body: int) -> bytes:
    declared = request.content_length
    limit = min(max_body, request.max_content_length or max_body)
    if declared is not None and declared > limit:
        raise BodyTooLargeError(limit)
    request.max_content_length = limit + 1  # werkzeug truncates a longer chunked body there, without an error
    # Private, as werkzeug has no public way to ask if something else read the body: get_data() is safe, it keeps the
    # bytes in _cached_data; reading the stream or a form is not
    consumed = "stream" in vars(request) and getattr(request, "_cached_data", None) is None
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        raise BodyTooLargeError(limit) from None
    except ClientDisconnected:
        raise BodyIncompleteError from None
    if len(body) > limit:
        raise BodyTooLargeError(limit)
    consumer = "something read request.stream or request.form before; verify first, and read with request.get_data()"
    check_complete(body, declared, consumer if consumed else None)
    return body
