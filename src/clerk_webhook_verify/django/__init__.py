"""Django: ``event = verify_request(request, webhook)`` in a view, or ``@clerk_webhook()`` on it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import isawaitable
from io import BytesIO
from typing import Any, Concatenate, ParamSpec, Protocol, overload

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed, JsonResponse
from django.http.request import RawPostDataException
from django.views import View

from .._callables import is_async
from .._frames import forget_on_error
from .._handler import Outcome, checked_handler, status_code_of
from .._headers import Headers, declared_length
from .._receiver import (
    MAX_BODY,
    REJECTION,
    OnRejected,
    RejectedRequest,
    call_on_rejected,
    check_end_is_marked,
    check_length,
    check_limit,
    check_options,
    is_json,
    log_rejected,
    receive_delivery,
    receive_event,
    resolve_webhook,
    status_code_for,
)
from .._secret import ENVIRONMENT
from .._threads import finish, in_thread
from .._webhook import Webhook
from ..errors import (
    BodyConsumedError,
    BodyIncompleteError,
    BodyTooLargeError,
    InvalidSecretError,
    MalformedHeaderError,
    WebhookError,
)
from ..events import AnyEvent, Delivery
from ..routing import AsyncRouter, Router
from .checks import expect_secret

__all__ = ["clerk_webhook", "verify_delivery", "verify_request"]

P = ParamSpec("P")
Result = HttpResponseBase | Outcome | None


class Decorator(Protocol):
    """What :func:`clerk_webhook` returns."""

    @overload
    def __call__(self, handler: Router | AsyncRouter, /) -> Callable[[HttpRequest], Any]: ...
    @overload
    def __call__(
        self, handler: Callable[Concatenate[HttpRequest, AnyEvent, P], Result | Awaitable[Result]], /
    ) -> Callable[Concatenate[HttpRequest, P], Any]: ...


@forget_on_error
def verify_request(request: HttpRequest, webhook: Webhook, *, max_body: int = MAX_BODY) -> AnyEvent:
    """Verify *request*.

    Args:
        request: Django's, on WSGI or ASGI.
        webhook: Contains the secrets.
        max_body: The maximum length of the body, in bytes. ``DATA_UPLOAD_MAX_MEMORY_SIZE`` applies if it is lower. On
            ASGI, Django has already read the complete body.
    Returns:
        The event. ``request.body`` works afterwards.
    Raises:
        WebhookVerificationError: The request is rejected, or its body too long or incomplete.
        BodyConsumedError: The application has already read the body.
        TypeError: *webhook* is not a Webhook.
    """
    return receive_event(webhook, _headers(request), lambda: _read_body(request, max_body))


@forget_on_error
def verify_delivery(request: HttpRequest, webhook: Webhook, *, max_body: int = MAX_BODY) -> Delivery:
    """Verify *request* as :func:`verify_request` does, but do not parse the body into an event."""
    return receive_delivery(webhook, _headers(request), lambda: _read_body(request, max_body))


@forget_on_error
def clerk_webhook(
    webhook: Webhook | None = None,
    *,
    max_body: int = MAX_BODY,
    methods: tuple[str, ...] | list[str] = ("POST",),
    on_rejected: OnRejected | None = None,
) -> Decorator:
    """Turn ``handler(request, event, **url_variables)`` into a view that calls it only with verified events.

    The handler returns a response, an ``Outcome``, or None for 204; ``async def`` and ``AsyncRouter`` make an
    asynchronous view. The view needs no CSRF token and no login. A rejected request gets 400 (413 if the body is too
    long), an application error 500, another method 405. Django handles exceptions of the handler.

    Args:
        webhook: Contains the secrets; None reads the setting ``CLERK_WEBHOOK_SIGNING_SECRET``, then the environment,
            for each request: an error at import would break ``migrate``, and tests override settings.
        max_body: As for :func:`verify_request`.
        methods: The accepted methods.
        on_rejected: A plain function, called with each :class:`.RejectedRequest` before the response, in an
            asynchronous view in a thread. Its exceptions are only logged.
    Returns:
        The decorator. It raises a ``TypeError`` if the handler is a method, or has other parameters or another order.
        On a view class, use ``@method_decorator(clerk_webhook(...), name="dispatch")``.
    Raises:
        TypeError: An argument has the wrong type, such as a secret as *webhook*, or the parentheses are missing.
        ValueError: *methods* is empty, or has an invalid name.
    """
    if webhook is None:
        expect_secret()
    else:
        resolve_webhook(webhook)
    accepted = check_options(on_rejected, methods)

    def receive(request: HttpRequest, on_rejected: OnRejected | None) -> AnyEvent | HttpResponse:
        """Return the verified event, or the response to a rejected request."""
        if request.method not in accepted:
            return HttpResponseNotAllowed(accepted)
        headers = _headers(request)
        try:
            used = Webhook(getattr(settings, ENVIRONMENT[0], None)) if webhook is None else webhook
        except InvalidSecretError as error:
            log_rejected(error, None, headers)
            return _rejection(error)
        try:
            return receive_event(used, headers, lambda: _read_body(request, max_body), on_rejected)
        except WebhookError as error:
            return _rejection(error)

    def decorate(handler: Any) -> Any:
        handler = checked_handler(
            handler,
            ["request", "event"],
            more=True,
            # Django reads the exemption from the CSRF check only from dispatch()
            instead_of_method='write @method_decorator(clerk_webhook(...), name="dispatch") on the class',
        )

        @wraps(handler)
        def view(request: HttpRequest, /, *args: Any, **kwargs: Any) -> Any:
            received = receive(request, on_rejected)
            if isinstance(received, HttpResponse):
                return received
            return _response(handler(request, received, *args, **kwargs))

        @wraps(handler)
        async def async_view(request: HttpRequest, /, *args: Any, **kwargs: Any) -> Any:
            rejected: list[RejectedRequest] = []
            received = receive(request, rejected.append)
            if rejected and on_rejected is not None:  # in a thread, since it may write to a file
                await finish(in_thread(call_on_rejected, on_rejected, rejected[0]))
            if isinstance(received, HttpResponse):
                return received
            result = handler(request, received, *args, **kwargs)
            return _response(await result if isawaitable(result) else result)

        chosen = async_view if is_async(handler) or _is_of_async_class(handler) else view
        # Like csrf_exempt(), which cannot wrap async views before Django 5.0, and login_not_required(), new in 5.1
        vars(chosen).update(csrf_exempt=True, login_required=False)
        return chosen

    return decorate


def _is_of_async_class(handler: Any) -> bool:
    """Return whether *handler* is ``dispatch`` of a view class with ``async def`` methods."""
    view = getattr(getattr(handler, "func", None), "__self__", None)  # method_decorator passes a partial of the method
    return isinstance(view, View) and view.view_is_async


def _rejection(error: WebhookError) -> HttpResponse:
    return JsonResponse(REJECTION, status=status_code_for(error))


def _response(returned: Any) -> Any:
    status = status_code_of(returned)
    return returned if status is None else HttpResponse(status=status)


def _headers(request: HttpRequest) -> Headers:
    # Django before 4.2.30, 5.2.13 and 6.0.4 reads svix_id as svix-id on ASGI (CVE-2026-3902); the scope is unchanged
    return request.scope["headers"] if isinstance(request, ASGIRequest) else request.headers


def _read_body(request: HttpRequest, max_body: int) -> bytes:
    length = request.META.get("CONTENT_LENGTH")
    declared = declared_length(length)
    if length and declared is None:
        raise MalformedHeaderError("content-length", "is not a number of bytes: pass the header unchanged")
    check_limit(declared, max_body)
    check_end_is_marked(request.META)
    try:
        body = request.body if declared is not None else _undeclared_body(request, max_body)
    except RequestDataTooBig:
        option = "DATA_UPLOAD_MAX_MEMORY_SIZE"
        raise BodyTooLargeError(getattr(settings, option), option=option) from None
    except RawPostDataException:
        if is_json(request.META.get("CONTENT_TYPE")):
            raise BodyConsumedError(
                "middleware, a parser or a file upload already read the request as a stream: verify first"
            ) from None
        raise BodyIncompleteError(0, declared) from None  # request.POST reads a form, whose type is the client's choice
    except Exception:  # a disconnect, a malformed chunk or a timeout: each server raises its own
        raise BodyIncompleteError from None
    check_length(body, declared, max_body)
    return body


def _undeclared_body(request: HttpRequest, max_body: int) -> bytes:
    """Return a body without Content-Length. On WSGI, Django does not read it."""
    if "chunked" not in request.META.get("HTTP_TRANSFER_ENCODING", "").lower() or "wsgi.input" not in request.META:
        return request.body
    body: bytes = request.META["wsgi.input"].read(max_body + 1)
    request.META["wsgi.input"] = BytesIO(body)  # the request may be verified again, in middleware and in the view
    request._body = body  # private, but the only way to keep request.body working
    return body
