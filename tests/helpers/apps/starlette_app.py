"""The endpoint in Starlette. The secret comes from the environment."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clerk_webhook_verify import AnyEvent, Event, RejectedRequest
from clerk_webhook_verify.starlette import clerk_webhook


@clerk_webhook(body_timeout=0.5)
async def hook(request: Request, event: Event) -> Response:
    tenant = request.path_params["tenant"]
    return JSONResponse({"type": event.type, "tenant": tenant, "body_again": len(await request.body())})


@clerk_webhook(on_rejected=RejectedRequest.to_json)
def quiet(request: Request, event: AnyEvent) -> None:
    return None


@clerk_webhook()
async def fails(request: Request, event: Event) -> None:
    raise RuntimeError("the handler's own error")


async def consumed(request: Request) -> Response:
    async for _ in request.stream():
        pass
    return await quiet(request)


async def form(request: Request) -> Response:
    """Reads forms only, as ``request.form()`` does, which needs python-multipart."""
    if request.headers["content-type"].startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
        async for _ in request.stream():
            pass
    return await quiet(request)


class PassesOn(BaseHTTPMiddleware):
    """Does nothing, but replaces ``receive``."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        return await call_next(request)


routes = [
    Route("/hook/{tenant}", hook, methods=["POST"]),
    Route("/quiet", quiet, methods=["GET", "POST"]),
    Route("/fails", fails, methods=["POST"]),
    Route("/consumed", consumed, methods=["POST"]),
    Route("/form", form, methods=["POST"]),
]
app = Starlette(routes=routes)
under_middleware = Starlette(routes=routes, middleware=[Middleware(PassesOn), Middleware(PassesOn)])
