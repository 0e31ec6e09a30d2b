"""List the event types and fields that Clerk publishes and the event classes lack.

    python tests/proof/catalog/compare.py --openapi 2025-04-15.yml --npm clerk-backend-3.25.0.tgz

The OpenAPI description is webhooks/2025-04-15.yml in https://github.com/clerk/openapi-specs, the tarball is what
`npm pack @clerk/backend` downloads. Read both: a field can appear in one of them weeks before the other.

Exit code 0: nothing is missing. 1: something is missing. 2: an input cannot be used.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

sys.path.insert(0, str(Path(__file__).parents[2]))

from proof.catalog.sources import Source, UnusableSourceError, read_npm_package, read_openapi

from clerk_webhook_verify.events import EVENT_TYPES, Event

#: Deliberate differences: an object of the source, the class with or without a field -> the reason.
ALLOWED = {
    ("WebhookEventPayload", "Event.object"): "is always 'event', and stays in raw",
    ("Webhook", "Event.object"): "is always 'event', and stays in raw",
    ("RoleJSON", "DeletedObject"): "role.deleted has a DeletedObject in the OpenAPI description and in its example",
    ("PermissionJSON", "DeletedObject"): "permission.deleted likewise",
    ("ClerkResourceJSON", "Verification.id"): "the base of all objects in the npm package, but no delivery has it here",
    ("ClerkResourceJSON", "IdentificationLink.object"): "likewise",
    ("ClerkResourceJSON", "EnterpriseAccountConnection.object"): "likewise",
    ("ClerkResourceJSON", "OrganizationInvitationPublicOrganizationData.object"): "likewise",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print one line for each difference, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--openapi", type=Path, metavar="FILE", help="OpenAPI description, as JSON or YAML")
    parser.add_argument("--npm", type=Path, metavar="PATH", help="@clerk/backend: its tarball or extracted folder")
    options = parser.parse_args(arguments)
    if options.openapi is None and options.npm is None:
        parser.error("pass --openapi, --npm or both")
    try:
        sources = []
        if options.openapi is not None:
            sources.append(read_openapi(options.openapi))
        if options.npm is not None:
            sources.append(read_npm_package(options.npm))
    except UnusableSourceError as error:
        print(error, file=sys.stderr)
        return 2
    for source in sources:
        print(f"{source.name} declares {len(source.events)} event types", file=sys.stderr)
        if not source.events:
            return 2
    missing = [line for source in sources for line in compare(source)]
    for line in missing:
        print(line)
    return 1 if missing else 0


def compare(source: Source) -> list[str]:
    """Return one line for each event type and field that *source* declares and the event classes lack."""
    lines: list[str] = []
    compared: set[tuple[str, type]] = set()
    for event_type in sorted(source.events):
        if event_type in EVENT_TYPES:
            lines += _missing_fields(source, event_type, EVENT_TYPES[event_type], compared)
        else:
            lines.append(f"there is no class for {event_type}")
    return [f"{source.name}: {line}" for line in dict.fromkeys(lines)]


def _missing_fields(source: Source, name: str, cls: type, compared: set[tuple[str, type]]) -> Iterator[str]:
    """Compare an object of *source* with the class, and the objects in its fields with their classes."""
    owner = "Event" if issubclass(cls, Event) else cls.__name__
    if (name, cls) in compared or (name, owner) in ALLOWED:
        return
    compared.add((name, cls))
    known = {field.name for field in fields(cls)}
    hints = get_type_hints(cls)
    for field_name, field in source.objects[name].fields.items():
        if field_name not in known:
            if (name, f"{owner}.{field_name}") not in ALLOWED:
                yield f"{owner} lacks {field.declaration}  (in {name})"
            continue
        for inner_class in _data_classes(hints[field_name]):
            inner_names = sorted(field.objects & source.objects.keys())
            if not inner_names:
                yield f"{owner}.{field_name}: no fields are declared for {field.declaration}  (in {name})"
            for inner_name in inner_names:
                yield from _missing_fields(source, inner_name, inner_class, compared)
    for base in sorted(source.objects[name].extends):
        if base in source.objects:
            yield from _missing_fields(source, base, cls, compared)
        else:
            yield f"{owner}: no fields are declared for {base}  (in {name})"


def _data_classes(annotation: Any) -> list[type]:
    """Return the data classes in an annotation, such as ``User | None`` or ``tuple[EmailAddress, ...]``."""
    if isinstance(annotation, type) and is_dataclass(annotation):
        return [annotation]
    return [cls for argument in get_args(annotation) for cls in _data_classes(argument)]


if __name__ == "__main__":
    sys.exit(main())
