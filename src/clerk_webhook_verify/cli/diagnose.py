"""``diagnose``: why a delivery is refused, with proof."""

from __future__ import annotations

from dataclasses import asdict
from textwrap import fill

from ..diagnose import diagnose_among
from ._deliveries import INPUTS, add_delivery_options, given_deliveries
from ._options import add_secret_options, add_time_options, given_clock, given_secrets
from ._terminal import escaped, painted, show, show_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from ..diagnose import Diagnosis
    from ._deliveries import Capture


def add_arguments(parser: ArgumentParser) -> None:
    """Bring the command's own options."""
    parser.description = (
        "Checks a stored delivery as a service would and, when it is refused, tries what commonly happens to\n"
        "deliveries until the signature fits. Exit code 0: it is genuine and of now.\n\n"
        "Confidence: proved, the signature fits without the fault, or the fault is plain to see;\n"
        f"likely, there are signs of it; left over, nothing else explains it.\n\n{INPUTS}"
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify diagnose --delivery @capture.ndjson
  clerk-webhook-verify diagnose --delivery @request.http --secret-file production.txt --json
  clerk-webhook-verify diagnose --payload @body.json --id msg_2Xh --timestamp 1760000000 --signature 'v1,K5oZ...'"""
    add_delivery_options(parser)
    add_secret_options(parser)
    add_time_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery")


def run(arguments: Namespace) -> int:
    """Diagnose each delivery and print what was found."""
    secrets, clock = given_secrets(arguments), given_clock(arguments)
    captures = given_deliveries(arguments)
    attempts = [(capture.message_id, capture.timestamp) for capture in captures]
    all_valid = True
    for capture in captures:
        diagnosis = diagnose_among(
            capture.headers, capture.body, attempts, secret=secrets, tolerance=arguments.tolerance, clock=clock
        )
        all_valid &= diagnosis.valid
        if arguments.json:
            show_json(asdict(diagnosis))
        else:
            _print(diagnosis, capture, arguments.tolerance, several=len(captures) > 1)
    return 0 if all_valid else 1


def _print(diagnosis: Diagnosis, capture: Capture, tolerance: float, *, several: bool) -> None:
    place = f"{capture.place}: " if several else ""
    if diagnosis.valid:
        show(f"{place}{painted('genuine', 'green')}: {diagnosis.proof}")
        return
    show(f"{place}{painted('refused', 'red')}: {diagnosis.cause} ({diagnosis.confidence})")
    _print_part("proof", f"{escaped(diagnosis.proof)}{_age_at_capture(diagnosis, capture, tolerance)}")
    _print_part("mend", diagnosis.mend)
    if diagnosis.ruled_out:
        _print_part("ruled out", ", ".join(diagnosis.ruled_out))


def _print_part(title: str, text: str) -> None:
    show(fill(text, 100, initial_indent=f"  {title}: ", subsequent_indent="    ", break_long_words=False))


def _age_at_capture(diagnosis: Diagnosis, capture: Capture, tolerance: float) -> str:
    """Whether a stale delivery was so when it was stored, where the capture tells when that was."""
    if diagnosis.cause != "timestamp_too_old" or capture.received_at is None:
        return ""
    age = capture.received_at - int(capture.timestamp)
    if age > tolerance:
        return f"; it was {age:.0f} s old already when it was captured"
    return "; it was of now when it was captured, and grew old in the file"
