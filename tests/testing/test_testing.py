"""Does the kit for users' tests give what a receiver takes, and what it must refuse?"""

import doctest
import json
import random
import sys
from typing import get_args

import pytest
from helpers.signer import OTHER_SECRET, SECRET, key_of

from clerk_webhook_verify import UnknownEvent, Webhook, WebhookVerificationError, events, testing
from clerk_webhook_verify.events import EmailAddress, OrganizationMembershipCreated, UserCreated
from clerk_webhook_verify.events._catalog import EVENTS
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
    @pytest.mark.parametrize("event_type", EVENTS)
    def test_is_a_fresh_payload_of_that_type_every_time(self, event_type):
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

    def test_an_override_that_names_no_field_lists_near_names(self):
        with pytest.raises(TypeError, match="no field 'frist_name': did you mean first_name"):
            sample("user.created", frist_name="Grace")
        with pytest.raises(TypeError, match=r"the data of user\.deleted has no field 'zzzzz'$"):
            sample("user.deleted", zzzzz=1)

    def test_an_unknown_type_lists_near_names(self):
        with pytest.raises(ValueError, match=r"no event type 'user\.craeted': did you mean user\.created"):
            sample("user.craeted")


class TestMakeEvent:
    @pytest.mark.parametrize("name", [name for _, name in EVENTS.values()])
    def test_makes_any_class(self, name):
        event = make_event(getattr(events, name))
        assert type(event) is getattr(events, name)
        assert event.delivery.parse() == event

    def test_overrides_come_as_json_or_as_data_classes(self):
        address = EmailAddress(id="idn_1", object="email_address", email_address="grace@example.com", linked_to=())
        for each in (address, {"id": "idn_1", "object": "email_address", "email_address": "grace@example.com"}):
            event = make_event(UserCreated, primary_email_address_id="idn_1", email_addresses=[each])
            assert event.data.primary_email_address == address

    def test_a_class_that_stands_for_no_type_is_a_type_error(self):
        for cls in (UnknownEvent, EmailAddress):
            with pytest.raises(TypeError, match="stands for no event type"):
                make_event(cls)
        with pytest.raises(TypeError, match="no field"):
            make_event(OrganizationMembershipCreated, user_id="user_1")
        with pytest.raises(TypeError, match="what JSON can hold, not set"):
            make_event(UserCreated, first_name={1})


class TestSignedRequest:
    @pytest.mark.parametrize("event_type", EVENTS)
    def test_every_type_makes_its_way_through_verify(self, event_type):
        request = signed_request(event_type, secret=SECRET)
        event = webhook.verify(request.headers, request.body)
        assert type(event).__name__ == EVENTS[event_type][1]
        assert event.raw == sample(event_type)
        assert request.headers["content-type"] == "application/json"

    def test_takes_a_payload_or_the_raw_body(self):
        payload = {"type": "invitation.created", "data": {"name": "Zoë"}}
        request = signed_request(payload, secret=SECRET)
        assert webhook.verify(request.headers, request.body).raw == payload
        assert "Zoë".encode() in request.body
        request = signed_request(b'{"type": "x", "data": {}}', secret=SECRET)
        assert request.body == b'{"type": "x", "data": {}}'
        assert webhook.verify(request.headers, request.body).type == "x"

    def test_everything_can_be_set(self):
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
    def test_every_fault_is_refused_for_what_it_is(self, fault, family):
        request = signed_request("user.created", secret=SECRET, family=family, fault=fault)
        with pytest.raises(WebhookVerificationError) as caught:
            webhook.verify(request.headers, request.body)
        assert caught.value.code == CODE_OF[fault]

    def test_an_unknown_fault_or_family_is_a_value_error(self):
        with pytest.raises(ValueError, match="no fault 'tamperd': did you mean tampered"):
            signed_request("user.created", secret=SECRET, fault="tamperd")
        with pytest.raises(ValueError, match="no header family 'stripe'"):
            signed_request("user.created", secret=SECRET, family="stripe")


def test_a_generated_secret_is_one():
    secrets = {generate_secret() for _ in range(10)}
    assert len(secrets) == 10
    assert all(Webhook(secret) and len(key_of(secret)) == 24 for secret in secrets)


def test_a_frozen_clock_moves_when_it_is_told_to():
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
def test_the_examples_in_its_docstrings_run():
    assert doctest.testmod(testing).attempted == 3
    assert doctest.testmod(testing).failed == 0


class TestHelpersOfAUser:
    """They go by the id, never by the place in the list."""

    def test_the_primary_address_and_number_are_the_named_ones(self):
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
    def test_without_one_there_is_none(self, overrides):
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
    def test_the_full_name_is_what_there_is_of_it(self, first, last, full):
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

        def test_refused(clerk_webhook_signer):
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

    def test_unused_it_loads_nothing_that_pytest_has_not_but_the_front_door(self, pytester):
        pytester.makepyfile("""
            import sys
            def test_unused():
                ours = {name for name in sys.modules if name.startswith("clerk_webhook_verify")}
                assert "clerk_webhook_verify.testing" not in ours
                assert not any(".events._user" in name for name in ours)
        """)
        pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_samples_do_not_depend_on_chance():
    random.seed(1)
    first = json.dumps(sample("user.created"))
    random.seed(2)
    assert json.dumps(sample("user.created")) == first
