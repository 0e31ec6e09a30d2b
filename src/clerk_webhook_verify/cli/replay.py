"""``replay``: stored deliveries once more, to an endpoint of one's own."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from statistics import median

from .._headers import is_message_id
from .._webhook import Webhook
from ._deliveries import Capture, read_captures
from ._http import Answer, Target, UnreachableError, end_to_end
from ._options import UsageError, add_secret_options, given_secrets, read_file
from ._terminal import escaped, painted, remark, show, show_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

_SIGNED = ("svix-id", "svix-timestamp", "svix-signature", "webhook-id", "webhook-timestamp", "webhook-signature")
_OLD_IDS = (
    "the ids are the stored ones: an endpoint that handles each event once answers those that it has had as "
    "duplicates; --new-id gives fresh ones"
)
_OLD_SIGNATURES = (
    "the signatures are the stored ones: an endpoint rightly refuses them when they are older than 5 minutes; "
    "--resign makes fresh ones under your secret"
)


def add_arguments(parser: ArgumentParser) -> None:
    """Bring the command's own options."""
    parser.description = (
        "Sends stored deliveries again, oldest first, as they stand in the file, and stops where there is no answer.\n"
        "Exit code 0: all were answered with 2xx. --resign signs whatever the file holds, genuine or not: give it\n"
        "captures that you trust."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify replay capture.ndjson --to http://localhost:3000/webhooks/clerk --resign
  clerk-webhook-verify replay capture.ndjson --to http://localhost:3000/webhooks/clerk --only user.created --new-id"""
    parser.add_argument("file", metavar="FILE|-", help="what listen --save, or Clerk's own command, has stored")
    parser.add_argument("--to", required=True, metavar="URL", help="the endpoint")
    parser.add_argument("--only", metavar="TYPE", help="only deliveries of this event type")
    parser.add_argument("--resign", action="store_true", help="with a fresh timestamp, signed under your secret")
    parser.add_argument("--new-id", action="store_true", help="with a fresh message id, too: not as duplicates")
    add_secret_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object a delivery")


def run(arguments: Namespace) -> int:
    """Send the deliveries and print a table of the answers."""
    target = Target(arguments.to)
    webhook = Webhook(given_secrets(arguments)) if arguments.resign or arguments.new_id else None
    captures = _in_order(_chosen(read_captures(read_file(arguments.file, "FILE")), arguments.only))
    if webhook is not None and not arguments.new_id:
        _check_ids(captures)
    sent: list[_Sent] = []
    unreachable = None
    try:
        for each in _send(captures, target, webhook, new_id=arguments.new_id, silent=arguments.json):
            sent.append(each)
            if arguments.json:
                show_json(each.facts())
    except UnreachableError as error:
        unreachable = error
    if sent and not arguments.json:
        _show_summary(sent, same_ids=not arguments.new_id, same_signatures=webhook is None)
    if unreachable is not None:
        remark(f"stopped, {len(captures) - len(sent)} of {len(captures)} without an answer: {unreachable}")
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
        return escaped(self.capture.event_type[:100]) or "-"

    def facts(self) -> dict[str, object]:
        return {
            "place": self.capture.place,
            "type": self.capture.event_type,
            "message_id": self.message_id,
            "status": self.answer.status,
            "seconds": round(self.answer.seconds, 4),
        }


def _chosen(captures: list[Capture], event_type: str | None) -> list[Capture]:
    """Those of the type, which None leaves open.

    Raises:
        UsageError: There is none; names the types that there are.
    """
    chosen = [capture for capture in captures if event_type in (None, capture.event_type)]
    if not chosen:
        types = sorted({escaped(capture.event_type[:100]) for capture in captures} - {""})
        raise UsageError(f"--only: no delivery is of that type: there is {', '.join(types) or 'no event at all'}")
    return chosen


def _in_order(captures: list[Capture]) -> list[Capture]:
    """Oldest first: by arrival, else by the signed timestamp, else as they stand, whatever all of them have."""
    arrivals = [capture.received_at for capture in captures]
    stamps = [capture.timestamp for capture in captures]
    if None not in arrivals:
        ages: list[float | None] = arrivals
    elif all(stamp.isdecimal() and len(stamp) <= 12 for stamp in stamps):
        ages = [int(stamp) for stamp in stamps]
    else:
        return captures
    return [capture for _, capture in sorted(zip(ages, captures, strict=True), key=lambda pair: pair[0] or 0)]


def _check_ids(captures: list[Capture]) -> None:
    for capture in captures:
        if not is_message_id(capture.message_id):
            where = capture.place or "the delivery"
            raise UsageError(f"{where} has no message id to sign again: --new-id gives it one")


def _send(
    captures: list[Capture], target: Target, webhook: Webhook | None, *, new_id: bool, silent: bool
) -> Iterator[_Sent]:
    """Each in its turn, with progress on a terminal.

    Raises:
        UnreachableError: There is no answer.
    """
    try:
        for number, capture in enumerate(captures, 1):
            if not silent:
                _show_progress(f"{number} of {len(captures)}: {escaped(capture.event_type)}")
            headers, message_id = end_to_end(capture.headers), capture.message_id
            if webhook is not None:  # here, since all must be fresh when they are sent, however many they are
                signed = webhook.signed_headers(capture.body, message_id=None if new_id else message_id)
                headers = [(name, value) for name, value in headers if name.lower() not in _SIGNED]
                headers += signed.items()
                message_id = signed["svix-id"]
            yield _Sent(capture, message_id, target.post(headers, capture.body))
    finally:
        _show_progress("")


def _show_progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text[:70]}", end="", file=sys.stderr, flush=True)


def _show_summary(sent: list[_Sent], *, same_ids: bool, same_signatures: bool) -> None:
    bad = [each for each in sent if not each.answer.is_success]
    for each in bad:
        place = f"{each.capture.place}: " if each.capture.place else ""
        answer = f"{each.answer.status} {each.answer.first_line}"
        show(f"{place}{each.event_type}, {escaped(each.message_id[:100]) or '-'}: {escaped(answer).strip()}")
    show(f"{'event type':<40} {'sent':>6} {'median':>9}  answers")
    by_type: dict[str, list[Answer]] = {}
    for each in sent:
        by_type.setdefault(each.event_type, []).append(each.answer)
    for event_type, answers in by_type.items():
        milliseconds = median(answer.seconds for answer in answers) * 1000
        statuses = sorted(Counter(answer.status for answer in answers).items())
        counted = ", ".join(f"{count} x {status}" for status, count in statuses)
        show(f"{event_type:<40} {len(answers):>6} {milliseconds:>6.0f} ms  {counted}")
    show(painted(f"{len(sent) - len(bad)} of {len(sent)} answered with 2xx", "red" if bad else "green"))
    if same_ids:
        show(_OLD_IDS)
    if same_signatures and bad:
        show(_OLD_SIGNATURES)
