"""``events``: list the event types with their fields, or print a sample of one."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import fields
from typing import Any, get_type_hints

from ..events import EVENT_TYPES
from ..testing import did_you_mean
from ..testing.samples import SAMPLES, sample_payload
from ._options import UsageError
from ._terminal import escape_control_chars, print_json, print_result, print_wrapped


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = "Lists the event types with the fields of their data, or prints a sample of one."
    parser.epilog = """\
examples:
  clerk-webhook-verify events
  clerk-webhook-verify events --plain | grep invitation
  clerk-webhook-verify events user.created > body.json"""
    parser.add_argument("event_type", nargs="?", metavar="TYPE", help="print a sample payload of this type, as JSON")
    parser.add_argument("--type", "--only", metavar="TYPE", help="the same as TYPE")
    parser.add_argument("--plain", action="store_true", help="only the types, one per line")
    parser.add_argument("--json", action="store_true", help="one JSON object, type to fields")


def run(arguments: Namespace) -> int:
    """Print the list, or the sample."""
    types = [each for each in (arguments.event_type, arguments.type) if each is not None]
    if len(types) + arguments.plain + arguments.json > 1:
        raise UsageError("pass one of TYPE, --type TYPE, --plain and --json")
    if types:
        print_result(json.dumps(sample_of_type(types[0]), indent=2))
        return 0
    if arguments.plain:
        print_result("\n".join(SAMPLES))
        return 0
    data_classes = {event_type: get_type_hints(EVENT_TYPES[event_type])["data"] for event_type in SAMPLES}
    names = {event_type: [field.name for field in fields(cls)] for event_type, cls in data_classes.items()}
    if arguments.json:
        print_json(names)
        return 0
    for event_type, field_names in names.items():
        print_result(event_type)
        print_wrapped(f"    {', '.join(field_names)}", indent=4)
    return 0


def sample_of_type(event_type: str) -> dict[str, Any]:
    """Return the sample of an event type; raise a UsageError with similar types if it is unknown."""
    if event_type not in SAMPLES:
        hint = did_you_mean(event_type, SAMPLES) or ": see clerk-webhook-verify events"
        raise UsageError(f"no event type {escape_control_chars(event_type)!r} is known{hint}")
    return sample_payload(event_type)
