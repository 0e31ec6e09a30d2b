"""The endpoint in Starlette. The secret comes from the environment."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from clerk_webhook_verify import Event
from clerk_webhook_verify.starlette import clerk_webhook


@clerk_webhook(body_timeout=0.5)
async def hook(request: Request, event: Event) -> Response:
    tenant = request.path_params["tenant"]
    return JSONResponse({"type": event.type, "tenant": tenant, "body_again": len(await request.body())})


@clerk_webhook()
def quiet(request: Request, event: Event) -> None:
    return None


@clerk_webhook()
async def fails(request: Request, event: Event) -> None:
    raise RuntimeError("the handler's own error")


async def consumed(request: Request) -> Response:
    async for _ in request.stream():
        pass
    return await quiet(request)


app = Starlette(
    routes=[
        Route("/hook/{tenant}", hook, methods=["POST"]),
        Route("/quiet", quiet, methods=["GET", "POST"]),
        Route("/fails", fails, methods=["POST"]),
        Route("/consumed", consumed, methods=["POST"]),
    ]
)
