"""``verify``: the strict check, the one that a service makes."""

from __future__ import annotations

from .._payload import parse_payload
from .._webhook import Webhook
from ..errors import WebhookVerificationError
from ._deliveries import INPUTS, add_delivery_options, given_deliveries
from ._options import add_secret_options, add_time_options, given_clock, given_secrets
from ._terminal import escaped, painted, show, show_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ._deliveries import Capture


def add_arguments(parser: ArgumentParser) -> None:
    """Bring the command's own options."""
    parser.description = (
        f"Checks stored deliveries as a service would. Exit code 0: all are genuine and of now.\n\n{INPUTS}"
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify verify --delivery @capture.ndjson --secret-file secret.txt
  clerk-webhook-verify verify --payload @body.json --id msg_2Xh --timestamp 1760000000 --signature 'v1,K5oZ...'
  clerk-webhook-verify verify --delivery @yesterday.ndjson --at 1760000000"""
    add_delivery_options(parser)
    add_secret_options(parser)
    add_time_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery")


def run(arguments: Namespace) -> int:
    """Check each delivery and print its verdict."""
    webhook = Webhook(given_secrets(arguments), tolerance=arguments.tolerance, clock=given_clock(arguments))
    captures = given_deliveries(arguments)
    verdicts = [_verdict(webhook, capture) for capture in captures]
    for capture, verdict in zip(captures, verdicts, strict=True):
        if arguments.json:
            show_json(verdict)
        else:
            place = f"{capture.place}: " if len(captures) > 1 else ""
            stale = verdict.get("code") == "timestamp_too_old"
            hint = f"; --at {capture.timestamp} judges it as of its own time" if stale else ""
            show(f"{place}{_sentence(verdict)}{hint}")
    return 0 if all(verdict["valid"] for verdict in verdicts) else 1


def _verdict(webhook: Webhook, capture: Capture) -> dict[str, object]:
    try:
        delivery = webhook.verify_signature(capture.headers, capture.body)
        event_type, _, _ = parse_payload(delivery.body, delivery.message_id)
    except WebhookVerificationError as error:
        return {"valid": False, "code": error.code, "message": str(error), "message_id": error.message_id}
    return {
        "valid": True,
        "type": event_type,
        "message_id": delivery.message_id,
        "timestamp": delivery.timestamp,
        "secret_fingerprint": delivery.secret_fingerprint,
    }


def _sentence(verdict: dict[str, object]) -> str:
    if not verdict["valid"]:
        return f"{painted('refused', 'red')}: {verdict['code']}: {escaped(str(verdict['message']))}"
    return (
        f"{painted('genuine', 'green')}: {escaped(str(verdict['type']))}, message id {verdict['message_id']}, "
        f"signed at {verdict['timestamp']}, secret {verdict['secret_fingerprint']}"
    )
