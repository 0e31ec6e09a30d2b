"""``diagnose``: explain why a delivery is rejected."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict

from ..diagnose import Diagnosis, diagnose
from ..errors import SignatureMismatchError, TimestampTooNewError, TimestampTooOldError
from ._options import add_secret_options, in_options, seconds_argument, secrets_from_args
from ._terminal import colorize, escape_control_chars, print_json, print_wrapped
from .captures import INPUTS, add_delivery_options, age_hint, clock_for, deliveries_from_args


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Checks stored deliveries as a service would. If one is rejected, undoes common changes until the signature\n"
        "matches. Exit code 0: all are valid.\n\n"
        "Confidence: confirmed, the signature matches without the fault, or the fault is obvious;\n"
        f"likely, there are signs of it; by_elimination, nothing else explains it.\n\n{INPUTS}"
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify diagnose capture.ndjson
  clerk-webhook-verify diagnose request.http --secret-file production.txt --json
  clerk-webhook-verify diagnose --payload body.json --id msg_2Xh --timestamp 1760000000 --signature 'v1,K5oZ...'"""
    add_delivery_options(parser)
    parser.add_argument(
        "--budget", type=seconds_argument, default=1, metavar="S", help="seconds to find the cause of each (default: 1)"
    )
    add_secret_options(parser)


def run(arguments: Namespace) -> int:
    """Diagnose each delivery and print what was found."""
    secrets = secrets_from_args(arguments)
    captures = deliveries_from_args(arguments)
    attempts = [(capture.message_id, capture.timestamp) for capture in captures]
    all_valid = True
    for capture in captures:
        diagnosis = diagnose(
            capture.headers,
            capture.body,
            secret=secrets,
            tolerance=arguments.tolerance,
            clock=clock_for(capture, arguments),
            attempts=attempts,
            budget=arguments.budget,
        )
        all_valid &= diagnosis.valid
        if arguments.json:
            print_json(asdict(diagnosis))
        else:
            hint = age_hint(capture, arguments) if diagnosis.cause == "timestamp_too_old" else ""
            _print(diagnosis, f"{capture.place}: " if len(captures) > 1 else "", hint)
            if diagnosis.valid and capture.code:
                _print_part("but", _difference(capture.code))
    return 0 if all_valid else 1


def _print(diagnosis: Diagnosis, place: str, hint: str) -> None:
    if diagnosis.valid:
        print_wrapped(f"{place}{colorize('valid', 'green')}: {in_options(diagnosis.evidence)}", indent=2)
        return
    print_wrapped(f"{place}{colorize('rejected', 'red')}: {diagnosis.cause} ({diagnosis.confidence})", indent=2)
    _print_part("evidence", in_options(escape_control_chars(diagnosis.evidence)) + hint)
    _print_part("fix", in_options(diagnosis.fix))
    for title, causes in (("ruled out", diagnosis.ruled_out), ("not tried", diagnosis.not_tried)):
        if causes:
            _print_part(title, ", ".join(causes))


def _print_part(title: str, text: str) -> None:
    print_wrapped(f"  {title}: {text}", indent=4)


def _difference(code: str) -> str:
    """Return why the application may have rejected a delivery that is valid here."""
    verdict = f"the application rejected it with {escape_control_chars(code[:64])}"
    if code == SignatureMismatchError.code:
        return (
            f"{verdict}, so it has another secret: compare the fingerprint in its log with the output of "
            "clerk-webhook-verify secret fingerprint, and restart the application after a change"
        )
    if code in (TimestampTooOldError.code, TimestampTooNewError.code):
        return f"{verdict}, so its clock was wrong, or its tolerance is another one"
    return verdict
