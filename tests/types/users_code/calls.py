"""Calls as users write them. Type checkers must reject each line that ends in ``# wrong``, and no other."""

import email.message
import http.server
import wsgiref.headers
from collections.abc import Iterable, Mapping
from datetime import timedelta

import httpx
import starlette.datastructures
import werkzeug.datastructures
from typing_extensions import assert_type

from clerk_webhook_verify import AnyEvent, Body, Delivery, Headers, Secret, Webhook, verify
from clerk_webhook_verify.events import UserCraeted  # wrong


def headers_of_every_kind(
    plain: dict[str, str],
    raw: dict[bytes, bytes],
    mapping: Mapping[str, str],
    asgi: Iterable[tuple[bytes, bytes]],
    wsgi: list[tuple[str, str]],
    handler: http.server.BaseHTTPRequestHandler,
    message: email.message.Message,
) -> None:
    webhook = Webhook()
    for headers in (plain, raw, mapping, asgi, wsgi, handler.headers, message):
        webhook.check_headers(headers)
    verify(plain, b"")
    verify(raw, b"")
    verify(mapping, b"")
    verify(asgi, b"")
    verify(wsgi, b"")
    verify(handler.headers, b"")
    verify(message, b"")
    verify(wsgiref.headers.Headers([]), b"")
    verify(starlette.datastructures.Headers(), b"")
    verify(werkzeug.datastructures.Headers(), b"")
    verify(werkzeug.datastructures.EnvironHeaders({}), b"")
    verify(httpx.Headers(), b"")
    verify("svix-id: x", b"")  # wrong
    verify(["svix-id"], b"")  # wrong
    verify({"svix-id": 5}, b"")  # wrong
    verify({"svix-id": ["x"]}, b"")  # wrong
    verify(None, b"")  # wrong


def bodies(headers: Headers) -> None:
    for body in (b"", bytearray(), memoryview(b""), ""):
        assert_type(verify(headers, body), AnyEvent)
    verify(headers, {"type": "user.created"})  # wrong
    verify(headers, None)  # wrong
    verify(headers, 5)  # wrong


def swapped(headers: dict[str, str], body: bytes) -> None:
    verify(body, headers)  # wrong
    Webhook().verify(body, headers)  # wrong
    Webhook().verify_signature(body, headers)  # wrong


def secrets(texts: list[str], both: list[str | bytes]) -> None:
    Webhook("whsec_")
    Webhook(b"whsec_")
    Webhook(texts)
    Webhook(both)
    Webhook({"whsec_"})
    Webhook(None)
    Webhook(5)  # wrong
    Webhook([5])  # wrong
    Webhook("whsec_", 300)  # wrong


def settings() -> None:
    Webhook(tolerance=60.5, clock=lambda: 1)
    Webhook(tolerance=timedelta(minutes=1))
    Webhook(tolerance="300")  # wrong
    Webhook(clock=5)  # wrong
    Webhook(clock=lambda: "now")  # wrong
    Webhook().fingerprints = ()  # wrong


def the_rest(webhook: Webhook, headers: Headers, body: Body, secret: Secret) -> str:
    assert_type(webhook.verify(headers, body), AnyEvent)
    assert_type(webhook.verify_signature(headers, body), Delivery)
    assert_type(webhook.fingerprints, tuple[str, ...])
    assert_type(webhook.sign("msg_1", 1, body), str)
    assert_type(webhook.signed_headers(body, message_id="msg_1", timestamp=1), dict[str, str])
    webhook.sign("msg_1", "1", body)  # wrong
    assert_type(Delivery.from_json("{}").parse(), AnyEvent)
    return Delivery.from_json({}).to_json()  # wrong
