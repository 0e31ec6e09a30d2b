"""Four endpoints in each framework: only reading the body, this library, svix with json.loads, and the minimum.

The minimum is one HMAC, one comparison and json.loads, without checks of header formats and age or a typed event.
"""

import base64
import hmac
import json

import svix.webhooks
from flask import Flask, request as flask_request
from helpers.signer import SECRET
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clerk_webhook_verify import Event, Webhook, flask as flask_adapter, starlette as starlette_adapter

webhook = Webhook(SECRET)
theirs = svix.webhooks.Webhook(SECRET)


key = base64.b64decode(SECRET.removeprefix("whsec_"))


def least(message_id: str, timestamp: str, signature: str, body: bytes) -> None:
    mac = hmac.digest(key, f"{message_id}.{timestamp}.".encode() + body, "sha256")
    assert hmac.compare_digest(signature, "v1," + base64.b64encode(mac).decode())
    json.loads(body)


async def starlette_bare(request: Request) -> Response:
    await request.body()
    return Response(status_code=204)


@starlette_adapter.clerk_webhook(webhook)
async def starlette_library(request: Request, event: Event) -> None:
    return None


async def starlette_svix(request: Request) -> Response:
    body = await request.body()
    theirs.verify(body, dict(request.headers))
    json.loads(body)
    return Response(status_code=204)


async def starlette_least(request: Request) -> Response:
    body, headers = await request.body(), request.headers
    least(headers["svix-id"], headers["svix-timestamp"], headers["svix-signature"], body)
    return Response(status_code=204)


starlette_app = Starlette(
    routes=[
        Route("/bare", starlette_bare, methods=["POST"]),
        Route("/library", starlette_library, methods=["POST"]),
        Route("/svix", starlette_svix, methods=["POST"]),
        Route("/least", starlette_least, methods=["POST"]),
    ]
)
flask_app = Flask(__name__)


@flask_app.post("/bare")
def flask_bare() -> tuple[str, int]:
    flask_request.get_data()
    return "", 204


@flask_app.post("/library")
@flask_adapter.clerk_webhook(webhook)
def flask_library(event: Event) -> None:
    return None


@flask_app.post("/svix")
def flask_svix() -> tuple[str, int]:
    body = flask_request.get_data()
    theirs.verify(body, dict(flask_request.headers))
    json.loads(body)
    return "", 204


@flask_app.post("/least")
def flask_least() -> tuple[str, int]:
    body, headers = flask_request.get_data(), flask_request.headers
    least(headers["svix-id"], headers["svix-timestamp"], headers["svix-signature"], body)
    return "", 204
