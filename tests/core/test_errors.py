"""The classes, attributes and messages of the errors."""

import copy
import inspect
import pickle
import re

import pytest

from clerk_webhook_verify import errors
from clerk_webhook_verify.errors import (
    BodyConsumedError,
    BodyIncompleteError,
    BodyTimeoutError,
    BodyTooLargeError,
    InvalidPayloadError,
    InvalidSecretError,
    MalformedHeaderError,
    MissingHeaderError,
    SignatureMismatchError,
    StoreError,
    TimestampError,
    TimestampTooNewError,
    TimestampTooOldError,
    WebhookError,
    WebhookVerificationError,
)

EXAMPLES = {
    "invalid_secret": InvalidSecretError("is empty"),
    "missing_header": MissingHeaderError(("svix-id", "svix-timestamp"), "a hint", "msg_1"),
    "malformed_header": MalformedHeaderError("svix-id", "is duplicated", "msg_1"),
    "signature_mismatch": SignatureMismatchError(2, 1, "msg_1"),
    "timestamp_too_old": TimestampTooOldError(-301, 300, "msg_1"),
    "timestamp_too_new": TimestampTooNewError(301, 300.5, "msg_1"),
    "invalid_payload": InvalidPayloadError("the body is not JSON", "msg_1"),
    "body_too_large": BodyTooLargeError(1_048_576, "msg_1"),
    "body_incomplete": BodyIncompleteError(10, 20),
    "body_timeout": BodyTimeoutError(10.0),
    "body_consumed": BodyConsumedError("something read it before"),
    "store_unavailable": StoreError("it is unavailable"),
}


@pytest.mark.parametrize(("code", "error"), EXAMPLES.items(), ids=EXAMPLES)
def test_each_has_a_stable_code_and_survives_a_pickle_and_a_copy(code, error):
    assert error.code == code
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert str(again) == str(error)


@pytest.mark.parametrize("error", EXAMPLES.values(), ids=EXAMPLES)
def test_its_args_are_its_facts_however_it_was_made(error):
    facts = {name: getattr(error, name) for name in inspect.signature(type(error)).parameters}
    for made in (error, type(error)(**facts), pickle.loads(pickle.dumps(type(error)(**facts)))):
        assert made.args == tuple(facts.values())
        assert vars(made) == vars(error)


def test_errors_of_the_sender_and_of_the_application_are_distinguished():
    """So that one except clause distinguishes 500 from 4xx."""
    application_errors = {code for code, error in EXAMPLES.items() if not isinstance(error, WebhookVerificationError)}
    assert application_errors == {"invalid_secret", "body_consumed", "store_unavailable"}
    assert all(isinstance(error, WebhookError) for error in EXAMPLES.values())
    assert (WebhookError.code, WebhookVerificationError.code) == ("webhook_error", "verification_failed")


def test_no_class_is_left_out_above():
    classes = {each for each in vars(errors).values() if inspect.isclass(each) and not each.__name__.startswith("_")}
    assert classes == {type(error) for error in EXAMPLES.values()} | {
        WebhookError,
        WebhookVerificationError,
        TimestampError,
    }


def test_the_facts_are_attributes():
    assert EXAMPLES["missing_header"].names == ("svix-id", "svix-timestamp")
    assert EXAMPLES["malformed_header"].name == "svix-id"
    assert (EXAMPLES["timestamp_too_old"].skew, EXAMPLES["timestamp_too_old"].tolerance) == (-301, 300)
    assert EXAMPLES["body_too_large"].limit == 1_048_576
    assert (EXAMPLES["body_incomplete"].received, EXAMPLES["body_incomplete"].declared) == (10, 20)
    assert EXAMPLES["body_timeout"].seconds == 10
    unknown = {code for code, error in EXAMPLES.items() if error.message_id is None}
    assert unknown == {"invalid_secret", "body_incomplete", "body_timeout", "body_consumed", "store_unavailable"}
    assert {error.message_id for code, error in EXAMPLES.items() if code not in unknown} == {"msg_1"}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (EXAMPLES["invalid_secret"], "^is empty$"),
        (EXAMPLES["missing_header"], r"^missing header\(s\) svix-id, svix-timestamp: pass all .*; a hint$"),
        (MissingHeaderError(("a", "b", "c")), r"^missing header\(s\) a, b, c: .* no proxy removes them$"),
        (MissingHeaderError(("svix-id",)), r"^missing header\(s\) svix-id: .* no proxy removes them$"),
        (EXAMPLES["malformed_header"], "^header svix-id is duplicated$"),
        (
            EXAMPLES["signature_mismatch"],
            r"^none of 2 v1 signature\(s\) matches any of 1 secret\(s\): pass the raw body, .* signing secret$",
        ),
        (SignatureMismatchError(0, 1, "msg_1"), "^no v1 signature .* are ignored: pass the header unchanged$"),
        (EXAMPLES["timestamp_too_old"], r"is 301 s old \(tolerance 300 s\): synchronize .* or pass clock="),
        (EXAMPLES["timestamp_too_new"], r"is 301 s in the future \(tolerance 300.5 s\): synchronize"),
        (TimestampTooOldError(-301, 300.0, "msg_1"), r"\(tolerance 300 s\)"),
        (TimestampTooNewError(301, 300.0, "msg_1"), r"\(tolerance 300 s\)"),
        (EXAMPLES["invalid_payload"], "^the body is not JSON$"),
        (EXAMPLES["body_too_large"], "^body exceeds 1048576 bytes: raise the limit if your deliveries"),
        (BodyTooLargeError(9, option="max_body"), r"^body exceeds 9 bytes: raise the limit \(max_body\) if your"),
        (EXAMPLES["body_incomplete"], "^body ended after 10 of 20 bytes: check for a disconnect"),
        (BodyIncompleteError(), "^body is incomplete: check for a disconnect"),
        (BodyIncompleteError(10), "^body is incomplete: check for a disconnect"),
        (BodyIncompleteError(declared=20), "^body is incomplete: check for a disconnect"),
        (BodyIncompleteError(0, 20), "^body is empty, not 20 bytes: the client sent none"),
        (EXAMPLES["body_timeout"], "^body did not arrive within 10 s: check for a slow client"),
        (BodyTimeoutError(5.0, "body_timeout"), r"^body did not arrive within 5 s \(body_timeout\): check"),
        (EXAMPLES["body_consumed"], "^something read it before$"),
        (EXAMPLES["store_unavailable"], "^it is unavailable$"),
    ],
)
def test_message_says_how_to_fix_it(error, expected):
    assert re.search(expected, str(error))


def test_a_store_error_shows_whether_the_message_was_handled():
    assert StoreError("it is unavailable").handled is False
    handled = StoreError("it is unavailable", handled=True)
    for error in (handled, pickle.loads(pickle.dumps(handled)), copy.copy(handled), copy.deepcopy(handled)):
        assert error.handled is True


def test_a_users_store_error_shows_that_the_message_was_not_handled():
    class AwayError(StoreError):
        def __init__(self) -> None:
            Exception.__init__(self)

    assert AwayError().handled is False
