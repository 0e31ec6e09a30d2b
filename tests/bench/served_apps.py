"""Three endpoints in each framework: one that reads the body and verifies nothing, ours, and svix with json.loads."""

import json

import svix.webhooks
from flask import Flask, request as flask_request
from signer import SECRET
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clerk_webhook_verify import Event, Webhook, flask as flask_adapter, starlette as starlette_adapter

webhook = Webhook(SECRET)
theirs = svix.webhooks.Webhook(SECRET)


async def starlette_bare(request: Request) -> Response:
    await request.body()
    return Response(status_code=204)


@starlette_adapter.clerk_webhook(webhook)
async def starlette_ours(request: Request, event: Event) -> None:
    return None


async def starlette_svix(request: Request) -> Response:
    body = await request.body()
    theirs.verify(body, dict(request.headers))
    json.loads(body)
    return Response(status_code=204)


starlette_app = Starlette(
    routes=[
        Route("/bare", starlette_bare, methods=["POST"]),
        Route("/ours", starlette_ours, methods=["POST"]),
        Route("/svix", starlette_svix, methods=["POST"]),
    ]
)
flask_app = Flask(__name__)


@flask_app.post("/bare")
def flask_bare() -> tuple[str, int]:
    flask_request.get_data()
    return "", 204


@flask_app.post("/ours")
@flask_adapter.clerk_webhook(webhook)
def flask_ours(event: Event) -> None:
    return None


@flask_app.post("/svix")
def flask_svix() -> tuple[str, int]:
    body = flask_request.get_data()
    theirs.verify(body, dict(flask_request.headers))
    json.loads(body)
    return "", 204
