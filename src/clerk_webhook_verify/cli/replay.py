"""``replay``: send stored deliveries again, to your endpoint."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from .._headers import SVIX_HEADERS, WEBHOOK_HEADERS, is_message_id
from .._webhook import Webhook
from ._deliveries import Capture, read_captures
from ._http import Answer, Target, UnreachableError, end_to_end
from ._options import UsageError, add_secret_options, read_file, secrets_from_args
from ._terminal import colorize, escape_control_chars, print_json, print_result, print_status

_SIGNED_HEADERS = (*SVIX_HEADERS, *WEBHOOK_HEADERS)
_OLD_IDS = (
    "the ids are the stored ones: an endpoint that handles each event once answers those that it has had as "
    "duplicates; --new-id gives fresh ones"
)
_OLD_SIGNATURES = (
    "the signatures are the stored ones: an endpoint rightly refuses them when they are older than 5 minutes; "
    "--resign makes fresh ones under your secret"
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Sends stored deliveries again, oldest first, as they are in the file, and stops when there is no answer.\n"
        "Exit code 0: all were answered with 2xx. --resign signs everything in the file, genuine or not: pass it\n"
        "captures that you trust."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify replay capture.ndjson --to http://localhost:3000/webhooks/clerk --resign
  clerk-webhook-verify replay capture.ndjson --to http://localhost:3000/webhooks/clerk --only user.created --new-id"""
    parser.add_argument("file", metavar="FILE|-", help="what listen --save, or Clerk's own command, has stored")
    parser.add_argument("--to", required=True, metavar="URL", help="the endpoint")
    parser.add_argument("--only", metavar="TYPE", help="only deliveries of this event type")
    parser.add_argument("--resign", action="store_true", help="with a new timestamp, signed with your secret")
    parser.add_argument("--new-id", action="store_true", help="with a new message id, too: not as duplicates")
    add_secret_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per delivery")


def run(arguments: Namespace) -> int:
    """Send the deliveries and print a table of the answers."""
    target = Target(arguments.to)
    webhook = Webhook(secrets_from_args(arguments)) if arguments.resign or arguments.new_id else None
    captures = _sorted(_of_type(read_captures(read_file(arguments.file, "FILE")), arguments.only))
    if webhook is not None and not arguments.new_id:
        _check_ids(captures)
    sent: list[_Sent] = []
    unreachable = None
    try:
        for each in _send(captures, target, webhook, new_id=arguments.new_id, silent=arguments.json):
            sent.append(each)
            if arguments.json:
                print_json(each.facts())
    except UnreachableError as error:
        unreachable = error
    if sent and not arguments.json:
        _print_summary(sent, same_ids=not arguments.new_id, same_signatures=webhook is None)
    if unreachable is not None:
        print_status(f"stopped, {len(captures) - len(sent)} of {len(captures)} without an answer: {unreachable}")
        return 1
    return 0 if all(each.answer.is_success for each in sent) else 1


@dataclass(frozen=True)
class _Sent:
    """One delivery that was answered."""

    capture: Capture
    message_id: str
    answer: Answer

    @property
    def event_type(self) -> str:
        return escape_control_chars(self.capture.event_type[:100]) or "-"

    def facts(self) -> dict[str, object]:
        return {
            "place": self.capture.place,
            "type": self.capture.event_type,
            "message_id": self.message_id,
            "status": self.answer.status,
            "seconds": round(self.answer.seconds, 4),
        }

    def line(self) -> str:
        place = f"{self.capture.place}: " if self.capture.place else ""
        message_id = escape_control_chars(self.message_id[:100]) or "-"
        answer = escape_control_chars(f"{self.answer.status} {self.answer.first_line}").strip()
        return f"{place}{self.event_type}, {message_id}: {answer}"


def _of_type(captures: list[Capture], event_type: str | None) -> list[Capture]:
    """Return the deliveries of one type; all of them if it is None.

    Raises:
        UsageError: There is none. The message lists the types in the file.
    """
    chosen = [capture for capture in captures if event_type in (None, capture.event_type)]
    if not chosen:
        types = sorted({escape_control_chars(capture.event_type[:100]) for capture in captures} - {""})
        raise UsageError(f"--only: no delivery is of that type: there is {', '.join(types) or 'no event at all'}")
    return chosen


def _sorted(captures: list[Capture]) -> list[Capture]:
    """Sort oldest first: by arrival or by the signed timestamp, if all have it. Otherwise keep the order."""
    if all(capture.received_at is not None for capture in captures):
        return sorted(captures, key=lambda capture: capture.received_at or 0)
    if all(capture.timestamp.isdecimal() and len(capture.timestamp) <= 12 for capture in captures):
        return sorted(captures, key=lambda capture: int(capture.timestamp))
    return captures


def _check_ids(captures: list[Capture]) -> None:
    for capture in captures:
        if not is_message_id(capture.message_id):
            where = capture.place or "the delivery"
            raise UsageError(f"{where} has no message id to sign again: --new-id gives it one")


def _send(
    captures: list[Capture], target: Target, webhook: Webhook | None, *, new_id: bool, silent: bool
) -> Iterator[_Sent]:
    """Send one after the other, with progress on a terminal.

    Raises:
        UnreachableError: There is no answer.
    """
    try:
        for number, capture in enumerate(captures, 1):
            if not silent:
                _print_progress(f"{number} of {len(captures)}: {escape_control_chars(capture.event_type)}")
            headers, message_id = end_to_end(capture.headers), capture.message_id
            if webhook is not None:  # sign just before sending: a long file would outlast the tolerance
                signed = webhook.signed_headers(capture.body, message_id=None if new_id else message_id)
                headers = [(name, value) for name, value in headers if name.lower() not in _SIGNED_HEADERS]
                headers += signed.items()
                message_id = signed["svix-id"]
            yield _Sent(capture, message_id, target.post(headers, capture.body))
    finally:
        _print_progress("")


def _print_progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text[:70]}", end="", file=sys.stderr, flush=True)


def _print_summary(sent: list[_Sent], *, same_ids: bool, same_signatures: bool) -> None:
    failed = [each for each in sent if not each.answer.is_success]
    for each in failed:
        print_result(each.line())
    print_result(f"{'event type':<40} {'sent':>6} {'median':>9}  answers")
    by_type: dict[str, list[Answer]] = {}
    for each in sent:
        by_type.setdefault(each.event_type, []).append(each.answer)
    for event_type, answers in by_type.items():
        milliseconds = median(answer.seconds for answer in answers) * 1000
        statuses = sorted(Counter(answer.status for answer in answers).items())
        counted = ", ".join(f"{count} x {status}" for status, count in statuses)
        print_result(f"{event_type:<40} {len(answers):>6} {milliseconds:>6.0f} ms  {counted}")
    color = "red" if failed else "green"
    print_result(colorize(f"{len(sent) - len(failed)} of {len(sent)} answered with 2xx", color))
    if same_ids:
        print_result(_OLD_IDS)
    if same_signatures and failed:
        print_result(_OLD_SIGNATURES)
