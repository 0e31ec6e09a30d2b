"""``verify``: check whether stored deliveries are valid."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .._secret import parse_secrets
from .._webhook import Webhook
from ..errors import WebhookVerificationError
from ._options import add_secret_options, in_options, secrets_from_args
from ._terminal import colorize, escape_control_chars, print_json, print_wrapped
from .captures import INPUTS, Capture, add_delivery_options, age_hint, clock_for, deliveries_from_args


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = f"Checks stored deliveries as a service would. Exit code 0: all are valid.\n\n{INPUTS}"
    parser.epilog = """\
examples:
  clerk-webhook-verify verify capture.ndjson --secret-file .env
  clerk-webhook-verify verify --payload body.json --id msg_2Xh --timestamp 1760000000 --signature 'v1,K5oZ...'
  clerk-webhook-verify verify yesterday.http --at 1760000000"""
    add_delivery_options(parser)
    add_secret_options(parser)


def run(arguments: Namespace) -> int:
    """Check each delivery and print its verdict."""
    secrets = secrets_from_args(arguments)
    parse_secrets(secrets)  # before a file is read
    captures = deliveries_from_args(arguments)
    verdicts = [_verdict(capture, secrets, arguments) for capture in captures]
    for capture, verdict in zip(captures, verdicts, strict=True):
        if arguments.json:
            print_json(verdict)
        else:
            place = f"{capture.place}: " if len(captures) > 1 else ""
            hint = age_hint(capture, arguments) if verdict.get("code") == "timestamp_too_old" else ""
            print_wrapped(f"{place}{_sentence(verdict)}{hint}", indent=2)
    return 0 if all(verdict["valid"] for verdict in verdicts) else 1


def _verdict(capture: Capture, secrets: list[str] | None, arguments: Namespace) -> dict[str, object]:
    clock = clock_for(capture, arguments)
    try:
        event = Webhook(secrets, tolerance=arguments.tolerance, clock=clock).verify(capture.headers, capture.body)
    except WebhookVerificationError as error:
        return {"valid": False, "code": error.code, "message": in_options(str(error)), "message_id": error.message_id}
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
        return f"{colorize('rejected', 'red')}: {verdict['code']}: {message}"
    event_type = escape_control_chars(str(verdict["type"]))
    return (
        f"{colorize('valid', 'green')}: {event_type}, message id {verdict['message_id']}, "
        f"signed at {verdict['timestamp']}, secret {verdict['secret_fingerprint']}"
    )
