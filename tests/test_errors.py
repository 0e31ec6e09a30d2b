"""Does every error say whose fault it is, carry its facts, and survive a pickle?"""

import copy
import inspect
import pickle

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
    TimestampTooNewError,
    TimestampTooOldError,
    WebhookError,
    WebhookVerificationError,
)

EXAMPLES = {
    "invalid_secret": InvalidSecretError("is empty"),
    "missing_header": MissingHeaderError(("svix-id", "svix-timestamp"), "a hint", "msg_1"),
    "malformed_header": MalformedHeaderError("svix-id", "is given twice", "msg_1"),
    "signature_mismatch": SignatureMismatchError(2, 1, "msg_1"),
    "timestamp_too_old": TimestampTooOldError(-301, 300, "msg_1"),
    "timestamp_too_new": TimestampTooNewError(301, 300.5, "msg_1"),
    "invalid_payload": InvalidPayloadError("the body is not JSON", "msg_1"),
    "body_too_large": BodyTooLargeError(1_048_576, "msg_1"),
    "body_incomplete": BodyIncompleteError(10, 20),
    "body_timeout": BodyTimeoutError(10.0),
    "body_consumed": BodyConsumedError("something read it before"),
    "store_unavailable": StoreError("it is away"),
}


@pytest.mark.parametrize(("code", "error"), EXAMPLES.items(), ids=EXAMPLES)
def test_each_has_a_stable_code_and_survives_a_pickle_and_a_copy(code, error):
    assert error.code == code
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert str(again) == str(error)


def test_the_two_sides():
    """What is ours is answered 500, what is the sender's 4xx: one except clause tells them apart."""
    ours = {code for code, error in EXAMPLES.items() if not isinstance(error, WebhookVerificationError)}
    assert ours == {"invalid_secret", "body_consumed", "store_unavailable"}
    assert all(isinstance(error, WebhookError) for error in EXAMPLES.values())


def test_no_class_is_left_out_above():
    classes = {each for each in vars(errors).values() if inspect.isclass(each) and not each.__name__.startswith("_")}
    assert classes == {type(error) for error in EXAMPLES.values()} | {WebhookError, WebhookVerificationError}


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


@pytest.mark.parametrize("error", EXAMPLES.values(), ids=EXAMPLES)
def test_the_text_says_how_to_mend_it(error):
    assert str(error)
    assert "after 10 of 20 bytes" in str(EXAMPLES["body_incomplete"])
    assert "closed the connection" in str(BodyIncompleteError())
    assert "within 10 s" in str(EXAMPLES["body_timeout"])
    for place in (MissingHeaderError(("svix-id",)), BodyTooLargeError(5), InvalidPayloadError("x")):
        assert str(place)
    assert "svix-id header:" in str(MissingHeaderError(("svix-id",)))
    assert "no svix-id and svix-timestamp header" in str(EXAMPLES["missing_header"])
    assert str(EXAMPLES["missing_header"]).endswith("; a hint")
    assert "1048576 bytes" in str(EXAMPLES["body_too_large"])
