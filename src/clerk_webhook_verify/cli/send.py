"""``send``: send signed samples to your endpoint."""

from __future__ import annotations

import json
import time
from argparse import ArgumentParser, Namespace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any, get_args

from ..testing import Fault, SignedRequest, sample, signed_request
from ..testing.samples import SAMPLES
from ._http import USER_AGENT, Response, UnreachableError, add_target_options, check_plain_http, target_from_args
from ._options import (
    UsageError,
    add_secret_options,
    file_argument,
    message_id_argument,
    read_file,
    secrets_from_args,
)
from ._terminal import colorize, escape_control_chars, print_json, print_status, print_wrapped
from .events import sample_of_type


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


def run(arguments: Namespace) -> int:
    """Sign, send, and print the responses."""
    target = target_from_args(arguments)
    check_plain_http(target, arguments)
    payloads = _payloads_from_args(arguments)
    requests = _signed(payloads, arguments)
    all_accepted = True
    for number, (payload, request) in enumerate(zip(payloads, requests, strict=True)):
        event_type = payload["type"] if isinstance(payload, dict) and len(payloads) > 1 else ""
        response, problem = None, None
        try:
            response = target.post([USER_AGENT, *request.headers.items()], request.body)
        except UnreachableError as error:
            problem = str(error)
        is_accepted = response is not None and response.is_success
        all_accepted &= is_accepted
        if arguments.json:
            facts = {
                "ok": is_accepted,
                "message_id": request.headers.get("svix-id"),
                "status": response and response.status,
                "seconds": response and round(response.seconds, 4),
                "answer": response and response.first_line,
                "error": problem,
            }
            print_json({"type": event_type, **facts} if event_type else facts)
        elif response is not None:
            column = f"{escape_control_chars(event_type):<40} " if event_type else ""
            print_wrapped(f"{column}{_line(response)}", indent=2)
        else:
            stopped = f"stopped, {len(payloads) - number} of {len(payloads)} without a response: "
            print_status(f"{stopped if event_type else ''}{problem}")
        if response is None:
            break
    return 0 if all_accepted else 1


def _signed(payloads: list[Any], arguments: Namespace) -> list[SignedRequest]:
    if arguments.id is not None and len(payloads) > 1:
        raise UsageError("--id goes with one delivery: several with the same id are duplicates")
    secrets = secrets_from_args(arguments)
    try:
        return [
            signed_request(payload, secret=secrets, message_id=arguments.id, fault=arguments.fault)
            for payload in payloads
        ]
    except (UnicodeEncodeError, RecursionError):
        raise UsageError("--set takes text for UTF-8, and JSON that is not nested too deeply") from None
    except ValueError:
        raise UsageError(f"--fault {arguments.fault} goes with a payload that is JSON") from None


def _line(response: Response) -> str:
    status = colorize(str(response.status), "green" if response.is_success else "red")
    line = f": {escape_control_chars(response.first_line)}" if response.first_line else ", with an empty body"
    return f"{status} in {response.seconds:.3f} s{line}"


def _payloads_from_args(arguments: Namespace) -> list[Any]:
    """Return the events, or the one body of ``--payload`` in bytes."""
    if arguments.payload is not None:
        if arguments.type or arguments.set or arguments.all:
            raise UsageError("--payload is sent unchanged: --type, --all and --set go with a sample, without --payload")
        return [read_file(arguments.payload, "--payload")]
    if arguments.type and arguments.all:
        raise UsageError("--all sends every event type: leave out --type")
    patterns = ["*"] if arguments.all else arguments.type or ["user.created"]
    payloads = [payload for pattern in patterns for payload in _events(pattern)]
    for payload in payloads:
        for change in arguments.set:
            _set(payload, change)
    return payloads


def _events(pattern: str) -> list[dict[str, Any]]:
    """Return samples of the types that match; for an unknown type an event without data, unless it seems misspelled."""
    if any(char in pattern for char in "*?["):
        matching = [event_type for event_type in SAMPLES if fnmatchcase(event_type, pattern)]
        if not matching:
            raise UsageError("no event type matches the pattern of --type: see clerk-webhook-verify events --plain")
        return [sample_of_type(event_type) for event_type in matching]
    if not pattern or get_close_matches(pattern, SAMPLES, cutoff=0.85):
        return [sample_of_type(pattern)]
    print_status(f"{escape_control_chars(pattern)} is not an event type that this version knows: its data is empty")
    return [{"data": {}, "object": "event", "timestamp": int(time.time() * 1000), "type": pattern}]


def _set(payload: dict[str, Any], change: str) -> None:
    """Change one field of the payload's data: ``public_metadata.plan=pro``."""
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
    try:
        value = json.loads(text, parse_constant=str)  # NaN and Infinity are not JSON
    except (ValueError, RecursionError):
        value = text
    container[_key_in(container, path[-1], path[:-1])] = value


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
