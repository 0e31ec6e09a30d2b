"""The helpers for users' tests create what a receiver accepts, and what it must reject."""

import doctest
import json
import random
import re
import shutil
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from helpers.signer import OTHER_SECRET, SECRET, key_of

import clerk_webhook_verify
from clerk_webhook_verify import Event, UnknownEvent, Webhook, WebhookVerificationError
from clerk_webhook_verify.events import (
    EVENT_TYPES,
    EmailAddress,
    EventType,
    OrganizationMembershipCreated,
    User,
    UserCreated,
)
from clerk_webhook_verify.idempotency import MemoryStore, Once, Outcome
from clerk_webhook_verify.testing import (
    Family,
    Fault,
    FrozenClock,
    generate_secret,
    make_event,
    sample,
    signed_request,
)

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

    @pytest.mark.parametrize("event_type", [5, None, ["user.created"], UserCreated])
    def test_a_value_that_is_not_a_type_is_a_value_error(self, event_type):
        with pytest.raises(ValueError, match=f"there is no event type {re.escape(repr(event_type))}"):
            sample(event_type)


class TestMakeEvent:
    @pytest.mark.parametrize("event_type", get_args(EventType))
    def test_creates_every_event(self, event_type):
        event = make_event(EVENT_TYPES[event_type])
        assert type(event) is EVENT_TYPES[event_type]
        assert event.delivery.parse() == event

    def test_creates_the_same_event_each_time_apart_from_a_new_message_id(self):
        first, second = (make_event(UserCreated, message_id="msg_1") for _ in range(2))
        assert first == second
        assert vars(first.delivery) == vars(second.delivery)
        assert repr(first.delivery) == repr(second.delivery)

    def test_each_event_is_a_message_of_its_own(self):
        once, handled = Once(MemoryStore()), []
        first, second = make_event(UserCreated), make_event(UserCreated)
        assert first == second
        assert first.message_id.startswith("msg_")
        outcomes = [once.run(event, handled.append) for event in (first, second, first)]
        assert outcomes == [Outcome.HANDLED, Outcome.HANDLED, Outcome.DUPLICATE]
        assert handled == [first, second]

    @pytest.mark.parametrize("message_id", ["msg_1", "x", "m" * 256])
    def test_the_message_id_can_be_set(self, message_id):
        event = make_event(UserCreated, message_id=message_id, first_name="Grace")
        assert (event.message_id, event.delivery.message_id) == (message_id, message_id)
        assert event.data.first_name == "Grace"

    @pytest.mark.parametrize("timestamp", [0, 1_700_000_000, 999_999_999_999])
    def test_the_timestamp_is_when_it_occurred_and_was_sent(self, timestamp):
        event = make_event(OrganizationMembershipCreated, timestamp=timestamp)
        assert (event.delivery.timestamp, event.timestamp) == (timestamp, timestamp * 1000)

    def test_the_timestamp_gives_events_an_order(self):
        early, late = (make_event(UserCreated, timestamp=seconds) for seconds in (1_700_000_000, 1_700_000_060))
        assert early.occurred_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
        assert early.occurred_at < late.occurred_at

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            ({"message_id": ""}, ValueError, "message_id must be 1 to 256"),
            ({"message_id": "msg 1"}, ValueError, "message_id must be"),
            ({"message_id": 1}, TypeError, "message_id must be a str, not int"),
            ({"timestamp": -1}, ValueError, "timestamp must be Unix seconds"),
            ({"timestamp": 1_700_000_000_000}, ValueError, "not milliseconds"),
            ({"timestamp": 1.5}, TypeError, "timestamp must be Unix seconds as an int, not float"),
            ({"timestamp": "5"}, TypeError, "timestamp must be Unix seconds as an int, not str"),
        ],
        ids=repr,
    )
    def test_an_id_or_a_timestamp_that_no_delivery_has_is_an_error(self, arguments, error, words):
        with pytest.raises(error, match=words):
            make_event(UserCreated, **arguments)

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
        for value, kind in (("user.created", "str"), (None, "NoneType"), (make_event(UserCreated), "UserCreated")):
            with pytest.raises(TypeError, match=f"pass an event class such as UserCreated, not {kind}"):
                make_event(value)
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

    @pytest.mark.parametrize(
        ("event_type", "overrides"),
        [
            ("user.created", {"first_name": "Grace", "email_addresses": []}),
            ("user.deleted", {"id": "user_1"}),
            ("organization.created", {"name": "Zoë & Co", "members_count": None}),
        ],
        ids=["user.created", "user.deleted", "organization.created"],
    )
    def test_overrides_replace_fields_of_data(self, event_type, overrides):
        request = signed_request(event_type, secret=SECRET, message_id="msg_1", **overrides)
        event = webhook.verify(request.headers, request.body)
        assert event.raw == sample(event_type, **overrides)
        assert event.message_id == "msg_1"

    def test_an_override_can_be_a_data_class(self):
        address = EmailAddress(id="idn_1", object="email_address", email_address="grace@example.com", linked_to=())
        request = signed_request("user.created", secret=SECRET, email_addresses=[address])
        assert webhook.verify(request.headers, request.body).data.email_addresses == (address,)

    @pytest.mark.parametrize(
        ("argument", "overrides", "words"),
        [
            ("user.created", {"frist_name": "Grace"}, "no field 'frist_name': did you mean first_name"),
            ({"type": "user.created", "data": {}}, {"first_name": "Grace"}, "first_name: overrides need an event t"),
            (b"{}", {"first_name": "Grace", "id": "x"}, "first_name, id: overrides need an event type; put them in"),
            (["user.created"], {}, r"pass an event type, a payload \(dict\) or a raw body \(bytes\), not list"),
            (None, {}, "not NoneType"),
        ],
        ids=["unknown field", "with a payload", "with a body", "list", "None"],
    )
    def test_wrong_overrides_and_payloads_are_a_type_error(self, argument, overrides, words):
        with pytest.raises(TypeError, match=words):
            signed_request(argument, secret=SECRET, **overrides)

    @pytest.mark.parametrize(
        "call",
        [
            lambda: signed_request(OTHER_SECRET, secret=SECRET),
            lambda: signed_request("user.created", secret=SECRET, fault=OTHER_SECRET),
            lambda: signed_request("user.created", secret=SECRET, family=OTHER_SECRET),
        ],
        ids=["event type", "fault", "header family"],
    )
    def test_a_secret_in_the_wrong_argument_is_not_in_the_message(self, call):
        with pytest.raises(ValueError, match=r"^expected the [a-z ]+, not a signing secret: pass it as secret=$"):
            call()

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

    @pytest.mark.parametrize("family", get_args(Family))
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
        with pytest.raises(ValueError, match="no fault 5"):
            signed_request("user.created", secret=SECRET, fault=5)
        with pytest.raises(ValueError, match="no header family None"):
            signed_request("user.created", secret=SECRET, family=None)


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
    with pytest.raises(WebhookVerificationError, match="is 301 s old"):
        receiver.verify(request.headers, request.body)
    clock.advance(-301)
    assert receiver.verify(request.headers, request.body)
    assert FrozenClock()() == int(FrozenClock()())


@pytest.mark.skipif(sys.flags.optimize == 2, reason="-OO takes the docstrings out")
def test_the_examples_in_docstrings_run():
    result = doctest.testmod(clerk_webhook_verify.testing)
    assert (result.attempted, result.failed) == (4, 0)


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

        def test_accepts_every_option_of_signed_request(clerk_webhook_signer):
            secret = "whsec_" + "A" * 32
            request = clerk_webhook_signer("user.created", family="webhook", first_name="Grace", secret=secret)
            event = Webhook(secret).verify(request.headers, request.body)
            assert event.data.first_name == "Grace"
            assert "webhook-id" in request.headers

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
        pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=4)

    def test_without_the_option_nothing_is_set(self, pytester, monkeypatch):
        monkeypatch.syspath_prepend(pytester.path)
        pytester.makepyfile("""
            import os
            def test_nothing_is_set():
                assert "CLERK_WEBHOOK_SIGNING_SECRET" not in os.environ
        """)
        pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


VENDORED = "shop.inbound.clerk.testing.pytest_plugin"


class TestThePytestPluginOfAVendoredCopy:
    @pytest.fixture
    def vendored(self, pytester, monkeypatch):
        """A project that has a copy of the package under another name, and the tests above."""
        package = pytester.path / "shop" / "inbound"
        source = Path(clerk_webhook_verify.__file__).parent
        shutil.copytree(source, package / "clerk", ignore=shutil.ignore_patterns("__pycache__", "cli"))
        for folder in (package, package.parent):
            (folder / "__init__.py").touch()
        monkeypatch.syspath_prepend(pytester.path)
        for name, text in {"app": TestThePytestPlugin.APP, "test_app": TestThePytestPlugin.TEST}.items():
            pytester.makepyfile(**{name: text.replace("clerk_webhook_verify", "shop.inbound.clerk")})
        return pytester

    def check(self, vendored, *arguments, ini="", installed=False):
        vendored.makeini(f"[pytest]\nclerk_webhook_signing_secret = generate\n{ini}\n")
        blocked = [] if installed else ["-p", "no:clerk_webhook_verify"]
        vendored.runpytest_inprocess("-p", "no:cacheprovider", *blocked, *arguments).assert_outcomes(passed=4)

    @pytest.mark.slow
    def test_works_if_named_on_the_command_line(self, vendored):
        vendored.makeconftest("from app import webhook")
        self.check(vendored, "-p", VENDORED)

    def test_works_if_named_in_addopts(self, vendored):
        vendored.makeconftest("from app import webhook")
        self.check(vendored, ini=f"addopts = -p {VENDORED}")

    @pytest.mark.slow
    def test_works_if_named_in_the_environment(self, vendored, monkeypatch):
        vendored.makeconftest("from app import webhook")
        monkeypatch.setenv("PYTEST_PLUGINS", VENDORED)
        self.check(vendored)

    def test_works_if_named_in_a_conftest_file_that_does_not_import_the_application(self, vendored):
        vendored.makeconftest(f"pytest_plugins = [{VENDORED!r}]")
        self.check(vendored)

    def test_works_if_the_package_is_installed_too(self, vendored):
        self.check(vendored, "-p", VENDORED, installed=True)


class TestStoresWithoutTheirClients:
    PROGRAM = """
import sys
for name in ("redis", "valkey", "psycopg", "psycopg_pool"):
    sys.modules[name] = None  # an import of it raises
from clerk_webhook_verify.idempotency import PostgresStore, RedisStore
for store, client in {wrong}:
    try:
        store(client)
    except TypeError as error:
        print(error)
    else:
        print("no error")
"""

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            (
                "[(RedisStore, None), (RedisStore, 'redis://localhost'), (RedisStore, {}), (RedisStore, sys)]",
                "redis.Redis",
            ),
            ("[(PostgresStore, None), (PostgresStore, 'postgresql://'), (PostgresStore, {})]", "must be callable"),
        ],
        ids=["RedisStore", "PostgresStore"],
    )
    def test_a_wrong_client_is_a_type_error(self, wrong, words):
        program = self.PROGRAM.replace("{wrong}", wrong)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert done.stderr == ""
        assert len(done.stdout.splitlines()) >= 3
        assert all(words in line for line in done.stdout.splitlines())

    def test_the_import_loads_no_client(self):
        program = (
            "import sys; before = set(sys.modules); from clerk_webhook_verify.idempotency import *; RedisStore; "
            "print({name.partition('.')[0] for name in set(sys.modules) - before} & {'redis', 'valkey', 'psycopg'})"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.stderr, done.stdout) == ("", "set()\n")


def test_samples_are_deterministic():
    random.seed(1)
    first = json.dumps(sample("user.created"))
    random.seed(2)
    assert json.dumps(sample("user.created")) == first
