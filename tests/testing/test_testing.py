"""The helpers for users' tests create what a receiver accepts, and what it must reject."""

import doctest
import importlib
import json
import random
import sys
from typing import Any, Literal, get_args

import pytest
from helpers.signer import OTHER_SECRET, SECRET, key_of

from clerk_webhook_verify import Event, UnknownEvent, Webhook, WebhookVerificationError
from clerk_webhook_verify.events import (
    EVENT_TYPES,
    EmailAddress,
    EventType,
    OrganizationMembershipCreated,
    User,
    UserCreated,
)
from clerk_webhook_verify.testing import Fault, FrozenClock, generate_secret, make_event, sample, signed_request

webhook = Webhook(SECRET)
CODE_OF = {
    "tampered": "signature_mismatch",
    "reserialized": "signature_mismatch",
    "stale": "timestamp_too_old",
    "future": "timestamp_too_new",
    "other_secret": "signature_mismatch",
    "several_signatures": "signature_mismatch",
    "asymmetric_only": "signature_mismatch",
    "other_message_id": "signature_mismatch",
    "milliseconds": "malformed_header",
    "missing_header": "missing_header",
    "duplicate_header": "malformed_header",
    "mixed_families": "missing_header",
    "empty_body": "signature_mismatch",
    "not_json": "invalid_payload",
}


class TestSample:
    @pytest.mark.parametrize("event_type", get_args(EventType))
    def test_is_a_new_payload_of_that_type_each_time(self, event_type):
        payload = sample(event_type)
        assert payload["type"] == event_type
        assert payload["object"] == "event"
        payload["data"].clear()
        assert sample(event_type)["data"]

    def test_overrides_replace_fields_of_data(self):
        payload = sample("user.created", first_name="Grace", email_addresses=[], locale=None)
        assert payload["data"]["first_name"] == "Grace"
        assert payload["data"]["email_addresses"] == []
        assert payload["data"]["last_name"] == "Björk"
        assert sample("user.deleted", external_id="x")["data"]["external_id"] == "x", "a field that samples lack"

    def test_an_override_that_is_not_a_field_lists_similar_names(self):
        with pytest.raises(TypeError, match="no field 'frist_name': did you mean first_name"):
            sample("user.created", frist_name="Grace")
        with pytest.raises(TypeError, match=r"the data of user\.deleted has no field 'zzzzz'$"):
            sample("user.deleted", zzzzz=1)

    def test_an_unknown_type_lists_similar_names(self):
        with pytest.raises(ValueError, match=r"no event type 'user\.craeted': did you mean user\.created"):
            sample("user.craeted")


class TestMakeEvent:
    @pytest.mark.parametrize("event_type", get_args(EventType))
    def test_creates_every_event(self, event_type):
        event = make_event(EVENT_TYPES[event_type])
        assert type(event) is EVENT_TYPES[event_type]
        assert event.delivery.parse() == event

    def test_overrides_come_as_json_or_as_data_classes(self):
        address = EmailAddress(id="idn_1", object="email_address", email_address="grace@example.com", linked_to=())
        for each in (address, {"id": "idn_1", "object": "email_address", "email_address": "grace@example.com"}):
            event = make_event(UserCreated, primary_email_address_id="idn_1", email_addresses=[each])
            assert event.data.primary_email_address == address

    def test_a_class_without_an_event_type_is_a_type_error(self):
        for cls in (UnknownEvent, EmailAddress, type("Subclass", (UserCreated,), {})):
            with pytest.raises(TypeError, match=rf"{cls.__name__} has no event type: pass a class such as UserCreated"):
                make_event(cls)
        with pytest.raises(TypeError, match="no field"):
            make_event(OrganizationMembershipCreated, user_id="user_1")
        with pytest.raises(TypeError, match="JSON types and data classes, not set"):
            make_event(UserCreated, first_name={1})

    def test_creates_a_declared_event_whose_data_is_a_class_of_the_library(self):
        event = make_event(UserMerged, first_name="Grace")
        assert type(event) is UserMerged
        assert isinstance(event.data, User)
        assert (event.type, event.data.first_name) == ("test_testing.userMerged", "Grace")
        assert sample("test_testing.userMerged")["type"] == "test_testing.userMerged"

    def test_a_declared_event_without_a_sample_is_a_type_error(self):
        with pytest.raises(TypeError, match=r"no sample of test_testing\.other: pass your own payload to signed_req"):
            make_event(OtherEvent)


class UserMerged(Event):
    type: Literal["test_testing.userMerged"]
    data: User


class OtherEvent(Event):
    type: Literal["test_testing.other"]
    data: dict[str, Any]


class TestSignedRequest:
    @pytest.mark.parametrize("event_type", get_args(EventType))
    def test_every_type_passes_verify(self, event_type):
        request = signed_request(event_type, secret=SECRET)
        event = webhook.verify(request.headers, request.body)
        assert type(event) is EVENT_TYPES[event_type]
        assert event.raw == sample(event_type)
        assert request.headers["content-type"] == "application/json"

    def test_accepts_a_payload_or_the_raw_body(self):
        payload = {"type": "invitation.created", "data": {"name": "Zoë"}}
        request = signed_request(payload, secret=SECRET)
        assert webhook.verify(request.headers, request.body).raw == payload
        assert "Zoë".encode() in request.body
        request = signed_request(b'{"type": "x", "data": {}}', secret=SECRET)
        assert request.body == b'{"type": "x", "data": {}}'
        assert webhook.verify(request.headers, request.body).type == "x"

    def test_secret_id_timestamp_and_header_names_can_be_set(self):
        request = signed_request(
            "user.deleted", secret=[SECRET, OTHER_SECRET], message_id="msg_1", timestamp=5, family="webhook"
        )
        assert set(request.headers) == {"content-type", "webhook-id", "webhook-timestamp", "webhook-signature"}
        delivery = Webhook(SECRET, clock=FrozenClock(5)).verify_signature(request.headers, request.body)
        assert (delivery.message_id, delivery.timestamp) == ("msg_1", 5)

    def test_the_secret_comes_from_the_environment_by_default(self, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        request = signed_request("user.created")
        assert Webhook().verify(request.headers, request.body)

    @pytest.mark.parametrize("family", ["svix", "webhook"])
    @pytest.mark.parametrize("fault", get_args(Fault))
    def test_every_fault_is_rejected_with_its_code(self, fault, family):
        request = signed_request("user.created", secret=SECRET, family=family, fault=fault)
        with pytest.raises(WebhookVerificationError) as caught:
            webhook.verify(request.headers, request.body)
        assert caught.value.code == CODE_OF[fault]

    def test_an_unknown_fault_or_family_is_a_value_error(self):
        with pytest.raises(ValueError, match="no fault 'tamperd': did you mean tampered"):
            signed_request("user.created", secret=SECRET, fault="tamperd")
        with pytest.raises(ValueError, match="no header family 'stripe'"):
            signed_request("user.created", secret=SECRET, family="stripe")


def test_generated_secrets_are_valid_and_different():
    secrets = {generate_secret() for _ in range(10)}
    assert len(secrets) == 10
    assert all(Webhook(secret) and len(key_of(secret)) == 24 for secret in secrets)


def test_a_frozen_clock_moves_only_when_advanced():
    clock = FrozenClock(1_700_000_000)
    receiver = Webhook(SECRET, clock=clock)
    request = signed_request("user.created", secret=SECRET, timestamp=int(clock()))
    assert receiver.verify(request.headers, request.body)
    clock.advance(301)
    with pytest.raises(WebhookVerificationError, match="301 s ago"):
        receiver.verify(request.headers, request.body)
    clock.advance(-301)
    assert receiver.verify(request.headers, request.body)
    assert FrozenClock()() == int(FrozenClock()())


@pytest.mark.skipif(sys.flags.optimize == 2, reason="-OO takes the docstrings out")
def test_the_examples_in_docstrings_run():
    names = ("_did_you_mean", "testing._events")
    results = [doctest.testmod(importlib.import_module(f"clerk_webhook_verify.{name}")) for name in names]
    assert sum(result.attempted for result in results) == 4
    assert not any(result.failed for result in results)


class TestHelpersOfAUser:
    """They use the id, not the position in the list."""

    def test_primary_address_and_number_are_found_by_id(self):
        numbers = [{"id": "idn_a", "phone_number": "+1"}, {"id": "idn_b", "phone_number": "+2"}]
        user = make_event(UserCreated, phone_numbers=numbers, primary_phone_number_id="idn_b").data
        assert user.primary_email_address.email_address == "ada@example.com"
        assert user.primary_email_address is user.email_addresses[1]
        assert user.primary_phone_number.phone_number == "+2"

    @pytest.mark.parametrize(
        "overrides",
        [
            {"primary_email_address_id": None},
            {"primary_email_address_id": "idn_gone"},
            {"email_addresses": []},
            {"email_addresses": None},
            {"email_addresses": "ada@example.com"},
            {"email_addresses": ["ada@example.com", None, 5]},
            {"email_addresses": [{"email_address": "ada@example.com"}], "primary_email_address_id": None},
        ],
    )
    def test_primary_email_address_is_none_without_a_match(self, overrides):
        assert make_event(UserCreated, **overrides).data.primary_email_address is None

    @pytest.mark.parametrize(
        ("first", "last", "full"),
        [
            ("Ada", "Björk", "Ada Björk"),
            ("Ada", None, "Ada"),
            (None, "Björk", "Björk"),
            (None, None, None),
            ("", "", None),
            (5, ["x"], None),
        ],
    )
    def test_full_name_joins_the_names_that_exist(self, first, last, full):
        assert make_event(UserCreated, first_name=first, last_name=last).data.full_name == full


class TestThePytestPlugin:
    APP = """
        from clerk_webhook_verify import Webhook
        webhook = Webhook()
    """
    TEST = """
        import pytest
        from clerk_webhook_verify import Webhook, WebhookVerificationError
        from app import webhook

        def test_signed(clerk_webhook_signer):
            request = clerk_webhook_signer("user.created", message_id="msg_1")
            assert webhook.verify(request.headers, request.body).message_id == "msg_1"
            assert clerk_webhook_signer({"type": "x", "data": {}}, timestamp=5).headers["svix-timestamp"] == "5"

        def test_rejected(clerk_webhook_signer):
            request = clerk_webhook_signer("user.created", fault="stale")
            with pytest.raises(WebhookVerificationError):
                webhook.verify(request.headers, request.body)

        def test_clock(clerk_webhook_signer, clerk_webhook_clock):
            receiver = Webhook(clock=clerk_webhook_clock)
            clerk_webhook_clock.advance(86400)
            request = clerk_webhook_signer("user.created")
            assert receiver.verify(request.headers, request.body)
            with pytest.raises(WebhookVerificationError):
                webhook.verify(request.headers, request.body)
    """

    @pytest.mark.parametrize("secret", [SECRET, "generate"])
    def test_its_option_sets_the_secret_before_the_application_is_imported(self, pytester, secret, monkeypatch):
        monkeypatch.syspath_prepend(pytester.path)
        pytester.makeini(f"[pytest]\nclerk_webhook_signing_secret = {secret}\n")
        pytester.makepyfile(app=self.APP)
        pytester.makeconftest("from app import webhook")
        pytester.makepyfile(self.TEST)
        pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=3)

    def test_without_the_option_nothing_is_set(self, pytester, monkeypatch):
        monkeypatch.syspath_prepend(pytester.path)
        pytester.makepyfile("""
            import os
            def test_nothing_is_set():
                assert "CLERK_WEBHOOK_SIGNING_SECRET" not in os.environ
        """)
        pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_samples_are_deterministic():
    random.seed(1)
    first = json.dumps(sample("user.created"))
    random.seed(2)
    assert json.dumps(sample("user.created")) == first
