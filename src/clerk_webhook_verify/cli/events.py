"""``events``: the types with their fields, or one sample."""

from __future__ import annotations

import json
from difflib import get_close_matches

from .._samples import sample_payload
from ..events._catalog import EVENTS, load
from ._options import UsageError, check_no_secret
from ._terminal import escaped, show, show_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """Bring the command's own options."""
    parser.description = "Lists the event types with the fields of their data, or prints a sample of one."
    parser.epilog = """\
examples:
  clerk-webhook-verify events
  clerk-webhook-verify events user.created > body.json"""
    parser.add_argument("type", nargs="?", metavar="TYPE", help="print a sample payload of this type, as JSON")
    parser.add_argument("--json", action="store_true", help="without TYPE: one JSON object, type to fields")


def run(arguments: Namespace) -> int:
    """Print the list, or the sample."""
    if arguments.type is not None:
        show(json.dumps(sample_payload(known_type(arguments.type)), indent=2))
        return 0
    fields = {event_type: _fields(class_name) for event_type, (_, class_name) in EVENTS.items()}
    if arguments.json:
        show_json(fields)
        return 0
    for event_type, names in fields.items():
        show(event_type)
        show(f"    {', '.join(names)}")
    return 0


def known_type(event_type: str) -> str:
    """Pass a type that this version knows.

    Raises:
        UsageError: It does not; names those that come near.
    """
    check_no_secret(event_type, "the event type")
    if event_type not in EVENTS:
        near = get_close_matches(event_type, EVENTS, 3, 0.5)
        hint = f": did you mean {' or '.join(near)}?" if near else ": see clerk-webhook-verify events"
        raise UsageError(f"no event type {escaped(event_type)!r} is known{hint}")
    return event_type


def _fields(class_name: str) -> list[str]:
    data_class = load(class_name).__annotations__["data"]
    return list(load(data_class).__annotations__)
