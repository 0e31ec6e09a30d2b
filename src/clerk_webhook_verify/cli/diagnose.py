"""``diagnose``: explain why a delivery is rejected."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from textwrap import fill

from ..diagnose import Diagnosis, diagnose
from ._deliveries import INPUTS, Capture, add_delivery_options, deliveries_from_args
from ._options import add_secret_options, add_time_options, clock_from_args, secrets_from_args
from ._terminal import colorize, escape_control_chars, print_json, print_result


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Checks a stored delivery as a service would. If it is rejected, undoes what often happens to deliveries\n"
        "until the signature matches. Exit code 0: it is valid and its timestamp is current.\n\n"
        "Confidence: confirmed, the signature matches without the fault, or the fault is plain to see;\n"
        f"likely, there are signs of it; by_elimination, nothing else explains it.\n\n{INPUTS}"
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify diagnose --delivery @capture.ndjson
  clerk-webhook-verify diagnose --delivery @request.http --secret-file production.txt --json
  clerk-webhook-verify diagnose --payload @body.json --id msg_2Xh --timestamp 1760000000 --signature 'v1,K5oZ...'"""
    add_delivery_options(parser)
    add_secret_options(parser)
    add_time_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per delivery")


def run(arguments: Namespace) -> int:
    """Diagnose each delivery and print what was found."""
    secrets, clock = secrets_from_args(arguments), clock_from_args(arguments)
    captures = deliveries_from_args(arguments)
    attempts = [(capture.message_id, capture.timestamp) for capture in captures]
    all_valid = True
    for capture in captures:
        diagnosis = diagnose(
            capture.headers,
            capture.body,
            secret=secrets,
            tolerance=arguments.tolerance,
            clock=clock,
            attempts=attempts,
        )
        all_valid &= diagnosis.valid
        if arguments.json:
            print_json(asdict(diagnosis))
        else:
            _print(diagnosis, capture, arguments.tolerance, several=len(captures) > 1)
    return 0 if all_valid else 1


def _print(diagnosis: Diagnosis, capture: Capture, tolerance: float, *, several: bool) -> None:
    place = f"{capture.place}: " if several else ""
    if diagnosis.valid:
        print_result(f"{place}{colorize('valid', 'green')}: {diagnosis.evidence}")
        return
    print_result(f"{place}{colorize('rejected', 'red')}: {diagnosis.cause} ({diagnosis.confidence})")
    evidence = escape_control_chars(diagnosis.evidence)
    _print_part("evidence", f"{evidence}{_age_at_capture(diagnosis, capture, tolerance)}")
    _print_part("fix", diagnosis.fix)
    if diagnosis.ruled_out:
        _print_part("ruled out", ", ".join(diagnosis.ruled_out))


def _print_part(title: str, text: str) -> None:
    print_result(fill(text, 100, initial_indent=f"  {title}: ", subsequent_indent="    ", break_long_words=False))


def _age_at_capture(diagnosis: Diagnosis, capture: Capture, tolerance: float) -> str:
    """Return whether a delivery that is too old was so when it was captured, if the capture has that time."""
    if diagnosis.cause != "timestamp_too_old" or capture.received_at is None:
        return ""
    age = capture.received_at - int(capture.timestamp)
    if age > tolerance:
        return f"; when it was captured, it was already {age:.0f} s old"
    return "; when it was captured, its timestamp was current"
