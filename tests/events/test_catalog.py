"""Every event and field of Clerk's catalog is in the event classes, with the types of deliveries.

``catalog.json`` contains the facts. When Clerk adds a type or a field, add it there: a test fails and says what is
missing. docs/catalogue.md describes all steps.
"""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from clerk_webhook_verify import events
from clerk_webhook_verify.events import EVENT_TYPES, EventType
from clerk_webhook_verify.testing import sample

CATALOG = json.loads(Path(__file__).with_name("catalog.json").read_text("utf-8"))

#: Schemas whose class has another name. If several have the same class, it contains the fields of all.
CLASS_OF = {
    "EmailEventPayload": "Email",
    "SmsEventPayload": "Sms",
    "PaymentAttemptEventPayload": "PaymentAttempt",
    "SubscriptionEventPayload": "Subscription",
    "BillingSubscriptionItemEventPayload": "SubscriptionItem",
    "BillingSubscriptionItem": "SubscriptionItem",
    "BillingSubscriptionItemEventPlan": "BillingPlan",
    "SessionEventPayload": "Session",
    "WebhookEventPayload": "Event",
    **{name: "Verification" for name in CATALOG["schemas"] if name.startswith("verification_")},
}
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "object": "dict[str, Any]"}

#: Attributes of a class besides the catalog's fields, which must not have these names.
HELPERS = {
    "User": {"primary_email_address", "primary_phone_number", "full_name"},
    "Event": {"data", "raw", "delivery", "message_id", "occurred_at"},
}


def class_of(schema: str) -> str:
    return CLASS_OF.get(schema, schema)


def annotation(json_type: str) -> str:
    if json_type in PLAIN:
        return PLAIN[json_type]
    if json_type.startswith("list["):
        return f"tuple[{annotation(json_type[5:-1])}, ...]"
    (name,) = {class_of(schema) for schema in json_type.split("|")}
    return name


def wanted_fields() -> dict[str, dict[str, str]]:
    """By class and field, the annotation that the catalogue asks for."""
    schemas_of: dict[str, list[dict[str, str]]] = {}
    for schema, its_fields in CATALOG["schemas"].items():
        schemas_of.setdefault(class_of(schema), []).append(its_fields)
    wanted: dict[str, dict[str, str]] = {}
    for name, schemas in schemas_of.items():
        wanted[name] = {}
        for field in {field: None for schema in schemas for field in schema}:
            told = [schema[field].split(" ") for schema in schemas if field in schema]
            (typed,) = {annotation(json_type) for json_type, *_ in told}
            optional = len(told) < len(schemas) or any(marks for _, *marks in told)
            wanted[name][field] = f"{typed} | None" if optional and not typed.startswith("tuple[") else typed
    return wanted


WANTED = wanted_fields()


def spelled(hint: object) -> str:
    """An annotation as the catalogue would write it."""
    return re.sub(r"[\w.]+\.(?=\w)", "", hint.__name__ if type(hint) is type else repr(hint))


def hints_of(cls: type) -> dict[str, str]:
    return {name: spelled(hint) for name, hint in get_type_hints(cls).items()}


@pytest.mark.parametrize("event_type", CATALOG["events"])
def test_every_event_type_of_the_catalogue_has_its_class_and_data(event_type):
    name = "".join(part[0].upper() + part[1:] for part in event_type.split("."))
    assert event_type in EVENT_TYPES, f'add class {name}(Event) with type: Literal["{event_type}"] to its family'
    assert EVENT_TYPES[event_type].__name__ == name
    assert event_type in get_args(EventType), f"add {event_type} to the Literal of its family"
    data = class_of(CATALOG["events"][event_type])
    assert hints_of(EVENT_TYPES[event_type])["data"] == data, f"{name}.data is to be a {data}"
    assert sample(event_type)["type"] == event_type, "add a sample in testing/samples.py"


def test_no_event_type_is_missing_from_the_catalogue():
    assert set(get_args(EventType)) == set(CATALOG["events"])


@pytest.mark.parametrize("name", [name for name in WANTED if name != "Event"])
def test_every_field_of_the_catalogue_is_declared_and_typed(name):
    cls = getattr(events, name)
    has = hints_of(cls)
    wanted = WANTED[name]
    assert not wanted.keys() - has.keys(), f"add these fields to {cls.__module__}.{name}"
    assert not has.keys() - wanted.keys(), f"the catalogue does not know these fields of {cls.__module__}.{name}"
    assert has == wanted, f"{cls.__module__}.{name} has a field of another type"


def test_the_envelope_has_its_fields():
    has = hints_of(events.Event)
    assert has["type"] == WANTED["Event"]["type"]
    assert WANTED["Event"].keys() - has.keys() == {"object"}, "always 'event', so it stays in raw"


@pytest.mark.parametrize("name", HELPERS)
def test_no_field_of_the_catalog_has_the_name_of_a_helper(name):
    taken = HELPERS[name] & WANTED[name].keys()
    assert not taken, f"rename the helper, or {name} hides Clerk's field"
    assert all(
        hasattr(getattr(events, name), helper) or helper in {"data", "raw", "delivery"} for helper in HELPERS[name]
    )


@pytest.mark.parametrize("name", [name for name in WANTED if name != "Event"])
def test_no_field_of_the_catalog_has_the_name_of_a_method(name):
    *_, base, _, _ = getattr(events, name).__mro__  # above it are only the class of all records and object
    methods = set(dir(base))
    assert "from_dict" in methods
    assert not methods & WANTED[name].keys()


@pytest.mark.parametrize("name", WANTED)
def test_exactly_the_optional_fields_have_a_default(name):
    for field in fields(getattr(events, name)):
        if name == "Event" and field.name in HELPERS["Event"]:
            continue
        typed = hints_of(getattr(events, name))[field.name]
        optional = typed.endswith("| None")
        if not typed.startswith("tuple["):
            assert (field.default is None) is optional, f"{name}.{field.name}"


def check_value(value: object, annotation: str, where: str) -> None:
    """Compare a value of a sample with a field's annotation."""
    if annotation.endswith(" | None"):
        if value is None:
            return
        annotation = annotation.removesuffix(" | None")
    if annotation.startswith("tuple["):
        assert isinstance(value, list), where
        for item in value:
            check_value(item, annotation[len("tuple[") : -len(", ...]")], where)
    elif annotation in {"str", "int", "float", "bool"}:
        assert type(value).__name__ == annotation, where
    elif annotation == "dict[str, Any]":
        assert isinstance(value, dict), where
    else:
        wanted = WANTED[annotation]
        assert value.keys() <= wanted.keys(), where
        required = {name for name, typed in wanted.items() if not typed.endswith("| None") and typed[:6] != "tuple["}
        assert required <= value.keys(), where
        for name, inner in value.items():
            check_value(inner, wanted[name], f"{where}.{name}")


@pytest.mark.parametrize("event_type", CATALOG["events"])
def test_every_sample_has_what_the_catalogue_requires_in_the_types_that_it_says(event_type):
    payload = sample(event_type)
    check_value(payload["data"], class_of(CATALOG["events"][event_type]), event_type)
    check_value(payload["event_attributes"], "EventAttributes", event_type)
    assert payload.keys() == {"data", "event_attributes", "instance_id", "object", "timestamp", "type"}
