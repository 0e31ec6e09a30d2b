"""The targets of the fuzzer on their corpus, and on libraries that are broken on purpose.

The short form of ``python tests/proof/fuzz/run.py``, without atheris: it replays the inputs to which coverage led, and
some pseudorandom ones, which are always the same.
"""

import ast
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from helpers.signer import BODY, MESSAGE_ID, NOW, OTHER_SECRET, SECRET
from proof.fuzz import files
from proof.fuzz.shapes import pairs_of
from proof.fuzz.tape import BrokenError, sign
from proof.fuzz.targets import CORPUS, TARGETS, Target, check_memory, check_time

from clerk_webhook_verify import (
    Delivery,
    InvalidPayloadError,
    InvalidSecretError,
    UnknownEvent,
    Webhook,
    diagnose as diagnosis,
)
from clerk_webhook_verify.allowlist import Allowlist
from clerk_webhook_verify.cli._options import UsageError
from clerk_webhook_verify.errors import (
    MalformedHeaderError,
    SignatureMismatchError,
    TimestampError,
    TimestampTooNewError,
    TimestampTooOldError,
)
from clerk_webhook_verify.events import Event, EventAttributes, Record, User

SLOW = 50  # times the limit, since coverage.py and other load on the machine slow each input down


def inputs(name: str) -> list[bytes]:
    chance = random.Random(name)
    kept = [file.read_bytes() for file in sorted((CORPUS / name).glob("*"))]
    return kept + [chance.randbytes(chance.randrange(40)) for _ in range(1000)]


@pytest.mark.parametrize(
    "name",
    [
        name if name in ("headers", "stored", "allowlist") else pytest.param(name, marks=pytest.mark.slow)
        for name in TARGETS
    ],
)
def test_every_property_holds_for_every_input(name):
    target = TARGETS[name]
    for number, data in enumerate(inputs(name)):
        check_time(target, data, target.seconds * SLOW)
        if number % 10 == 0:
            check_memory(target, data)


def test_the_corpus_has_every_target_and_is_small():
    stored = [file for file in CORPUS.rglob("*") if file.is_file()]
    assert {file.parent.name for file in stored} == set(TARGETS)
    assert len(stored) < 200
    assert sum(file.stat().st_size for file in stored) < 300_000


def test_rejects_an_input_that_takes_too_long():
    slow = Target(lambda data: sum(range(200_000)), 1)
    with pytest.raises(BrokenError, match=r"takes [\d.]+ ms, the limit is 0.001 ms"):
        check_time(slow, b"", 1e-6)
    check_time(slow, b"", 60)


def test_rejects_an_input_that_takes_too_much_memory():
    check_memory(Target(lambda data: bytes(64 * len(data)), 1), b"x" * 10_000)
    with pytest.raises(BrokenError, match="bytes for an input of 10,000"):
        check_memory(Target(lambda data: bytes(200 * len(data)), 1), b"x" * 10_000)


# The rest shows that each target notices a library that breaks its property. One thing is broken in each test.


def errors(name: str) -> Iterator[Exception]:
    for data in inputs(name):
        try:
            TARGETS[name].check(data)
        except Exception as error:
            yield error


def problems(name: str) -> Iterator[str]:
    """The properties of a target that inputs break, as they are found: ``in`` needs no input after the first match."""
    return (str(error) for error in errors(name) if isinstance(error, BrokenError))


def escaped(name: str) -> set[type[Exception]]:
    """The exceptions of the library that a target did not expect."""
    return {type(error) for error in errors(name)} - {BrokenError}


def on_error(function: Callable[..., Any], error: Any, instead: Callable[..., Any]) -> Callable[..., Any]:
    """Return *function*, changed to call *instead* with the same arguments when it raises *error*."""

    def changed(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except error:
            return instead(*args, **kwargs)

    return changed


def on_result(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return *function* with *change* applied to its result."""
    return lambda *args, **kwargs: change(function(*args, **kwargs))


accept = Mock(return_value=Delivery(MESSAGE_ID, NOW, BODY, ""))

init = Webhook.__init__
verify_signature = Webhook.verify_signature
parse = Delivery.parse
from_json = Delivery.from_json
allows = Allowlist.allows
read_captures = files.read_captures
diagnose = diagnosis.diagnose


class TestTheTargetOfHeaders:
    def test_catches_that_any_signature_is_accepted(self, monkeypatch):
        broken = on_error(verify_signature, SignatureMismatchError, accept)
        monkeypatch.setattr(Webhook, "verify_signature", broken)
        assert "accepted an invalid delivery" in problems("headers")

    def test_catches_that_a_truncated_signature_is_accepted(self, monkeypatch):
        def broken(webhook, headers, body):
            pairs = list(pairs_of(headers))
            start = sign(BODY)[:46]
            if any(pair[0] == "svix-signature" and str(pair[1]).startswith(start) for pair in pairs if pair):
                return accept()
            return verify_signature(webhook, pairs, body)

        monkeypatch.setattr(Webhook, "verify_signature", broken)
        assert "accepted an invalid delivery" in problems("headers")

    def test_catches_that_duplicate_headers_are_accepted(self, monkeypatch):
        def broken(webhook, headers, body):
            return verify_signature(webhook, dict(pairs_of(headers)), body)

        monkeypatch.setattr(Webhook, "verify_signature", broken)
        assert "accepted an invalid delivery" in problems("headers")

    def test_catches_that_names_with_capitals_are_ignored(self, monkeypatch):
        def broken(webhook, headers, body):
            return verify_signature(webhook, [pair for pair in pairs_of(headers) if pair[0].islower()], body)

        monkeypatch.setattr(Webhook, "verify_signature", broken)
        assert "rejected a valid delivery" in problems("headers")

    def test_catches_a_type_error_for_a_str_as_body(self, monkeypatch):
        def broken(webhook, headers, body):
            if isinstance(body, str):
                raise TypeError
            return verify_signature(webhook, headers, body)

        monkeypatch.setattr(Webhook, "verify_signature", broken)
        assert "a TypeError for well-formed headers" in problems("headers")

    def test_catches_another_exception_for_an_empty_name(self, monkeypatch):
        def broken(webhook, headers, body):
            pairs = list(pairs_of(headers))
            if ("", "") in pairs:
                raise IndexError
            return verify_signature(webhook, pairs, body)

        monkeypatch.setattr(Webhook, "verify_signature", broken)
        assert escaped("headers") == {IndexError}

    def test_catches_an_error_that_shows_the_expected_signature(self, monkeypatch):
        monkeypatch.setattr(SignatureMismatchError, "__str__", lambda error: f"expected {sign(BODY)}")
        assert "an error shows the expected signature" in problems("headers")

    def test_catches_that_another_body_is_returned(self, monkeypatch):
        broken = on_result(verify_signature, lambda delivery: replace(delivery, body=delivery.body.strip() + b"\n"))
        monkeypatch.setattr(Webhook, "verify_signature", broken)
        assert "another body than was signed" in problems("headers")


class TestTheTargetOfSecrets:
    def test_catches_that_any_secret_is_accepted(self, monkeypatch):
        broken = on_error(init, InvalidSecretError, lambda webhook, secret=None: init(webhook, SECRET))
        monkeypatch.setattr(Webhook, "__init__", broken)
        assert "accepted an invalid secret" in problems("secret")

    def test_catches_that_bytes_are_rejected(self, monkeypatch):
        def broken(webhook, secret=None):
            if isinstance(secret, bytes):
                raise InvalidSecretError("pass a str")
            init(webhook, secret)

        monkeypatch.setattr(Webhook, "__init__", broken)
        assert "rejected a valid secret" in problems("secret")

    def test_catches_that_another_key_is_used(self, monkeypatch):
        def broken(webhook, secret=None):
            init(webhook, secret)
            init(webhook, OTHER_SECRET)

        monkeypatch.setattr(Webhook, "__init__", broken)
        assert "decoded another key" in problems("secret")

    def test_catches_an_error_that_contains_the_secret(self, monkeypatch):
        def show(webhook, secret=None):
            raise InvalidSecretError(f"invalid: {secret}")

        monkeypatch.setattr(Webhook, "__init__", on_error(init, InvalidSecretError, show))
        assert "an error contains the secret" in problems("secret")

    def test_catches_another_exception(self, monkeypatch):
        monkeypatch.setattr(Webhook, "__init__", on_error(init, InvalidSecretError, Mock(side_effect=ValueError)))
        assert escaped("secret") == {ValueError}


class TestTheTargetOfTimestamps:
    def test_catches_that_any_age_is_accepted(self, monkeypatch):
        monkeypatch.setattr(Webhook, "verify_signature", on_error(verify_signature, TimestampError, accept))
        assert "accepted a timestamp outside the tolerance" in problems("timestamp")

    def test_catches_that_the_future_is_accepted(self, monkeypatch):
        monkeypatch.setattr(Webhook, "verify_signature", on_error(verify_signature, TimestampTooNewError, accept))
        assert "accepted a timestamp outside the tolerance" in problems("timestamp")

    @pytest.mark.parametrize("error", [ValueError, MalformedHeaderError], ids=["clock", "timestamp"])
    def test_catches_that_an_invalid_one_is_accepted(self, monkeypatch, error):
        monkeypatch.setattr(Webhook, "verify_signature", on_error(verify_signature, error, accept))
        assert "accepted an invalid timestamp or clock" in problems("timestamp")

    def test_catches_that_the_tolerance_is_halved(self, monkeypatch):
        def broken(webhook, secret, *, tolerance, clock):
            init(webhook, secret, tolerance=tolerance // 2, clock=clock)

        monkeypatch.setattr(Webhook, "__init__", broken)
        assert "rejected a timestamp within the tolerance" in problems("timestamp")

    def test_catches_that_too_old_is_reported_as_too_new(self, monkeypatch):
        def too_new(*_):
            raise TimestampTooNewError(-301, 300, MESSAGE_ID)

        broken = on_error(verify_signature, TimestampTooOldError, too_new)
        monkeypatch.setattr(Webhook, "verify_signature", broken)
        assert "too old and too new are swapped" in problems("timestamp")

    def test_catches_that_another_age_is_reported(self, monkeypatch):
        def twice_as_old(error, skew, tolerance, message_id):
            error.skew, error.tolerance, error.message_id = 2 * skew, tolerance, message_id

        monkeypatch.setattr(TimestampError, "__init__", twice_as_old)
        assert "the error has another age" in problems("timestamp")

    def test_catches_that_a_timestamp_is_rejected(self, monkeypatch):
        malformed = MalformedHeaderError("svix-timestamp", "is invalid")
        monkeypatch.setattr(Webhook, "verify_signature", Mock(side_effect=malformed))
        assert "rejected a well-formed timestamp" in problems("timestamp")

    def test_catches_that_a_clock_is_rejected(self, monkeypatch):
        monkeypatch.setattr(Webhook, "verify_signature", Mock(side_effect=ValueError))
        assert "rejected a valid clock" in problems("timestamp")

    def test_catches_that_a_tolerance_is_rejected(self, monkeypatch):
        monkeypatch.setattr(Webhook, "__init__", Mock(side_effect=ValueError))
        assert "rejected a valid tolerance" in problems("timestamp")

    def test_catches_that_any_tolerance_is_accepted(self, monkeypatch):
        def with_the_default(webhook, secret, *, tolerance, clock):
            init(webhook, secret, clock=clock)

        monkeypatch.setattr(Webhook, "__init__", on_error(init, (TypeError, ValueError), with_the_default))
        assert "accepted an invalid tolerance" in problems("timestamp")


class TestTheTargetOfPayloads:
    def test_catches_that_unknown_types_are_rejected(self, monkeypatch):
        def broken(delivery):
            event = parse(delivery)
            if isinstance(event, UnknownEvent):
                raise InvalidPayloadError("unknown type")
            return event

        monkeypatch.setattr(Delivery, "parse", broken)
        assert "rejected an event" in problems("payload")

    def test_catches_that_an_event_is_invented(self, monkeypatch):
        event = parse(Delivery(MESSAGE_ID, NOW, BODY, ""))
        monkeypatch.setattr(Delivery, "parse", on_error(parse, InvalidPayloadError, Mock(return_value=event)))
        assert "accepted a body that is not an event" in problems("payload")

    def test_catches_an_error_that_contains_the_body(self, monkeypatch):
        def show(delivery):
            raise InvalidPayloadError(f"invalid: {delivery.body!r}")

        monkeypatch.setattr(Delivery, "parse", on_error(parse, InvalidPayloadError, show))
        assert "an error contains a part of the body" in problems("payload")

    def test_catches_that_a_value_is_changed(self, monkeypatch):
        broken = on_result(parse, lambda event: replace(event, type=event.type.upper()))
        monkeypatch.setattr(Delivery, "parse", broken)
        assert "a value was changed" in problems("payload")

    def test_catches_that_an_item_of_a_list_is_lost(self, monkeypatch):
        def broken(delivery):
            event = parse(delivery)
            if isinstance(event.data, User) and isinstance(event.data.email_addresses, tuple):
                return replace(event, data=replace(event.data, email_addresses=event.data.email_addresses[1:]))
            return event

        monkeypatch.setattr(Delivery, "parse", broken)
        assert "a list was changed" in problems("payload")

    def test_catches_that_an_object_is_invented(self, monkeypatch):
        broken = on_result(parse, lambda event: replace(event, event_attributes=EventAttributes()))
        monkeypatch.setattr(Delivery, "parse", broken)
        assert "an object made of a value that is not one" in problems("payload")

    def test_catches_that_the_event_has_another_delivery(self, monkeypatch):
        broken = on_result(parse, lambda event: replace(event, delivery=replace(event.delivery, message_id="msg_2")))
        monkeypatch.setattr(Delivery, "parse", broken)
        assert "another delivery than was verified" in problems("payload")

    def test_catches_that_the_repr_of_an_event_shows_its_content(self, monkeypatch):
        monkeypatch.setattr(Event, "__repr__", lambda event: f"{type(event).__name__}({event.raw})")
        assert "the repr of an event shows more than its type and ids" in problems("payload")

    def test_catches_that_the_repr_of_an_object_shows_its_content(self, monkeypatch):
        monkeypatch.setattr(Record, "__repr__", lambda record: f"{type(record).__name__}({vars(record)})")
        assert "the repr of an object shows more than the id" in problems("payload")

    @pytest.mark.parametrize("target", ["payload", "stored"])
    def test_catches_that_a_delivery_is_changed_by_being_stored(self, monkeypatch, target):
        broken = on_result(from_json, lambda delivery: replace(delivery, timestamp=delivery.timestamp + 1))
        monkeypatch.setattr(Delivery, "from_json", broken)
        assert "to_json() and from_json() changed the delivery" in problems(target)

    def test_catches_a_copy_that_is_not_equal(self, monkeypatch):
        monkeypatch.setattr(Event, "__copy__", lambda event: None, raising=False)
        assert "a copy that is not equal" in problems("payload")


class TestTheTargetOfStoredDeliveries:
    def test_catches_that_any_text_is_accepted(self, monkeypatch):
        monkeypatch.setattr(Delivery, "from_json", on_error(from_json, InvalidPayloadError, accept))
        assert "accepted a text that is not a stored delivery" in problems("stored")

    def test_catches_that_a_stored_delivery_is_rejected(self, monkeypatch):
        monkeypatch.setattr(Delivery, "from_json", Mock(side_effect=InvalidPayloadError("invalid")))
        assert "rejected a stored delivery" in problems("stored")


class TestTheTargetOfAllowlists:
    def test_catches_that_any_address_is_allowed(self, monkeypatch):
        monkeypatch.setattr(Allowlist, "allows", lambda allowlist, ip: True)
        assert "allowed an address outside of the list, or rejected one in it" in problems("allowlist")

    def test_catches_that_an_invalid_address_is_allowed(self, monkeypatch):
        monkeypatch.setattr(Allowlist, "allows", lambda allowlist, ip: allows(allowlist, ip.split("/")[0]))
        assert "allowed an invalid address" in problems("allowlist")

    def test_catches_the_error_of_the_json_parser(self, monkeypatch):
        new = Allowlist.__init__
        monkeypatch.setattr(Allowlist, "__init__", on_error(new, ValueError, lambda _, source: json.loads(source)))
        assert "a ValueError that does not name the allow-list" in problems("allowlist")


class TestTheTargetOfCaptures:
    def test_reports_a_result_without_a_delivery_or_an_error(self, monkeypatch):
        monkeypatch.setattr(files, "read_captures", on_error(read_captures, UsageError, Mock(return_value=[])))
        assert "neither a delivery nor an error" in problems("capture")

    def test_catches_an_error_of_two_lines(self, monkeypatch):
        two_lines = Mock(side_effect=UsageError("invalid\ncapture"))
        monkeypatch.setattr(files, "read_captures", on_error(read_captures, UsageError, two_lines))
        assert "an error that is not one printable line" in problems("capture")

    def test_catches_another_exception(self, monkeypatch):
        monkeypatch.setattr(files, "read_captures", lambda content: read_captures(content.decode().encode()))
        assert escaped("capture") == {UnicodeDecodeError}

    @pytest.mark.parametrize(
        ("changed", "problem"),
        [
            ({"headers": [("svix-id", None)]}, "a header that is not a string"),
            ({"body": "text"}, "a body that is not bytes"),
            ({"received_at": "now"}, "a time that is not a float"),
            ({"event_type": None}, "a property that is not a string"),
        ],
    )
    def test_catches_an_attribute_of_another_type(self, monkeypatch, changed, problem):
        attributes = {"headers": [], "body": b"", "received_at": None, "message_id": "", "timestamp": ""}
        capture = SimpleNamespace(**attributes | {"event_type": ""} | changed)
        monkeypatch.setattr(files, "read_captures", Mock(return_value=[capture]))
        assert {*problems("capture")} == {problem}


@pytest.mark.slow
class TestTheTargetOfDiagnoses:
    def test_catches_that_a_valid_delivery_is_diagnosed(self, monkeypatch):
        monkeypatch.setattr(diagnosis, "diagnose", on_result(diagnose, lambda found: replace(found, valid=False)))
        assert "another verdict than the model" in problems("diagnose")

    def test_catches_that_an_iterator_of_headers_is_read_too_early(self, monkeypatch):
        def broken(headers, body, **options):
            if isinstance(headers, Iterator):
                next(headers, None)
            return diagnose(headers, body, **options)

        monkeypatch.setattr(diagnosis, "diagnose", broken)
        assert "another verdict than the model" in problems("diagnose")

    def test_catches_a_type_error(self, monkeypatch):
        monkeypatch.setattr(diagnosis, "diagnose", Mock(side_effect=TypeError))
        assert "a TypeError for well-formed headers" in problems("diagnose")

    def test_catches_a_rejection_without_a_fix(self, monkeypatch):
        monkeypatch.setattr(diagnosis, "diagnose", on_result(diagnose, lambda found: replace(found, fix="")))
        assert "a rejection without a cause" in problems("diagnose")

    def test_catches_that_a_valid_secret_is_confirmed_to_be_wrong(self, monkeypatch):
        def broken(found):
            return found if found.valid else replace(found, cause="wrong_secret", confidence="confirmed")

        monkeypatch.setattr(diagnosis, "diagnose", on_result(diagnose, broken))
        assert "a valid secret is confirmed to be wrong" in problems("diagnose")

    @pytest.mark.parametrize("shown", [SECRET, sign(BODY)], ids=["the secret", "the expected signature"])
    def test_catches_evidence_that_shows(self, monkeypatch, shown):
        monkeypatch.setattr(diagnosis, "diagnose", on_result(diagnose, lambda found: replace(found, evidence=shown)))
        assert "the evidence shows the secret or the expected signature" in problems("diagnose")


def test_there_is_a_broken_library_for_every_property():
    calls = [
        node
        for file in Path(files.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "require"
    ]
    properties = {call.args[1].value for call in calls if isinstance(call.args[1], ast.Constant)}
    assert len(properties) > 30
    tests = Path(__file__).read_text("utf-8")
    assert not {name for name in properties if f'"{name}"' not in tests}
