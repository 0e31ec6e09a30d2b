"""``send``: send signed samples to your endpoint."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, NoReturn, get_args

from ..testing import Fault, SignedRequest, sample, signed_request
from ..testing.samples import SAMPLES
from ._http import (
    USER_AGENT,
    Response,
    UnreachableError,
    add_target_options,
    check_plain_http,
    target_from_args,
)
from ._options import (
    UsageError,
    add_secret_options,
    check_no_secret,
    file_argument,
    message_id_argument,
    read_file,
    secrets_from_args,
)
from ._terminal import colorize, escape_control_chars, print_json, print_status, print_wrapped
from .events import known_type


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Sends a signed sample, or your payload, and prints the status, the time and the response's first line.\n"
        "Exit code 0: each response is 2xx. Redirects are not followed, as by Clerk's sender."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk --set first_name=Grace --set public_metadata.plan=pro
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk --type organization.created --set 'name="42"'
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk --type 'user.*' --type session.created
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk --fault stale
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk --payload body.json"""
    add_target_options(parser)
    parser.add_argument(
        "--type",
        "--only",
        action="append",
        metavar="T",
        help="the event type of the sample (default: user.created), a pattern such as 'user.*', or a type that this "
        "version does not know; may be repeated",
    )
    parser.add_argument("--all", action="store_true", help="a sample of every event type")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field of the sample's data: dots go deeper, numbers index lists, the value is JSON if it can be "
        "parsed, otherwise text; may be repeated",
    )
    parser.add_argument(
        "--payload", type=file_argument, metavar="FILE|-", help="send this body, byte for byte, instead of a sample"
    )
    parser.add_argument(
        "--id", type=message_id_argument, metavar="MSG", help="the message id (default: a new one for each)"
    )
    parser.add_argument(
        "--fault",
        choices=get_args(Fault),
        metavar="F",
        help=f"the fault of the delivery, which your endpoint must reject: {', '.join(get_args(Fault))}",
    )
    add_secret_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object per delivery")


class _Delivery(NamedTuple):
    event_type: str
    request: SignedRequest


def run(arguments: Namespace) -> int:
    """Sign, send, and print the responses."""
    target = target_from_args(arguments)
    check_plain_http(target, arguments)
    deliveries = _deliveries_from_args(arguments)
    all_accepted = True
    for number, delivery in enumerate(deliveries):
        event_type = delivery.event_type if len(deliveries) > 1 else ""
        try:
            response = target.post([USER_AGENT, *delivery.request.headers.items()], delivery.request.body)
        except UnreachableError as error:
            if arguments.json:
                print_json(_facts(delivery, event_type, None, str(error)))
            else:
                stopped = f"stopped, {len(deliveries) - number} of {len(deliveries)} without a response: "
                print_status(f"{stopped if event_type else ''}{error}")
            return 1
        all_accepted &= response.is_success
        if arguments.json:
            print_json(_facts(delivery, event_type, response, None))
        else:
            column = f"{escape_control_chars(event_type):<40} " if event_type else ""
            print_wrapped(f"{column}{_line(response)}", indent=2)
    return 0 if all_accepted else 1


def _facts(delivery: _Delivery, event_type: str, response: Response | None, error: str | None) -> dict[str, object]:
    return {
        **({"type": event_type} if event_type else {}),
        "ok": response is not None and response.is_success,
        "message_id": delivery.request.headers.get("svix-id"),
        "status": response and response.status,
        "seconds": response and round(response.seconds, 4),
        "answer": response and response.first_line,
        "error": error,
    }


def _line(response: Response) -> str:
    status = colorize(str(response.status), "green" if response.is_success else "red")
    line = f": {escape_control_chars(response.first_line)}" if response.first_line else ", with an empty body"
    return f"{status} in {response.seconds:.3f} s{line}"


def _deliveries_from_args(arguments: Namespace) -> list[_Delivery]:
    payloads = _payloads_from_args(arguments)
    if arguments.id is not None and len(payloads) > 1:
        raise UsageError("--id goes with one delivery: several with the same id are duplicates")
    secrets = secrets_from_args(arguments)
    try:
        return [
            _Delivery(
                payload["type"] if isinstance(payload, dict) else "",
                signed_request(payload, secret=secrets, message_id=arguments.id, fault=arguments.fault),
            )
            for payload in payloads
        ]
    except (UnicodeEncodeError, RecursionError):
        raise UsageError("--set takes text for UTF-8, and JSON that is not nested too deeply") from None
    except ValueError:
        raise UsageError(f"--fault {arguments.fault} goes with a payload that is JSON") from None


def sample_of_type(event_type: str) -> dict[str, Any]:
    """Return the sample of an event type; raise a UsageError if it is unknown."""
    return sample(known_type(event_type))  # type: ignore[arg-type]


def _payloads_from_args(arguments: Namespace) -> list[dict[str, Any]] | list[bytes]:
    if arguments.payload is not None:
        if arguments.type or arguments.set or arguments.all:
            raise UsageError("--payload is sent unchanged: --type, --all and --set go with a sample, without --payload")
        return [read_file(arguments.payload, "--payload")]
    if arguments.type and arguments.all:
        raise UsageError("--all sends every event type: leave out --type")
    patterns = ["*"] if arguments.all else arguments.type or ["user.created"]
    types = [event_type for pattern in patterns for event_type in _types(pattern)]
    payloads = [sample_of_type(each) if each in SAMPLES else _unknown_event(each) for each in types]
    for payload in payloads:
        for change in arguments.set:
            _set(payload, change)
    return payloads


def _types(pattern: str) -> list[str]:
    """Return the event types that match a pattern, or a type without wildcards unless it seems misspelled."""
    if any(char in pattern for char in "*?["):
        check_no_secret(pattern, "the event type")
        matching = [event_type for event_type in SAMPLES if fnmatchcase(event_type, pattern)]
        if not matching:
            raise UsageError("no event type matches the pattern of --type: see clerk-webhook-verify events --plain")
        return matching
    if not pattern or "whsec_" in pattern or get_close_matches(pattern, SAMPLES, cutoff=0.85):
        return [known_type(pattern)]
    return [pattern]


def _unknown_event(event_type: str) -> dict[str, Any]:
    print_status(f"{escape_control_chars(event_type)} is not an event type that this version knows: its data is empty")
    return {"data": {}, "object": "event", "timestamp": int(time.time() * 1000), "type": event_type}


def _set(payload: dict[str, Any], change: str) -> None:
    """Change one field of the payload's data: ``public_metadata.plan=pro``."""
    check_no_secret(change, "--set")
    name, equals, text = change.partition("=")
    if not equals:
        raise UsageError("--set takes FIELD=VALUE, as in first_name=Grace or public_metadata.plan=pro")
    path = name.split(".")
    if payload["type"] in SAMPLES:
        try:
            sample(payload["type"], **{path[0]: None})  # rejects an unknown field
        except TypeError as error:
            raise UsageError(f"--set: {error}; clerk-webhook-verify events lists all") from None
    container = payload["data"]
    for depth, step in enumerate(path[:-1]):
        key = _key_in(container, step, path[:depth])
        container = container.setdefault(key, {}) if isinstance(container, dict) else container[key]
    container[_key_in(container, path[-1], path[:-1])] = _parse_value(text)


def _key_in(container: Any, step: str, path: list[str]) -> str | int:
    """Return the key or index for one *step* of a dotted name in *container*, which is at *path*."""
    if isinstance(container, dict):
        return step
    where = escape_control_chars(".".join(path))
    if not container or not isinstance(container, list):
        raise UsageError(f"--set: {where} has no fields: set it as a whole, as JSON")
    numbers = [str(number) for number in range(len(container))]
    if step not in numbers:
        raise UsageError(f"--set: the entries of {where} are numbered {', '.join(numbers)}")
    return int(step)


def _parse_value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_reject_constant)
    except (ValueError, RecursionError):
        return text


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError  # Python accepts NaN and Infinity, JSON does not
