"""The applications of the tests with two more routes: /soak verifies and appends the message id to a file, /memory
returns Python's memory. Requests store nothing in the process, so any growth is a leak."""

import ctypes
import gc
import itertools
import os
import sys
import tracemalloc

import django_app
import flask_app
import starlette_app
from django.http import HttpRequest, JsonResponse
from django.urls import path
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from clerk_webhook_verify import Event, django, flask, starlette

HANDLED = os.open(os.environ["SOAK_HANDLED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
LIBC, ASKED = ctypes.CDLL(None), itertools.count(1)


def handle(event: Event) -> None:
    os.write(HANDLED, f"{event.message_id}\n".encode())


def memory() -> dict[str, int]:
    """Return the number of allocated blocks, and the bytes allocated since the second request."""
    gc.collect()
    if hasattr(LIBC, "malloc_trim"):  # glibc: return free memory to the system, so the rest is in use
        LIBC.malloc_trim(0)
    held = {"blocks": sys.getallocatedblocks(), "traced": tracemalloc.get_traced_memory()[0]}
    if next(ASKED) == 2:  # not before: its own memory grows as that of a leak would
        tracemalloc.start()
    return held


flask_app.app.post("/soak")(flask.clerk_webhook()(handle))
flask_app.app.get("/memory")(memory)


@starlette.clerk_webhook()
async def starlette_hook(request: Request, event: Event) -> None:
    handle(event)


async def starlette_memory(request: Request) -> JSONResponse:
    return JSONResponse(memory())


starlette_app.routes += [Route("/soak", starlette_hook, methods=["POST"]), Route("/memory", starlette_memory)]
starlette_app.app.router.routes = starlette_app.routes


@django.clerk_webhook()
def django_hook(request: HttpRequest, event: Event) -> None:
    handle(event)


def django_memory(request: HttpRequest) -> JsonResponse:
    return JsonResponse(memory())


django_app.urlpatterns += [path("soak", django_hook), path("memory", django_memory)]

in_flask, in_starlette, wsgi, asgi = flask_app.app, starlette_app.app, django_app.wsgi, django_app.asgi
