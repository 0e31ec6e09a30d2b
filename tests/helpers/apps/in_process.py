"""What not to do: the work is done after the response, and is lost if the process ends."""

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from clerk_webhook_verify import Event, Webhook
from clerk_webhook_verify.starlette import verify_request

webhook = Webhook()


def handle(event: Event) -> None:
    with open("welcomed.txt", "a") as file:
        print(event.message_id, file=file)


async def clerk(request: Request) -> Response:
    event = await verify_request(request, webhook)
    return Response(status_code=204, background=BackgroundTask(handle, event))


app = Starlette(routes=[Route("/webhooks/clerk", clerk, methods=["POST"])])
