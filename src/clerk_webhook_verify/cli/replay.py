"""``replay``: send stored deliveries again, to your endpoint."""

from __future__ import annotations

import shutil
import sys
from argparse import ArgumentParser, Namespace
from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import median

from .._headers import SVIX_HEADERS, WEBHOOK_HEADERS, is_message_id
from .._timestamp import is_timestamp
from .._webhook import Webhook
from ..errors import SignatureMismatchError, WebhookVerificationError
from ._http import (
    Response,
    Target,
    UnreachableError,
    add_target_options,
    check_plain_http,
    end_to_end,
    target_from_args,
)
from ._options import UsageError, add_secret_options, secrets_from_args
from ._terminal import colorize, escape_control_chars, print_json, print_status, print_wrapped
from .captures import Capture, add_capture_options, captures_from_args


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Sends stored deliveries again, oldest first, unchanged or signed again, and stops when there is no response.\n"
        "Exit code 0: each that was sent got a 2xx response.\n\n"
        "--resign and --new-id sign only deliveries that were valid when they arrived, with any of your secrets, and\n"
        "skip the others: they may be forged. The first secret signs; pass that of the capture as a second one."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify replay capture.ndjson --to http://localhost:3000/webhooks/clerk --resign
  clerk-webhook-verify replay capture.ndjson --to http://localhost:3000/webhooks/clerk --new-id --only 'user.*'
  clerk-webhook-verify replay capture.ndjson --to http://localhost:3000/webhooks/clerk --line 2 --line 5"""
    add_capture_options(parser)
    add_target_options(parser)
    choice = parser.add_argument_group("which deliveries", "each option may be repeated")
    choice.add_argument(
        "--only", "--type", action="append", metavar="TYPE", help="of this event type, or a pattern such as 'user.*'"
    )
    choice.add_argument("--id", action="append", metavar="MSG", help="with this message id")
    choice.add_argument(
        "--line", action="append", type=int, metavar="N", help="in this line, or with this number in an export"
    )
    parser.add_argument("--resign", action="store_true", help="with a new timestamp, signed with your secret")
    parser.add_argument("--new-id", action="store_true", help="also with a new message id: not as duplicates")
    parser.add_argument(
        "--resign-forged",
        action="store_true",
        help="DANGER: also sign invalid deliveries: your endpoint then accepts forged ones",
    )
    add_secret_options(parser)


@dataclass(frozen=True)
class _Sent:
    capture: Capture
    message_id: str
    response: Response

    @property
    def event_type(self) -> str:
        return escape_control_chars(self.capture.event_type[:100]) or "-"

    def facts(self) -> dict[str, object]:
        return {
            "place": self.capture.place,
            "type": self.capture.event_type,
            "message_id": self.message_id,
            "status": self.response.status,
            "seconds": round(self.response.seconds, 4),
        }


def run(arguments: Namespace) -> int:
    """Send the deliveries and print a table of the responses."""
    if arguments.delivery is not None and arguments.url is None:  # --delivery FILE URL
        arguments.file, arguments.url = None, arguments.file
    target = target_from_args(arguments)
    webhook, secrets = None, None
    if arguments.resign or arguments.new_id or arguments.resign_forged:
        secrets = secrets_from_args(arguments)
        webhook = Webhook(secrets)
        check_plain_http(target, arguments)
    captures = _sorted(_chosen(captures_from_args(arguments), arguments))
    if webhook is not None:
        captures = [capture for capture in captures if _can_be_signed(capture, secrets, arguments)]
        if not captures:
            print_status("nothing was sent")
            return 1
    sent: list[_Sent] = []
    unreachable = None
    try:
        for number, capture in enumerate(captures, 1):
            if not arguments.json:
                _print_progress(f"{number} of {len(captures)}: {escape_control_chars(capture.event_type)}")
            sent.append(_send(capture, target, webhook, new_id=arguments.new_id))
            if arguments.json:
                print_json(sent[-1].facts())
    except UnreachableError as error:
        unreachable = error
    finally:
        _print_progress("")
    if sent and not arguments.json:
        _print_summary(sent, same_ids=not arguments.new_id, same_signatures=webhook is None)
    if unreachable is not None:
        print_status(f"stopped, {len(captures) - len(sent)} of {len(captures)} without a response: {unreachable}")
        return 1
    return 0 if all(each.response.is_success for each in sent) else 1


def _chosen(captures: list[Capture], arguments: Namespace) -> list[Capture]:
    """Return the deliveries that ``--only``, ``--id`` and ``--line`` choose; raise a UsageError if one chooses none."""
    chosen = captures
    for option, attribute in (("only", "event_type"), ("id", "message_id"), ("line", "number")):
        wanted = getattr(arguments, option)
        if wanted is None:
            continue
        values = [str(getattr(capture, attribute)) for capture in captures]
        found: set[str] = set()
        for each in map(str, wanted):
            matching = {value for value in values if value == each or fnmatchcase(value, each)}
            if not matching:
                existing = ", ".join(escape_control_chars(value[:100]) for value in dict.fromkeys(values) if value)
                raise UsageError(f"--{option}: no delivery matches; the file has {existing[:1000] or 'none'}")
            found |= matching
        chosen = [capture for capture in chosen if str(getattr(capture, attribute)) in found]
    if not chosen:
        raise UsageError("no delivery matches all of --only, --id and --line: use fewer of them")
    return chosen


def _sorted(captures: list[Capture]) -> list[Capture]:
    """Sort oldest first: by arrival or by the signed timestamp, if all have it. Otherwise keep the order."""
    if all(capture.received_at is not None for capture in captures):
        return sorted(captures, key=lambda capture: capture.received_at or 0)
    if all(is_timestamp(capture.timestamp) for capture in captures):
        return sorted(captures, key=lambda capture: int(capture.timestamp))
    return captures


def _can_be_signed(capture: Capture, secrets: list[str] | None, arguments: Namespace) -> bool:
    """Return whether a delivery can be signed and, since that makes any delivery valid, was valid; print why not."""
    if not arguments.new_id and not is_message_id(capture.message_id):
        problem = "it has no message id to sign: --new-id gives it one"
    elif not arguments.resign_forged and (error := _error_on_arrival(capture, secrets)):
        problem = f"it was not valid when it arrived: {error.code}"
        if isinstance(error, SignatureMismatchError):
            problem += "; if it was signed with another secret of yours, pass that too, after the one to sign with"
    else:
        return True
    print_status(f"{capture.place or 'the delivery'} is skipped: {problem}")
    return False


def _error_on_arrival(capture: Capture, secrets: list[str] | None) -> WebhookVerificationError | None:
    """Return why a delivery was not valid when it arrived; if that time is unknown, as of its own timestamp."""
    timestamp = capture.timestamp.strip(" \t")
    own_time = int(timestamp) if is_timestamp(timestamp) else 0
    arrival = own_time if capture.received_at is None else capture.received_at
    try:
        Webhook(secrets, clock=lambda: arrival).verify_signature(capture.headers, capture.body)
    except WebhookVerificationError as error:
        return error
    return None


def _send(capture: Capture, target: Target, webhook: Webhook | None, *, new_id: bool) -> _Sent:
    headers, message_id = end_to_end(capture.headers), capture.message_id
    if webhook is not None:  # sign just before sending: a long file would outlast the tolerance
        signed = webhook.signed_headers(capture.body, message_id=None if new_id else message_id)
        headers = [(name, value) for name, value in headers if name.lower() not in SVIX_HEADERS + WEBHOOK_HEADERS]
        headers += signed.items()
        message_id = signed["svix-id"]
    return _Sent(capture, message_id, target.post(headers, capture.body))


def _print_progress(text: str) -> None:
    if sys.stderr.isatty():
        width = min(70, shutil.get_terminal_size().columns - 1)
        print(f"\r\x1b[K{text[:width]}", end="", file=sys.stderr, flush=True)


def _print_summary(sent: list[_Sent], *, same_ids: bool, same_signatures: bool) -> None:
    failed = [each for each in sent if not each.response.is_success]
    for each in failed:
        place = f"{each.capture.place}: " if each.capture.place else ""
        message_id = escape_control_chars(each.message_id[:100]) or "-"
        response = escape_control_chars(f"{each.response.status} {each.response.first_line}").strip()
        print_wrapped(f"{place}{each.event_type}, {message_id}: {response}")
    print_wrapped(f"{'event type':<40} {'sent':>6} {'median':>9}  responses")
    by_type: dict[str, list[Response]] = {}
    for each in sent:
        by_type.setdefault(each.event_type, []).append(each.response)
    for event_type, responses in by_type.items():
        milliseconds = median(response.seconds for response in responses) * 1000
        statuses = sorted(Counter(response.status for response in responses).items())
        counted = ", ".join(f"{count} x {status}" for status, count in statuses)
        print_wrapped(f"{event_type:<40} {len(responses):>6} {milliseconds:>6.0f} ms  {counted}")
    color = "red" if failed else "green"
    print_wrapped(colorize(f"{len(sent) - len(failed)} of {len(sent)} got a 2xx response", color))
    if same_ids:
        print_wrapped(
            "the ids are the stored ones: an endpoint that handles each event once treats those it knows as "
            "duplicates; --new-id gives fresh ones"
        )
    if same_signatures and failed:
        print_wrapped(
            "the signatures are the stored ones: an endpoint rejects them when they are older than 5 minutes; "
            "--resign signs with your secret"
        )
