"""What type checkers say of decorated handlers. A line that ends in ``# wrong`` must be refused by both."""

from collections.abc import Callable
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from fastapi import Depends, FastAPI
from starlette.requests import Request
from starlette.responses import Response

from clerk_webhook_verify import Event, Webhook, aws_lambda, django, flask, starlette
from clerk_webhook_verify.events import UserCreated
from clerk_webhook_verify.fastapi import ClerkWebhook

webhook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@flask.clerk_webhook(webhook, max_body=5_000)
def in_flask(event: Event, tenant: str) -> dict[str, str]:
    return {"type": event.type, "tenant": tenant}


@flask.clerk_webhook()
async def in_flask_later(event: Event) -> None:
    return None


@flask.clerk_webhook()  # wrong
def too_narrow_in_flask(event: UserCreated) -> None:
    return None


@starlette.clerk_webhook(webhook, body_timeout=5)
async def in_starlette(request: Request, event: Event) -> Response:
    return Response(event.type)


@starlette.clerk_webhook()
def plain_in_starlette(request: Request, event: Event) -> None:
    return None


@starlette.clerk_webhook()  # wrong
async def too_narrow_in_starlette(request: Request, event: UserCreated) -> None:
    return None


@django.clerk_webhook(webhook)
def in_django(request: HttpRequest, event: Event, tenant: str) -> HttpResponse:
    return HttpResponse(event.type + tenant)


@django.clerk_webhook()
async def in_django_later(request: HttpRequest, event: Event) -> None:
    return None


@django.clerk_webhook()  # wrong
def too_narrow_in_django(request: HttpRequest, event: UserCreated) -> None:
    return None


@aws_lambda.clerk_webhook(webhook)
def in_lambda(event: Event, context: Any) -> None:
    return None


@aws_lambda.clerk_webhook()  # wrong
def too_narrow_in_lambda(event: UserCreated, context: Any) -> None:
    return None


app = FastAPI()
clerk = ClerkWebhook(webhook)


@app.post("/webhooks/clerk", **clerk.openapi)
async def in_fastapi(event: Annotated[Event, Depends(clerk)]) -> None:
    return None


def kept_parameters() -> None:
    in_flask(tenant="acme")
    in_flask(tenant=5)  # wrong
    in_flask()  # wrong
    view: Callable[[HttpRequest], Any] = in_django_later
    view(HttpRequest())
    in_django(HttpRequest(), tenant="acme")
    in_django(HttpRequest(), tenant=5)  # wrong


def used_wrongly() -> None:
    flask.clerk_webhook("whsec_")  # wrong
    starlette.clerk_webhook(in_starlette)  # wrong
    ClerkWebhook("whsec_")  # wrong
    flask.verify_request()  # wrong
