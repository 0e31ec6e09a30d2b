"""A delivery is the same after a queue, and other input is rejected."""

import base64
import copy
import dataclasses
import json
import pickle

import pytest
from helpers.signer import BODY, MESSAGE_ID, NOW, SECRET, now, signed_headers
from helpers.strategies import IDS
from hypothesis import given, strategies as st

from clerk_webhook_verify import Delivery, InvalidPayloadError, Webhook

webhook = Webhook(SECRET, clock=now)
DELIVERY = webhook.verify_signature(signed_headers(), BODY)
STORED = json.loads(DELIVERY.to_json())


def test_a_delivery_contains_what_was_signed_and_the_secrets_fingerprint():
    assert Delivery(MESSAGE_ID, NOW, BODY, webhook.fingerprints[0]) == DELIVERY


def test_verify_now_process_later_needs_no_secret():
    queued = DELIVERY.to_json()
    event = Delivery.from_json(queued).parse()
    assert event == webhook.verify(signed_headers(), BODY)
    assert event.delivery == DELIVERY


def test_it_is_frozen_hashable_and_can_be_copied():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DELIVERY.body = b""
    assert pickle.loads(pickle.dumps(DELIVERY)) == copy.deepcopy(DELIVERY) == DELIVERY
    assert len({DELIVERY, copy.copy(DELIVERY)}) == 1


def test_its_repr_shows_the_size_of_the_body_only():
    assert repr(DELIVERY) == (
        f"Delivery(message_id='{MESSAGE_ID}', timestamp={NOW}, body={len(BODY)} bytes, "
        f"secret_fingerprint='{webhook.fingerprints[0]}')"
    )


def test_the_stored_form_has_these_four_keys():
    assert {
        "message_id": MESSAGE_ID,
        "timestamp": NOW,
        "body_b64": base64.b64encode(BODY).decode(),
        "secret_fingerprint": webhook.fingerprints[0],
    } == STORED


@given(message_id=IDS, timestamp=st.integers(0, 999_999_999_999), body=st.binary(), fingerprint=st.text())
def test_any_bytes_come_back_as_they_were(message_id, timestamp, body, fingerprint):
    delivery = Delivery(message_id, timestamp, body, fingerprint)
    text = delivery.to_json()
    assert Delivery.from_json(text) == Delivery.from_json(text.encode()) == delivery


def test_unknown_keys_are_ignored():
    assert Delivery.from_json(json.dumps(STORED | {"attempt": 3, "message": None})) == DELIVERY


@pytest.mark.parametrize("key", STORED)
def test_a_stored_delivery_without_a_key_is_an_invalid_payload(key):
    with pytest.raises(InvalidPayloadError, match="not a stored delivery"):
        Delivery.from_json(json.dumps({name: value for name, value in STORED.items() if name != key}))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("message_id", None),
        ("message_id", 5),
        ("message_id", ""),
        ("message_id", "a.b"),
        ("message_id", "a,b"),
        ("message_id", "sesame \n"),
        ("message_id", "a" * 257),
        ("timestamp", None),
        ("timestamp", True),
        ("timestamp", "1700000000"),
        ("timestamp", 1.7e9),
        ("timestamp", -1),
        ("timestamp", 10**12),
        ("body_b64", None),
        ("body_b64", 5),
        ("body_b64", ["e30="]),
        ("body_b64", "e30"),
        ("body_b64", "e30=="),
        ("body_b64", "e30=\n"),
        ("body_b64", "e31="),
        ("body_b64", "e-_="),
        ("body_b64", "é30="),
        ("body_b64", "!e30="),
        ("secret_fingerprint", None),
        ("secret_fingerprint", 5),
    ],
)
def test_every_value_must_have_the_form_of_a_verified_one(key, value):
    with pytest.raises(InvalidPayloadError, match=f"not a stored delivery: {key}") as caught:
        Delivery.from_json(json.dumps(STORED | {key: value}))
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "sesame", "[]", "null", "{}", "\ud800", b"\xff", "\ufeff{}", '{"a":' * 100_000])
def test_text_that_is_not_a_stored_delivery_is_an_invalid_payload(text):
    with pytest.raises(InvalidPayloadError) as caught:
        Delivery.from_json(text)
    assert caught.value.message_id is None
    assert "sesame" not in repr(caught.value)


@pytest.mark.parametrize("text", [None, STORED, 5, bytearray(b"{}")])
def test_another_type_is_a_type_error(text):
    with pytest.raises(TypeError, match=rf"that to_json\(\) wrote, not {type(text).__name__}"):
        Delivery.from_json(text)
