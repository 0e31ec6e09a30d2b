"""``send``: send a signed sample to your endpoint."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from typing import Any, NoReturn

from ..testing import sample, signed_request
from ._http import USER_AGENT, Target, UnreachableError
from ._options import UsageError, add_secret_options, check_no_secret, read_input, secrets_from_args
from ._terminal import colorize, escape_control_chars, print_json, print_result, print_status
from .events import known_type


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Sends a signed sample, or a payload of your own, and prints the status, the time and the answer's first\n"
        "line. Exit code 0: the answer is 2xx. No redirect is followed: Clerk's sender follows none either."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk --set first_name=Grace --set public_metadata.plan=pro
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk --type organization.created --set 'name="42"'
  clerk-webhook-verify send http://localhost:3000/webhooks/clerk --payload @body.json"""
    parser.add_argument("url", metavar="URL", help="of the endpoint, http or https")
    parser.add_argument("--type", metavar="T", help="the event type of the sample (default: user.created)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field of the sample's data: dots go deeper, numbers index lists, "
        "the value is JSON where it can be read as JSON, else text; may be repeated",
    )
    parser.add_argument("--payload", metavar="@FILE|-", help="send this body, byte for byte, instead of a sample")
    add_secret_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: Namespace) -> int:
    """Sign, send, and print the answer."""
    target = Target(arguments.url)
    payload = _payload_from_args(arguments)
    try:
        request = signed_request(payload, secret=secrets_from_args(arguments))
    except (UnicodeEncodeError, RecursionError):
        raise UsageError("--set takes text that UTF-8 can hold, and JSON that is not nested without end") from None
    result = {"ok": False, "message_id": request.headers["svix-id"], "status": None, "seconds": None, "answer": None}
    try:
        answer = target.post([USER_AGENT, *request.headers.items()], request.body)
    except UnreachableError as error:
        if arguments.json:
            print_json({**result, "error": str(error)})
        else:
            print_status(str(error))
        return 1
    accepted = answer.is_success
    if arguments.json:
        result.update(ok=accepted, status=answer.status, seconds=round(answer.seconds, 4), answer=answer.first_line)
        print_json({**result, "error": None})
    else:
        status = colorize(str(answer.status), "green" if accepted else "red")
        line = f": {escape_control_chars(answer.first_line)}" if answer.first_line else ", with an empty body"
        print_result(f"{status} in {answer.seconds:.3f} s{line}")
    return 0 if accepted else 1


def sample_of_type(event_type: str) -> dict[str, Any]:
    """Return the sample of an event type.

    Raises:
        UsageError: The type is unknown. The message lists similar types.
    """
    return sample(known_type(event_type))  # type: ignore[arg-type]


def _payload_from_args(arguments: Namespace) -> dict[str, Any] | bytes:
    if arguments.payload is not None:
        if arguments.type is not None or arguments.set:
            raise UsageError("--payload is sent as it is: --type and --set go with a sample, without --payload")
        return read_input(arguments.payload, "--payload")
    payload = sample_of_type("user.created" if arguments.type is None else arguments.type)
    for change in arguments.set:
        _set(payload, change)
    return payload


def _set(payload: dict[str, Any], change: str) -> None:
    """Change one field of the payload's data: ``public_metadata.plan=pro``."""
    check_no_secret(change, "--set")
    name, equals, text = change.partition("=")
    if not equals:
        raise UsageError("--set takes FIELD=VALUE, as in first_name=Grace or public_metadata.plan=pro")
    path = name.split(".")
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
    """Return the key or index that *step* of a dotted name means in *container*, which is at *path*."""
    if isinstance(container, dict):
        return step
    where = escape_control_chars(".".join(path))
    if not container or not isinstance(container, list):
        raise UsageError(f"--set: {where} has nothing inside that could be changed: set it as a whole, as JSON")
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
