"""Flask: ``event = verify_request(webhook)`` in a view, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from flask import Response, current_app, request
from flask.views import View
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import LimitedStream

from ._frames import forget_on_error
from ._handler import bind, checked_handler, is_self_of, status_code_of
from ._receiver import (
    MAX_BODY,
    REJECTION,
    OnRejected,
    check_end_is_marked,
    check_length,
    check_limit,
    check_options,
    is_json,
    receive_delivery,
    receive_event,
    resolve_webhook,
    status_code_for,
)
from ._webhook import Webhook
from .errors import BodyConsumedError, BodyIncompleteError, BodyTooLargeError, WebhookError
from .events import AnyEvent, Delivery

__all__ = ["clerk_webhook", "verify_delivery", "verify_request"]

P = ParamSpec("P")
S = TypeVar("S")


class Decorator(Protocol):
    """What :func:`clerk_webhook` returns."""

    # Handlers return Any: flask.typing.ResponseReturnValue contains names that cannot be resolved at run time
    @overload
    def __call__(self, handler: Callable[Concatenate[AnyEvent, P], Any], /) -> Callable[P, Any]: ...
    @overload
    def __call__(self, handler: Callable[Concatenate[S, AnyEvent, P], Any], /) -> Callable[Concatenate[S, P], Any]: ...


@forget_on_error
def verify_request(webhook: Webhook, *, max_body: int = MAX_BODY) -> AnyEvent:
    """Verify the current request.

    Args:
        webhook: Contains the secrets.
        max_body: The maximum length of the body, in bytes. Flask's ``MAX_CONTENT_LENGTH`` applies if it is lower.
    Returns:
        The event. ``request.get_data()`` and ``request.get_json()`` work afterwards.
    Raises:
        WebhookVerificationError: The request is rejected, or its body too long or incomplete.
        BodyConsumedError: The application has already read the body.
        TypeError: *webhook* is not a Webhook.
    """
    return receive_event(webhook, request.headers, lambda: _read_body(max_body))


@forget_on_error
def verify_delivery(webhook: Webhook, *, max_body: int = MAX_BODY) -> Delivery:
    """Verify the current request as :func:`verify_request` does, but do not parse the body into an event."""
    return receive_delivery(webhook, request.headers, lambda: _read_body(max_body))


@forget_on_error
def clerk_webhook(
    webhook: Webhook | None = None,
    *,
    max_body: int = MAX_BODY,
    methods: tuple[str, ...] | list[str] = ("POST",),
    on_rejected: OnRejected | None = None,
) -> Decorator:
    """Turn ``handler(event, **url_variables)`` into a view that calls it only with verified events.

    The handler may be a method of a view class, ``async def`` or a router. It returns a Flask response of any kind, an
    ``Outcome``, or None for 204. A rejected request gets 400 (413 if the body is too long), an application error 500,
    another method 405. Flask handles exceptions of the handler.

    Args:
        webhook: Contains the secrets; None reads the environment when the decorator is created.
        max_body: As for :func:`verify_request`.
        methods: The accepted methods. Pass them to ``app.route`` too.
        on_rejected: A plain function, called with each :class:`.RejectedRequest` before the response. Its exceptions
            are only logged.
    Returns:
        The decorator. It raises a ``TypeError`` if the event is not the handler's first parameter.
    Raises:
        InvalidSecretError: *webhook* is None, and the environment has no valid secret.
        TypeError: An argument has the wrong type, such as a secret as *webhook*, or the parentheses are missing.
        ValueError: *methods* is empty, or has an invalid name.
    """
    checked = resolve_webhook(webhook)
    accepted = check_options(on_rejected, methods)

    def decorate(handler: Any) -> Any:
        if isinstance(handler, classmethod):
            return classmethod(decorate(handler.__func__))
        handler = checked_handler(handler, ["event"], more=True)

        @wraps(handler)
        def view(*args: Any, **kwargs: Any) -> Any:
            if request.method not in accepted:
                return Response(status=405, headers={"Allow": ", ".join(accepted)})
            try:
                event = receive_event(checked, request.headers, lambda: _read_body(max_body), on_rejected)
            except WebhookError as error:
                return Response(json.dumps(REJECTION), status_code_for(error), content_type="application/json")
            owner = args[:1] if args and is_self_of(handler, args[0], View) else ()
            function = current_app.ensure_sync(bind(handler, *owner))
            returned = function(event, *args[len(owner) :], **kwargs)
            status = status_code_of(returned)
            return returned if status is None else Response(status=status)

        return view

    return decorate


def _read_body(max_body: int) -> bytes:
    declared = request.content_length
    limit, option = max_body, "max_body"
    if request.max_content_length is not None and request.max_content_length < max_body:
        limit, option = request.max_content_length, "MAX_CONTENT_LENGTH"
    check_limit(declared, limit, option)
    check_end_is_marked(request.environ)
    was_read = _was_read()
    request.max_content_length = limit + 1  # werkzeug silently truncates a longer chunked body there
    # The same for a stream that already exists, for example after request.form
    stream = vars(request)["stream"] = LimitedStream(request.stream, limit + 1, is_max=True)
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        raise BodyTooLargeError(limit, option=option) from None
    except Exception:  # a disconnect, a malformed chunk or a timeout: each server raises its own
        raise BodyIncompleteError(stream.tell(), declared) from None
    if declared and not body and was_read:
        raise BodyConsumedError(
            "request.stream or request.form was already read: verify first, and read with request.get_data()"
        )
    check_length(body, declared, limit, option)
    return body


def _was_read() -> bool:
    # _cached_data is private: werkzeug has no public way to find out whether get_data() was called
    kept = getattr(request, "_cached_data", None) is not None
    return "stream" in vars(request) and "form" not in vars(request) and not kept and is_json(request.content_type)
