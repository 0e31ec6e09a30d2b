"""Does every authentic event come through typed, whatever is in it?"""

import copy
import dataclasses
import inspect
import json
import pickle
import sys
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import get_args
from unittest.mock import ANY

import pytest
from helpers.signer import MESSAGE_ID, NOW, SECRET, now, signed_headers
from helpers.strategies import JSON
from hypothesis import given, strategies as st

from clerk_webhook_verify import Event, UnknownEvent, Webhook, events
from clerk_webhook_verify.events import (
    DeletedObject,
    EmailAddress,
    IdentificationLink,
    Organization,
    OrganizationMembership,
    Record,
    Session,
    SessionCreated,
    User,
    UserCreated,
    UserDeleted,
    Verification,
)
from clerk_webhook_verify.testing.samples import sample_payload

webhook = Webhook(SECRET, clock=now)
USER_FIELDS = [field.name for field in dataclasses.fields(User)]


def receive(payload: dict) -> Event:
    body = json.dumps(payload).encode()
    return webhook.verify(signed_headers(body), body)


def user_created(**data: object) -> UserCreated:
    event = receive({"type": "user.created", "data": data})
    assert isinstance(event, UserCreated)
    return event


@pytest.mark.parametrize("event_type", get_args(events.EventType))
def test_every_type_arrives_as_the_class_named_after_it(event_type):
    payload = sample_payload(event_type)
    event = receive(payload)
    resource, what = event_type.split(".")
    assert type(event).__name__ == resource[0].upper() + resource[1:] + what[0].upper() + what[1:]
    assert type(event) is getattr(events, type(event).__name__)
    assert dataclasses.is_dataclass(event.data)
    assert event.raw == payload
    assert event.type == event_type


@pytest.mark.parametrize("event_type", get_args(events.EventType))
def test_no_field_of_a_sample_stays_behind_in_raw(event_type):
    def check(value: object, raw: object) -> None:
        if dataclasses.is_dataclass(value):
            assert raw.keys() <= vars(value).keys()
            for name, sent in raw.items():
                check(getattr(value, name), sent)
        elif isinstance(value, tuple):
            assert len(value) == len(raw)
            for each, sent in zip(value, raw, strict=True):
                check(each, sent)
        else:
            assert value == raw

    payload = sample_payload(event_type)
    check(receive(payload).data, payload["data"])


class TestTheEnvelope:
    def test_an_event_has_the_fields_of_its_envelope(self):
        event = receive(sample_payload("user.created"))
        assert event.message_id == event.delivery.message_id == MESSAGE_ID
        assert event.delivery.timestamp == NOW
        assert event.timestamp == 1_760_000_001_234
        assert event.instance_id == "ins_2mXjQ9LrKs4yXbTc0DfE6hVnUiO"
        assert event.event_attributes.http_request.client_ip == "203.0.113.7"
        assert event.event_attributes.http_request.user_agent.startswith("Mozilla/5.0")

    def test_an_event_may_lack_the_fields_of_its_envelope(self):
        event = receive({"type": "user.deleted", "data": {}})
        assert (event.timestamp, event.instance_id, event.event_attributes) == (None, None, None)

    @pytest.mark.parametrize("odd", [None, 5, "x", [], {}, {"http_request": 5}])
    def test_keeps_unexpected_values_unchanged(self, odd):
        event = receive({"type": "x", "data": {}, "timestamp": odd, "instance_id": odd, "event_attributes": odd})
        assert event.timestamp == odd
        assert event.instance_id == odd
        assert event.raw["event_attributes"] == odd

    def test_an_event_of_an_unknown_type_has_a_dict_as_data(self):
        event = receive({"type": "invitation.created", "data": {"id": "inv_1"}})
        assert type(event) is UnknownEvent
        assert event.data == {"id": "inv_1"}
        assert event.data is event.raw["data"]

    @pytest.mark.parametrize(
        "event_type", ["os.path", "User", "UserCreated", "_user", "__init__", "..errors", "user.created "]
    )
    def test_an_event_type_cannot_name_an_attribute_of_the_library(self, event_type):
        assert type(receive({"type": event_type, "data": {}})) is UnknownEvent


class TestData:
    def test_objects_and_lists_of_objects_are_typed(self):
        user = receive(sample_payload("user.created")).data
        assert isinstance(user, User)
        private, main = user.email_addresses
        assert isinstance(main, EmailAddress)
        assert main.email_address == "ada@example.com"
        assert isinstance(main.verification, Verification)
        assert main.linked_to == (IdentificationLink(type="oauth_google", id="idn_2mXk9H6nBd1xCyKm4SoTgVwQfUj"),)
        assert private.linked_to == ()
        assert user.external_accounts[0].verification.strategy == "oauth_google"

    def test_absent_and_null_are_none_or_the_empty_tuple(self):
        absent, null = user_created().data, user_created(first_name=None, email_addresses=None, scim=None).data
        assert absent == null
        assert (absent.id, absent.first_name, absent.public_metadata, absent.scim) == (None, None, None, None)
        assert (absent.email_addresses, absent.phone_numbers) == ((), ())

    def test_typed_lists_are_tuples_also_of_plain_values(self):
        membership = user_created(
            organization_memberships=[{"permissions": ["org:a"], "organization": {"id": "org_1"}}]
        )
        (membership,) = membership.data.organization_memberships
        assert isinstance(membership, OrganizationMembership)
        assert isinstance(membership.organization, Organization)
        assert membership.permissions == ("org:a",)
        assert membership.organization.id == "org_1"

    def test_a_session_contains_a_typed_user(self):
        session = receive(sample_payload("session.created"))
        assert isinstance(session, SessionCreated)
        assert isinstance(session.data, Session)
        assert isinstance(session.data.user, User)
        assert session.data.user.email_addresses[1].email_address == "ada@example.com"

    def test_unknown_keys_are_only_in_raw(self):
        event = user_created(id="user_1", shoe_size=44, email_addresses=[{"id": "idn_1", "color": "red"}])
        assert event.raw["data"]["shoe_size"] == 44
        assert event.raw["data"]["email_addresses"][0]["color"] == "red"
        assert vars(event.data).keys() == set(USER_FIELDS)
        assert vars(event.data.email_addresses[0]).keys() == {field.name for field in dataclasses.fields(EmailAddress)}
        assert event.data == user_created(id="user_1", email_addresses=[{"id": "idn_1"}]).data

    @pytest.mark.parametrize("odd", [0, 0.5, "", "x", True, False, {}, {"x": 1}, [], [1], [None], [[]], [{}]])
    def test_a_value_of_another_type_is_kept_unchanged(self, odd):
        data = user_created(id=odd, email_addresses=odd, scim=odd, public_metadata=odd).data
        assert data.id == odd
        assert data.public_metadata == odd
        if not isinstance(odd, list):
            assert data.email_addresses == odd
        elif odd != [{}]:
            assert data.email_addresses == tuple(odd)
        if not isinstance(odd, dict):
            assert data.scim == odd

    @pytest.mark.parametrize(
        "key",
        ["__class__", "__dict__", "__reduce_ex__", "__eq__", "self", "raw", "from", "class", "data", "", "a-b", "é"],
    )
    def test_keys_named_like_pythons_own_change_nothing(self, key):
        event = user_created(**{"id": "user_1", key: {"id": "x"}})
        assert type(event.data) is User
        assert event.data == user_created(id="user_1").data
        assert pickle.loads(pickle.dumps(event)) == event
        receive({"type": "user.created", "data": {}} | {key: {}} if key != "data" else {"type": "x", "data": {}})

    @given(
        st.dictionaries(
            st.sampled_from(USER_FIELDS),
            JSON | st.lists(st.dictionaries(st.text(), JSON, max_size=3), max_size=3),
            max_size=5,
        )
    )
    def test_any_value_in_any_field_comes_through(self, data):
        event = user_created(**data)
        assert event.raw["data"] == data
        assert vars(event.data).keys() == set(USER_FIELDS)

    def test_deep_nesting_comes_through_anywhere(self):
        deep: object = {}
        for _ in range(200):
            deep = {"x": [deep]}
        event = user_created(
            public_metadata=deep, email_addresses=[deep], organization_memberships=[{"organization": deep}]
        )
        assert event.data.public_metadata == event.raw["data"]["public_metadata"] == deep
        assert isinstance(event.data.organization_memberships[0].organization, Organization)

    def test_a_hundred_thousand_unknown_keys_and_fifty_thousand_addresses(self):
        """Linear time is the benchmark's matter; here it is about the result."""
        event = user_created(**{f"key{number}": 0 for number in range(100_000)}, email_addresses=[{"id": "a"}] * 50_000)
        assert len(event.data.email_addresses) == 50_000
        assert len(vars(event.data)) == len(USER_FIELDS)


class TestTimes:
    @pytest.mark.parametrize(
        ("timestamp", "moment"),
        [
            (1_760_000_001_234, datetime(2025, 10, 9, 8, 53, 21, 234_000, tzinfo=timezone.utc)),
            (1_760_000_001, datetime(2025, 10, 9, 8, 53, 21, tzinfo=timezone.utc)),
            (0, datetime(1970, 1, 1, tzinfo=timezone.utc)),
            (-1, datetime(1969, 12, 31, 23, 59, 59, tzinfo=timezone.utc)),
            (99_999_999_999, datetime(5138, 11, 16, 9, 46, 39, tzinfo=timezone.utc)),
            (-1_000_000_000_000, datetime(1938, 4, 24, 22, 13, 20, tzinfo=timezone.utc)),
            (100_000_000_000, datetime(1973, 3, 3, 9, 46, 40, tzinfo=timezone.utc)),
        ],
    )
    def test_seconds_and_milliseconds_are_distinguished_by_magnitude(self, timestamp, moment):
        assert events.as_datetime(timestamp) == moment
        assert events.as_datetime(timestamp).tzinfo is timezone.utc
        assert receive({"type": "x", "data": {}, "timestamp": timestamp}).occurred_at == moment

    @pytest.mark.parametrize("timestamp", [None, "1760000001", True, [], 10**18, -(10**18), 10**400])
    def test_an_invalid_timestamp_is_an_error_or_none(self, timestamp):
        told = "must be in the years" if type(timestamp) is int else f"must be an int, not {type(timestamp).__name__}"
        with pytest.raises((TypeError, ValueError), match=told) as caught:
            events.as_datetime(timestamp)
        assert caught.value.__context__ is None or caught.value.__suppress_context__
        assert receive({"type": "x", "data": {}, "timestamp": timestamp}).occurred_at is None


class TestAsValues:
    event = receive(sample_payload("user.created"))

    def test_equal_content_is_equal(self):
        again = receive(sample_payload("user.created"))
        assert again == self.event
        assert again.data == self.event.data
        assert again != receive(sample_payload("user.updated"))
        assert again.data != self.event.data.email_addresses[0]
        assert self.event.data != user_created(id="user_1").data

    def test_another_type_is_equal_only_if_its_own_eq_returns_true(self):
        data = self.event.data
        assert data != SimpleNamespace(**vars(data))
        assert data != 5
        assert data == ANY

    def test_events_of_different_deliveries_can_be_equal(self):
        body = json.dumps(sample_payload("user.created")).encode()
        retry = webhook.verify(signed_headers(body, timestamp=NOW + 5), body)
        assert retry == self.event
        assert retry.delivery != self.event.delivery

    @pytest.mark.parametrize("take", [copy.copy, copy.deepcopy, lambda event: pickle.loads(pickle.dumps(event))])
    def test_events_can_be_copied_and_pickled(self, take):
        taken = take(self.event)
        assert taken == self.event
        assert taken is not self.event
        assert taken.data.email_addresses == self.event.data.email_addresses
        assert taken.delivery == self.event.delivery

    @pytest.mark.parametrize("what", ["event", "data", "unknown"])
    def test_they_say_that_they_do_not_hash(self, what):
        value = {"event": self.event, "data": self.event.data, "unknown": receive({"type": "x", "data": {}})}[what]
        with pytest.raises(TypeError, match=f"unhashable type: '{type(value).__name__}'"):
            hash(value)

    @pytest.mark.parametrize("name", ["type", "data", "raw", "delivery", "message_id", "anything"])
    def test_events_are_frozen(self, name):
        for event in (self.event, receive({"type": "x", "data": {}})):
            with pytest.raises(AttributeError, match=f"^cannot assign to field '{name}'$"):
                setattr(event, name, None)
        with pytest.raises(dataclasses.FrozenInstanceError, match=f"^cannot assign to field '{name}'$"):
            setattr(self.event.data, name, None)
        with pytest.raises(dataclasses.FrozenInstanceError):
            del self.event.data.id

    def test_they_can_be_made_by_hand_and_changed_on_the_way(self):
        deleted = DeletedObject(object="user", id="user_1", deleted=True)
        assert (
            deleted
            == receive({"type": "user.deleted", "data": {"object": "user", "id": "user_1", "deleted": True}}).data
        )
        event = UserDeleted(type="user.deleted", data=deleted, raw={}, delivery=self.event.delivery)
        assert event.message_id == MESSAGE_ID
        assert dataclasses.replace(self.event.data, id="user_2").id == "user_2"
        with pytest.raises(TypeError, match="positional argument"):
            UserDeleted("user.deleted", deleted, {}, self.event.delivery)

    def test_data_becomes_a_plain_dict(self):
        plain = dataclasses.asdict(self.event.data)
        assert plain["email_addresses"][1]["verification"]["status"] == "verified"

    def test_their_reprs_show_types_ids_and_sizes_only(self):
        event = user_created(id="user_1", first_name="sesame", email_addresses=[{"email_address": "sesame@x"}])
        assert repr(event.data) == "User(id='user_1')"
        assert repr(event.data.email_addresses) == "(EmailAddress(),)"
        assert repr(event) == f"UserCreated(type='user.created', data.id='user_1', message_id={MESSAGE_ID!r})"
        unknown = receive({"type": "x", "data": {"id": "x_1", "name": "sesame"}})
        assert repr(unknown) == f"UnknownEvent(type='x', data.id='x_1', message_id={MESSAGE_ID!r})"
        shown = (
            repr(event)
            + repr(receive({"type": "x" * 1000, "data": {"id": ["sesame"]}}))
            + repr(user_created(id={"a": "sesame"}).data)
        )
        assert "sesame" not in shown
        for length in (64, 65, 10_000):
            shown = "x" * min(length, 64)
            assert repr(user_created(id="x" * length).data) == f"User(id='{shown}')"
            assert repr(receive({"type": "x" * length, "data": {}})).startswith(f"UnknownEvent(type='{shown}', ")


DATA_CLASSES = [
    each
    for each in (getattr(events, name) for name in dir(events) if name[0].isupper())
    if isinstance(each, type) and issubclass(each, Record) and each is not Record
]


@pytest.mark.parametrize("data_class", DATA_CLASSES, ids=lambda data_class: data_class.__name__)
def test_every_class_of_data_is_silent_frozen_and_made_with_keywords(data_class):
    names = [field.name for field in dataclasses.fields(data_class)]
    values = dict.fromkeys(names, "sesame") | ({"id": "id_1"} if "id" in names else {})
    record = data_class(**values)
    assert "sesame" not in repr(record)
    assert record == data_class(**values)
    assert record != data_class(**dict.fromkeys(names))
    with pytest.raises(TypeError, match="unhashable"):
        hash(record)
    for change in (lambda: setattr(record, names[0], ""), lambda: delattr(record, names[0])):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    with pytest.raises(TypeError, match="positional argument"):
        data_class(*values.values())


def test_every_class_is_exported_by_the_package_and_documented():
    for module in {cls.__module__ for cls in get_args(events.KnownEvent)}:
        for name, cls in inspect.getmembers(sys.modules[module], inspect.isclass):
            if cls.__module__ == module:
                assert getattr(events, name) is cls
                assert sys.flags.optimize == 2 or cls.__dict__["__doc__"], name
