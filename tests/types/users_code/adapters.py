"""Handlers as users write them. Type checkers must reject each line that ends in ``# wrong``, and no other."""

from collections.abc import Callable
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from fastapi import Depends, FastAPI
from flask.views import MethodView
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import assert_type

from clerk_webhook_verify import (
    AnyEvent,
    Delivery,
    Event,
    RejectedRequest,
    Webhook,
    WebhookVerificationError,
    aws_lambda,
    django,
    flask,
    starlette,
)
from clerk_webhook_verify.events import KnownEvent, UnknownEvent, UserCreated, UserEvent
from clerk_webhook_verify.fastapi import ClerkWebhook, verify_delivery, verify_request
from clerk_webhook_verify.idempotency import Outcome

webhook = Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


@flask.clerk_webhook(webhook, max_body=5_000)
def in_flask(event: Event, tenant: str) -> dict[str, str]:
    return {"type": event.type, "tenant": tenant}


@flask.clerk_webhook()
async def in_flask_later(event: Event) -> None:
    return None


@flask.clerk_webhook()
def any_event_in_flask(event: AnyEvent, tenant: str) -> tuple[str, int]:
    return tenant, 200


@flask.clerk_webhook()
def outcome_in_flask(event: Event) -> Outcome:
    return Outcome.HANDLED


@flask.clerk_webhook()
def union_in_flask(event: KnownEvent | UnknownEvent) -> None:
    return None


@flask.clerk_webhook()  # wrong
def too_narrow_in_flask(event: UserCreated) -> None:
    return None


@flask.clerk_webhook()  # wrong
def no_unknown_event_in_flask(event: KnownEvent) -> None:
    return None


@flask.clerk_webhook()  # wrong
async def one_family_in_flask(event: UserEvent) -> None:
    return None


@starlette.clerk_webhook(webhook, body_timeout=5)
async def in_starlette(request: Request, event: Event) -> Response:
    return Response(event.type)


@starlette.clerk_webhook()
def plain_in_starlette(request: Request, event: Event) -> None:
    return None


@starlette.clerk_webhook()
async def any_event_in_starlette(request: Request, event: AnyEvent) -> Response | None:
    return None


@starlette.clerk_webhook()
def union_in_starlette(request: Request, event: UserEvent | Event | None) -> None:
    return None


@starlette.clerk_webhook()  # wrong
async def too_narrow_in_starlette(request: Request, event: UserCreated) -> None:
    return None


@starlette.clerk_webhook()  # wrong
def no_unknown_event_in_starlette(request: Request, event: KnownEvent) -> None:
    return None


@starlette.clerk_webhook()  # wrong
def swapped_in_starlette(event: Event, request: Request) -> None:
    return None


@starlette.clerk_webhook()
def outcome_in_starlette(request: Request, event: Event) -> Outcome:
    return Outcome.HANDLED


@starlette.clerk_webhook()
async def outcome_in_starlette_later(request: Request, event: Event) -> Outcome | Response | None:
    return Outcome.HANDLED


@starlette.clerk_webhook()  # wrong
def value_in_starlette(request: Request, event: Event) -> str:
    return Outcome.HANDLED.value


@starlette.clerk_webhook()  # wrong
def no_response_in_starlette(request: Request, event: Event) -> int:
    return 200


@django.clerk_webhook(webhook)
def in_django(request: HttpRequest, event: Event, tenant: str) -> HttpResponse:
    return HttpResponse(event.type + tenant)


@django.clerk_webhook()
async def in_django_later(request: HttpRequest, event: Event) -> None:
    return None


@django.clerk_webhook()
def any_event_in_django(request: HttpRequest, event: AnyEvent, tenant: str) -> HttpResponse | None:
    return None


@django.clerk_webhook()
async def union_in_django(request: HttpRequest, event: KnownEvent | UnknownEvent) -> None:
    return None


@django.clerk_webhook()  # wrong
def too_narrow_in_django(request: HttpRequest, event: UserCreated) -> None:
    return None


@django.clerk_webhook()  # wrong
async def no_unknown_event_in_django(request: HttpRequest, event: KnownEvent) -> None:
    return None


@django.clerk_webhook()
def outcome_in_django(request: HttpRequest, event: Event) -> Outcome:
    return Outcome.HANDLED


@django.clerk_webhook()
async def outcome_in_django_later(request: HttpRequest, event: Event) -> Outcome | HttpResponse | None:
    return Outcome.HANDLED


@django.clerk_webhook()  # wrong
async def value_in_django(request: HttpRequest, event: Event) -> str:
    return Outcome.HANDLED.value


@django.clerk_webhook()  # wrong
def no_response_in_django(request: HttpRequest, event: Event) -> int:
    return 200


@aws_lambda.clerk_webhook(webhook)
def in_lambda(event: Event, context: Any) -> None:
    return None


@aws_lambda.clerk_webhook()
def any_event_in_lambda(event: AnyEvent, context: object) -> dict[str, int]:
    return {"statusCode": 200}


@aws_lambda.clerk_webhook()
def outcome_in_lambda(event: Event, context: Any) -> Outcome:
    return Outcome.HANDLED


@aws_lambda.clerk_webhook()
def union_in_lambda(event: KnownEvent | UnknownEvent, context: Any) -> None:
    return None


@aws_lambda.clerk_webhook()  # wrong
def too_narrow_in_lambda(event: UserCreated, context: Any) -> None:
    return None


@aws_lambda.clerk_webhook()  # wrong
def no_unknown_event_in_lambda(event: KnownEvent, context: Any) -> None:
    return None


class InFlask(MethodView):
    @flask.clerk_webhook(webhook)
    def post(self, event: Event, tenant: str) -> dict[str, str]:
        return {"type": event.type, "tenant": tenant}

    @staticmethod
    @flask.clerk_webhook()
    def patch(event: AnyEvent) -> None:
        return None


class InStarlette(HTTPEndpoint):
    @starlette.clerk_webhook(webhook)
    async def post(self, request: Request, event: Event) -> None:
        return None


class InLambda:
    @aws_lambda.clerk_webhook(webhook)
    def handle(self, event: Event, context: Any) -> None:
        return None


def called_as_methods(view: InFlask, endpoint: InStarlette, function: InLambda, request: Request) -> Any:
    view.post(tenant="acme")
    view.post(tenant=5)  # wrong
    view.post()  # wrong
    view.patch()
    function.handle({}, None)
    function.handle()  # wrong
    return endpoint.post(request)


@method_decorator(django.clerk_webhook(webhook), name="dispatch")
class InDjango(View):
    def post(self, request: HttpRequest, event: Event) -> None:
        return None


app = FastAPI()
clerk = ClerkWebhook(webhook)


@app.post("/webhooks/clerk", **clerk.openapi)
async def in_fastapi(event: Annotated[Event, Depends(clerk)]) -> None:
    return None


@app.post("/webhooks/outcome", **{**clerk.openapi, "status_code": 200})
async def outcome_in_fastapi(event: Annotated[Event, Depends(clerk)]) -> Outcome:
    return Outcome.HANDLED


@app.post("/webhooks/any", **clerk.openapi)
def any_event_in_fastapi(event: Annotated[AnyEvent, Depends(clerk)]) -> None:
    return None


async def verified_requests(request: Request, http_request: HttpRequest, lambda_event: dict[str, Any]) -> None:
    named = {name: request.headers.get(name) for name in ("svix-id", "svix-timestamp", "svix-signature")}
    assert_type(named, dict[str, str | None])
    assert_type(webhook.verify(named, await request.body()), AnyEvent)
    assert_type(flask.verify_request(webhook), AnyEvent)
    assert_type(await starlette.verify_request(request, webhook, body_timeout=5), AnyEvent)
    assert_type(await verify_request(request, webhook), AnyEvent)
    assert_type(await clerk(request), AnyEvent)
    assert_type(django.verify_request(http_request, webhook), AnyEvent)
    assert_type(aws_lambda.verify_request(lambda_event, webhook), AnyEvent)
    assert_type(flask.verify_delivery(webhook, max_body=5), Delivery)
    assert_type(await starlette.verify_delivery(request, webhook, body_timeout=5), Delivery)
    assert_type(await verify_delivery(request, webhook), Delivery)
    assert_type(django.verify_delivery(http_request, webhook), Delivery)
    assert_type(aws_lambda.verify_delivery(lambda_event, webhook), Delivery)
    flask.verify_delivery(request, webhook)  # wrong
    django.verify_delivery(webhook)  # wrong


def kept_parameters() -> None:
    in_flask(tenant="acme")
    in_flask(tenant=5)  # wrong
    in_flask()  # wrong
    view: Callable[[HttpRequest], Any] = in_django_later
    view(HttpRequest())
    in_django(HttpRequest(), tenant="acme")
    in_django(HttpRequest(), tenant=5)  # wrong
    any_event_in_flask(tenant="acme")
    any_event_in_flask(tenant=5)  # wrong
    any_event_in_django(HttpRequest(), tenant=5)  # wrong


def used_wrongly() -> None:
    flask.clerk_webhook("whsec_")  # wrong
    starlette.clerk_webhook(in_starlette)  # wrong
    ClerkWebhook("whsec_")  # wrong
    flask.verify_request()  # wrong


def on_rejected(rejected: RejectedRequest) -> None:
    assert_type(rejected.error, WebhookVerificationError)
    assert_type(rejected.headers, list[tuple[str, str]])
    assert_type(rejected.body, bytes | None)
    assert_type(rejected.received_at, float)
    assert_type(rejected.to_json(), str)
    RejectedRequest(rejected.error, {"svix-id": "msg_1"}, b"")
    RejectedRequest(rejected.error.code, {}, b"")  # wrong
    RejectedRequest(rejected.error, {})  # wrong


def on_event(event: Event) -> None:
    return None


def options() -> None:
    flask.clerk_webhook(on_rejected=on_rejected, methods=("POST", "PUT"))
    starlette.clerk_webhook(on_rejected=on_rejected, methods=["PUT"])
    django.clerk_webhook(on_rejected=lambda rejected: print(rejected.to_json()), methods=("PUT",))
    aws_lambda.clerk_webhook(on_rejected=print, methods=())
    ClerkWebhook(on_rejected=on_rejected)
    flask.clerk_webhook(on_rejected=on_event)  # wrong
    starlette.clerk_webhook(on_rejected="rejected.ndjson")  # wrong
    ClerkWebhook(on_rejected=on_event)  # wrong
    flask.clerk_webhook(methods="PUT")  # wrong
    starlette.clerk_webhook(methods="PUT")  # wrong
    django.clerk_webhook(methods="PUT")  # wrong
    aws_lambda.clerk_webhook(methods=(b"PUT",))  # wrong
    ClerkWebhook(methods=("PUT",))  # wrong
