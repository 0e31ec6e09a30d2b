"""Every adapter behind the same function: a handler, a request and the decorator's options in, the response out."""

import asyncio
import base64
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

import django.test
import fastapi.testclient
import flask
import starlette.testclient
from starlette.applications import Starlette
from starlette.routing import Route

from clerk_webhook_verify import (
    Event,
    Webhook,
    aws_lambda,
    django as django_adapter,
    fastapi as fastapi_adapter,
    flask as flask_adapter,
    starlette as starlette_adapter,
)
from clerk_webhook_verify.routing import Router
from helpers.apps import django_app  # noqa: F401  configures Django
from helpers.signer import SECRET

METHODS = ["GET", "POST", "PUT", "PATCH"]
webhook = Webhook(SECRET)

Handler = Callable[[Event], object]


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


def in_flask(handler: Handler, headers, body: bytes, *, method="POST", later=False, **options) -> Reply:
    async def hook_later(event):
        return handler(event)

    app = flask.Flask(__name__)
    view = flask_adapter.clerk_webhook(webhook, **options)(hook_later if later else handler)
    app.add_url_rule("/hook", "hook", view, methods=METHODS, provide_automatic_options=False)
    response = app.test_client().open("/hook", method=method, data=body, headers=headers)
    return Reply(response.status_code, {name.lower(): value for name, value in response.headers}, response.data)


def in_starlette(handler: Handler, headers, body: bytes, *, method="POST", later=False, **options) -> Reply:
    def hook(request, event):
        return handler(event)

    async def hook_later(request, event):
        return handler(event)

    endpoint = starlette_adapter.clerk_webhook(webhook, **options)(
        handler if isinstance(handler, Router) else hook_later if later else hook
    )
    client = starlette.testclient.TestClient(Starlette(routes=[Route("/hook", endpoint, methods=METHODS)]))
    response = client.request(method, "/hook", content=body, headers=headers)
    return Reply(response.status_code, dict(response.headers), response.content)


def in_fastapi(
    handler: Handler, headers, body: bytes, *, method="POST", later=False, annotation: Any = None, **options
) -> Reply:
    app, clerk = fastapi.FastAPI(), fastapi_adapter.ClerkWebhook(webhook, **options)

    def hook(event: Annotated[Event, fastapi.Depends(clerk)]):
        return handler(event)

    async def hook_later(event: Annotated[Event, fastapi.Depends(clerk)]):
        return handler(event)

    endpoint = hook_later if later else hook
    if annotation is not None:
        endpoint.__annotations__["return"] = annotation
    app.api_route("/hook", methods=["POST", "PUT"], **clerk.openapi)(endpoint)
    response = fastapi.testclient.TestClient(app).request(method, "/hook", content=body, headers=headers)
    return Reply(response.status_code, dict(response.headers), response.content)


def in_django(handler: Handler, headers, body: bytes, *, method="POST", later=False, **options) -> Reply:
    def hook(request, event):
        return handler(event)

    async def hook_later(request, event):
        return handler(event)

    view = django_adapter.clerk_webhook(webhook, **options)(
        handler if isinstance(handler, Router) else hook_later if later else hook
    )
    if later:  # headers as keywords of their own, since headers= is wrong in Django 4.2.0's asynchronous factory
        request = django.test.AsyncRequestFactory().generic(method, "/hook", body, "application/json", **headers)
    else:
        request = django.test.RequestFactory().generic(method, "/hook", body, "application/json", headers=headers)
    response = asyncio.run(view(request)) if later else view(request)
    return Reply(response.status_code, {name.lower(): each for name, each in response.items()}, response.content)


def in_lambda(handler: Handler, headers, body: bytes, *, method="POST", **options) -> Reply:
    handle = aws_lambda.clerk_webhook(webhook, **options)(
        handler if isinstance(handler, Router) else lambda event, context: handler(event)
    )
    encoded = {"isBase64Encoded": True, "body": base64.b64encode(body).decode()}
    response = handle({"httpMethod": method, "headers": headers} | encoded, None)
    return Reply(response["statusCode"], response.get("headers", {}), response["body"].encode())


def _later(respond: Callable[..., Reply]) -> Callable[..., Reply]:
    return lambda *args, **options: respond(*args, later=True, **options)


#: By name; "later" has an asynchronous handler.
ADAPTERS: dict[str, Callable[..., Reply]] = {
    "flask": in_flask,
    "flask later": _later(in_flask),
    "starlette": in_starlette,
    "starlette later": _later(in_starlette),
    "fastapi": in_fastapi,
    "fastapi later": _later(in_fastapi),
    "django": in_django,
    "django later": _later(in_django),
    "aws_lambda": in_lambda,
}
