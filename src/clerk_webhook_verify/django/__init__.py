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
from .._handler import as_handler, check_handler
from .._headers import Headers, declared_length
from .._outcome import Outcome, status_code_of
from .._receiver import (
    MAX_BODY,
    REJECTION,
    BodyReader,
    check_complete,
    check_end_is_marked,
    check_methods,
    is_json,
    log_rejected,
    receive_delivery,
    receive_event,
    resolve_webhook,
    status_code_for,
)
from .._rejected import OnRejected, check_on_rejected, report_rejected
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
        self,
        handler: Callable[Concatenate[HttpRequest, AnyEvent, P], Result | Awaitable[Result]],
        /,
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
        WebhookVerificationError: The request is rejected; ``BodyTooLargeError`` and ``BodyIncompleteError`` included.
        BodyConsumedError: The application has already read the body.
        TypeError: *webhook* is not a Webhook.
    """
    return receive_event(webhook, _headers(request), lambda: _read_body(request, max_body))


@forget_on_error
def verify_delivery(request: HttpRequest, webhook: Webhook, *, max_body: int = MAX_BODY) -> Delivery:
    """Verify *request* without parsing its body: a transformed payload need not be an event.

    Args and errors are those of :func:`verify_request`.

    Returns:
        The delivery. ``request.body`` works afterwards.
    """
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
    asynchronous view. The view needs no CSRF token and no login. It responds with 400 to a rejected request (413 if the
    body is too long), 500 to an application error and 405 to other methods. Django handles exceptions of the handler.

    Args:
        webhook: Contains the secrets; None reads the setting ``CLERK_WEBHOOK_SIGNING_SECRET``, then the environment,
            for each request: an error at import would break ``migrate``, and tests override settings.
        max_body: The maximum length of the body, in bytes. ``DATA_UPLOAD_MAX_MEMORY_SIZE`` applies if it is lower.
        methods: The accepted methods.
        on_rejected: Called with a :class:`.RejectedRequest` after a verification failure, before the response is sent;
            in an asynchronous view in a thread. Its exceptions are logged and do not change the response.
    Returns:
        The decorator. It raises a ``TypeError`` if the handler is a method, or has other parameters or another order.
        On a view class, use ``@method_decorator(clerk_webhook(...), name="dispatch")``.
    Raises:
        TypeError: *webhook* is something else, such as a secret, or a function because the parentheses are missing;
            *on_rejected* is not a function, or is asynchronous; *methods* is not a tuple or list of strings.
        ValueError: *methods* is empty, or has an invalid name.
    """
    if webhook is None:
        expect_secret()
    else:
        resolve_webhook(webhook, "@clerk_webhook() or @clerk_webhook(Webhook(secret))")

    accepted = check_methods(methods)
    check_on_rejected(on_rejected)

    def receive(request: HttpRequest, read_body: BodyReader) -> AnyEvent:
        try:
            used = Webhook(getattr(settings, ENVIRONMENT[0], None)) if webhook is None else webhook
        except InvalidSecretError as error:
            log_rejected(error, None, _headers(request))
            raise
        return receive_event(used, _headers(request), read_body)

    def decorate(handler: Any) -> Any:
        handler = as_handler(handler)
        check_handler(
            handler,
            ["request", "event"],
            "def hook(request, event, **url_variables)",
            more=True,
            # Django reads the exemption from the CSRF check only from dispatch()
            instead_of_method='write @method_decorator(clerk_webhook(...), name="dispatch") on the class',
        )

        @wraps(handler)
        def view(request: HttpRequest, /, *args: Any, **kwargs: Any) -> Any:
            if request.method not in accepted:
                return HttpResponseNotAllowed(accepted)
            read_body = BodyReader(lambda: _read_body(request, max_body))
            try:
                event = receive(request, read_body)
            except WebhookError as error:
                rejection = _rejection(error)
                report_rejected(on_rejected, error, _headers(request), read_body.body)
                return rejection
            return _response(handler(request, event, *args, **kwargs))

        @wraps(handler)
        async def async_view(request: HttpRequest, /, *args: Any, **kwargs: Any) -> Any:
            if request.method not in accepted:
                return HttpResponseNotAllowed(accepted)
            read_body = BodyReader(lambda: _read_body(request, max_body))
            try:
                event = receive(request, read_body)
            except WebhookError as error:
                rejection = _rejection(error)
                if on_rejected is not None:
                    await finish(in_thread(report_rejected, on_rejected, error, _headers(request), read_body.body))
                return rejection
            result = handler(request, event, *args, **kwargs)
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
    if declared is not None and declared > max_body:
        raise BodyTooLargeError(max_body, option="max_body")
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
    if len(body) > max_body:
        raise BodyTooLargeError(max_body, option="max_body")
    check_complete(body, declared)
    return body


def _undeclared_body(request: HttpRequest, max_body: int) -> bytes:
    """Return a body without Content-Length. On WSGI, Django does not read it."""
    if "chunked" not in request.META.get("HTTP_TRANSFER_ENCODING", "").lower() or "wsgi.input" not in request.META:
        return request.body
    body: bytes = request.META["wsgi.input"].read(max_body + 1)
    request.META["wsgi.input"] = BytesIO(body)  # the request may be verified again, in middleware and in the view
    request._body = body  # private, but the only way to keep request.body working
    return body
