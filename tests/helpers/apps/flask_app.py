"""The endpoint in Flask. The secret comes from the environment."""

from flask import Flask, request

from clerk_webhook_verify import AnyEvent, Event, RejectedRequest
from clerk_webhook_verify.flask import clerk_webhook

app = Flask(__name__)


@app.post("/hook/<tenant>")
@clerk_webhook()
def hook(event: Event, tenant: str) -> dict[str, object]:
    return {"type": event.type, "tenant": tenant, "body_again": len(request.get_data())}


@app.route("/quiet", methods=["GET", "POST"])
@clerk_webhook(on_rejected=RejectedRequest.to_json)
def quiet(event: AnyEvent) -> None:
    return None


@app.post("/async")
@clerk_webhook()
async def later(event: Event) -> dict[str, object]:
    return {"type": event.type}


@app.post("/fails")
@clerk_webhook()
def fails(event: Event) -> None:
    raise RuntimeError("the handler's own error")


@app.post("/consumed")
def consumed() -> object:
    request.stream.read()
    return quiet()


@app.post("/form")
def form() -> object:
    len(request.form)
    return quiet()
