"""``verify``: check stored deliveries as strictly as a service does."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .._webhook import Webhook
from ..errors import WebhookVerificationError
from ._deliveries import INPUTS, Capture, add_delivery_options, deliveries_from_args
from ._options import add_secret_options, add_time_options, clock_from_args, secrets_from_args
from ._terminal import colorize, escape_control_chars, print_json, print_result


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
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
    parser.add_argument("--json", action="store_true", help="one JSON object per delivery")


def run(arguments: Namespace) -> int:
    """Check each delivery and print its verdict."""
    webhook = Webhook(secrets_from_args(arguments), tolerance=arguments.tolerance, clock=clock_from_args(arguments))
    captures = deliveries_from_args(arguments)
    verdicts = [_verdict(webhook, capture) for capture in captures]
    for capture, verdict in zip(captures, verdicts, strict=True):
        if arguments.json:
            print_json(verdict)
        else:
            place = f"{capture.place}: " if len(captures) > 1 else ""
            hint = ""
            if verdict.get("code") == "timestamp_too_old":
                hint = f"; --at {capture.timestamp} judges it as of its own time"
            print_result(f"{place}{_sentence(verdict)}{hint}")
    return 0 if all(verdict["valid"] for verdict in verdicts) else 1


def _verdict(webhook: Webhook, capture: Capture) -> dict[str, object]:
    try:
        event = webhook.verify(capture.headers, capture.body)
    except WebhookVerificationError as error:
        return {"valid": False, "code": error.code, "message": str(error), "message_id": error.message_id}
    return {
        "valid": True,
        "type": event.type,
        "message_id": event.message_id,
        "timestamp": event.delivery.timestamp,
        "secret_fingerprint": event.delivery.secret_fingerprint,
    }


def _sentence(verdict: dict[str, object]) -> str:
    if not verdict["valid"]:
        message = escape_control_chars(str(verdict["message"]))
        return f"{colorize('refused', 'red')}: {verdict['code']}: {message}"
    event_type = escape_control_chars(str(verdict["type"]))
    return (
        f"{colorize('genuine', 'green')}: {event_type}, message id {verdict['message_id']}, "
        f"signed at {verdict['timestamp']}, secret {verdict['secret_fingerprint']}"
    )
