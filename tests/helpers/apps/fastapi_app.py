"""The endpoint in FastAPI. The secret comes from the environment."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request

from clerk_webhook_verify import AnyEvent, Event, RejectedRequest
from clerk_webhook_verify.fastapi import ClerkWebhook

app = FastAPI()
clerk = ClerkWebhook(body_timeout=0.5, on_rejected=RejectedRequest.to_json)


@app.post("/hook/{tenant}", **clerk.openapi | {"status_code": 200})
async def hook(request: Request, tenant: str, event: Annotated[Event, Depends(clerk)]) -> dict[str, Any]:
    return {"type": event.type, "tenant": tenant, "body_again": len(await request.body())}


@app.post("/quiet", **clerk.openapi)
def quiet(event: Annotated[AnyEvent, Depends(clerk)]) -> None:
    return None


@app.post("/fails", **clerk.openapi)
async def fails(event: Annotated[Event, Depends(clerk)]) -> None:
    raise RuntimeError("the handler's own error")


@app.post("/consumed")
async def consumed(request: Request) -> None:
    async for _ in request.stream():
        pass
    await clerk(request)


@app.post("/form", status_code=204)
async def form(request: Request) -> None:
    """Reads forms only, as ``request.form()`` does, which needs python-multipart."""
    if request.headers["content-type"].startswith(("multipart/form-data", "application/x-www-form-urlencoded")):
        async for _ in request.stream():
            pass
    await clerk(request)
