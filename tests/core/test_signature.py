"""Which signatures are valid, and that all others are rejected."""

import base64
import hmac
import re
import sys
from collections import Counter

import pytest
from helpers.signer import BODY, MESSAGE_ID, NOW, OTHER_SECRET, SECRET, key_of, now, sign, signed_headers
from helpers.strategies import IDS, KEYS
from hypothesis import given, strategies as st

from clerk_webhook_verify import Webhook, WebhookVerificationError
from clerk_webhook_verify.errors import SignatureMismatchError

GOOD = sign(BODY)
webhook = Webhook(SECRET, clock=now)


def with_signature(signature: str) -> dict[str, str]:
    return signed_headers() | {"svix-signature": signature}


class TestManyEntries:
    @pytest.mark.parametrize(
        "signature",
        [
            GOOD,
            f"{GOOD} v1,AAAA",
            f"v1,AAAA {GOOD}",
            f"v1,AAAA {GOOD} v1,BBBB",
            f"v1a,AAAA v2,{GOOD[3:]} {GOOD}",
            f"  {GOOD}  ",
            f"v1 , v1, ,, v1,a,b \N{SNOWMAN} {GOOD}",
            f"{GOOD} {GOOD}",
            f"{sign(BODY, secret=OTHER_SECRET)} {GOOD}",
        ],
    )
    def test_any_match_passes_wherever_it_stands(self, signature):
        assert webhook.verify(with_signature(signature), BODY)

    @pytest.mark.parametrize(
        "signature",
        [
            "",
            "v1,",
            "v1",
            ",",
            GOOD[3:],
            f"v1a,{GOOD[3:]}",
            f"V1,{GOOD[3:]}",
            f"v2,{GOOD[3:]}",
            f"v1, {GOOD[3:]}",
            f"v1,v1,{GOOD[3:]}",
            f"{GOOD},",
            f"{GOOD},x",
            f"{GOOD},{GOOD}",
            f"{GOOD}\t{GOOD}",
            f"{GOOD}=",
            f"{GOOD}A",
            f"X{GOOD}",
            f"{GOOD}X",
            GOOD.replace("=", ""),
            GOOD.replace("=", "%3D"),
            GOOD.replace("+", "-").replace("/", "_") + "_",
            sign(BODY, secret=OTHER_SECRET),
            sign(BODY + b"\n"),
            sign(BODY, timestamp=NOW + 1),
            sign(BODY, message_id=MESSAGE_ID + "x"),
            "v1," + base64.b64encode(bytes(32)).decode(),
        ],
    )
    def test_rejects_any_other_signature(self, signature):
        with pytest.raises(SignatureMismatchError) as caught:
            webhook.verify(with_signature(signature), BODY)
        assert caught.value.message_id == MESSAGE_ID

    @pytest.mark.parametrize("length", range(len(GOOD)))
    def test_no_beginning_and_no_end_of_a_good_one_is_enough(self, length):
        for part in (GOOD[:length], GOOD[len(GOOD) - length :], "v1," + GOOD[3:][:length]):
            if part != GOOD:
                with pytest.raises(SignatureMismatchError):
                    webhook.verify(with_signature(part), BODY)

    def test_only_the_canonical_encoding_counts(self):
        """The last character before the padding carries two bits that decoders drop."""
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        digest = base64.b64decode(GOOD[3:])
        same = [GOOD[:-2] + each + "=" for each in alphabet if base64.b64decode(GOOD[3:-2] + each + "=") == digest]
        assert len(same) == 4
        for signature in same:
            if signature != GOOD:
                with pytest.raises(SignatureMismatchError):
                    webhook.verify(with_signature(signature), BODY)

    def test_the_error_counts_what_could_have_matched(self):
        digest = base64.b64encode(bytes(32)).decode()
        headers = with_signature(f"v1,{digest} v1a,AAAA v1,short v2,{digest} v1.{digest} v1,{digest}")
        with pytest.raises(SignatureMismatchError, match=r"none of 2 v1 signature\(s\) matches any of 1") as caught:
            webhook.verify(headers, BODY)
        assert (caught.value.candidates, caught.value.secrets) == (2, 1)
        with pytest.raises(SignatureMismatchError, match="no v1 signature") as caught:
            webhook.verify(with_signature("v1a,AAAA"), BODY)
        assert (caught.value.candidates, caught.value.secrets) == (0, 1)


class TestTheBody:
    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, bytes.decode])
    def test_the_body_is_verified_unchanged(self, kind):
        assert webhook.verify_signature(signed_headers(), kind(BODY)).body == BODY

    def test_a_string_is_encoded_as_utf_8(self):
        text = '{"type":"x","data":{"name":"Zoë ☃"}}'
        assert webhook.verify(signed_headers(text.encode()), text).raw["data"]["name"] == "Zoë ☃"

    def test_bytes_are_kept_by_reference(self):
        assert webhook.verify_signature(signed_headers(), BODY).body is BODY

    @pytest.mark.parametrize("view", [lambda buffer: buffer, memoryview])
    def test_a_changed_buffer_does_not_change_the_delivery(self, view):
        buffer = bytearray(BODY)
        delivery = webhook.verify_signature(signed_headers(), view(buffer))
        buffer[:] = bytes(len(buffer))
        assert delivery.body == BODY
        assert delivery.parse().type == "user.created"

    def test_a_view_may_have_gaps(self):
        repeated = bytes(byte for byte in BODY for _ in range(2))
        assert webhook.verify_signature(signed_headers(), memoryview(repeated)[::2]).body == BODY

    @pytest.mark.parametrize("body", [b"", b"\xff\x00", b"\xef\xbb\xbf{}", bytes(range(256))])
    def test_may_be_any_bytes_as_far_as_the_signature_goes(self, body):
        assert webhook.verify_signature(signed_headers(body), body).body == body

    def test_a_string_without_utf_8_does_not_match(self):
        with pytest.raises(SignatureMismatchError):
            webhook.verify(signed_headers(), '{"\ud800"}')

    @pytest.mark.parametrize("body", [{"type": "user.created"}, ["x"], None, 5, object()])
    def test_parsed_json_is_a_type_error(self, body):
        told = rf"not {type(body).__name__}: do not parse it \(Flask request.get_data\(\).*request.body\)$"
        with pytest.raises(TypeError, match=told):
            webhook.verify(signed_headers(), body)

    @pytest.mark.parametrize("body", [BODY, BODY.decode(), bytearray(BODY), memoryview(BODY)])
    def test_swapped_arguments_are_a_type_error(self, body):
        with pytest.raises(TypeError, match=r"headers come first: verify\(headers, body\)"):
            webhook.verify(body, signed_headers())


@given(
    place=st.sampled_from(["id", "timestamp", "body", "key", "signature"]),
    bit=st.integers(min_value=0, max_value=10_000),
    body=st.binary(min_size=1, max_size=200),
)
def test_rejects_one_changed_bit_anywhere(place, bit, body):
    def flipped(data: bytes) -> bytes:
        index = bit % (8 * len(data))
        changed = bytearray(data)
        changed[index // 8] ^= 1 << index % 8
        return bytes(changed)

    headers, secret = signed_headers(body), SECRET
    if place == "body":
        body = flipped(body)
    elif place == "key":
        secret = "whsec_" + base64.b64encode(flipped(key_of(SECRET))).decode()
    elif place == "signature":
        digest = flipped(base64.b64decode(headers["svix-signature"][3:]))
        headers["svix-signature"] = "v1," + base64.b64encode(digest).decode()
    else:
        headers[f"svix-{place}"] = flipped(headers[f"svix-{place}"].encode()).decode("latin-1")
    with pytest.raises(WebhookVerificationError) as caught:
        Webhook(secret, clock=now).verify_signature(headers, body)
    assert caught.value.code in {"signature_mismatch", "malformed_header"}


@given(secret=KEYS, message_id=IDS, timestamp=st.integers(0, 999_999_999_999), body=st.binary())
def test_what_is_signed_is_verified(secret, message_id, timestamp, body):
    then = Webhook(secret, clock=lambda: timestamp)
    headers = then.signed_headers(body, message_id=message_id, timestamp=timestamp)
    assert headers == signed_headers(body, secret=secret, message_id=message_id, timestamp=timestamp)
    delivery = then.verify_signature(headers, body)
    assert (delivery.message_id, delivery.timestamp, delivery.body) == (message_id, timestamp, body)


class TestSigning:
    def test_the_first_secret_signs(self):
        assert Webhook([OTHER_SECRET, SECRET]).sign(MESSAGE_ID, NOW, BODY) == sign(BODY, secret=OTHER_SECRET)

    def test_a_fresh_id_and_now_by_default(self):
        first, second = webhook.signed_headers(BODY), webhook.signed_headers(BODY)
        assert first["svix-id"] != second["svix-id"]
        assert re.fullmatch("msg_[0-9a-f]{32}", first["svix-id"]), "128 random bits"
        assert first["svix-timestamp"] == str(NOW)
        assert webhook.verify(first, BODY).message_id == first["svix-id"]

    @pytest.mark.parametrize("timestamp", [0, 999_999_999_999])
    def test_the_first_and_the_last_second_are_signed(self, timestamp):
        assert webhook.sign(MESSAGE_ID, timestamp, BODY) == sign(BODY, timestamp=timestamp)

    @pytest.mark.parametrize(
        ("message_id", "timestamp", "body", "error", "said"),
        [
            ("", NOW, BODY, ValueError, "message_id must be 1 to 256"),
            ("a.b", NOW, BODY, ValueError, "message_id must be 1 to 256"),
            ("a,b", NOW, BODY, ValueError, "message_id must be 1 to 256"),
            (" a", NOW, BODY, ValueError, "message_id must be 1 to 256"),
            ("a" * 257, NOW, BODY, ValueError, "message_id must be 1 to 256"),
            (b"msg_1", NOW, BODY, TypeError, "message_id must be a str, not bytes"),
            (5, NOW, BODY, TypeError, "message_id must be a str, not int"),
            ("msg_1", -1, BODY, ValueError, "timestamp must be .* not negative"),
            ("msg_1", 10**12, BODY, ValueError, "timestamp must be .* not milliseconds"),
            ("msg_1", float(NOW), BODY, TypeError, "timestamp must be .* not float"),
            ("msg_1", str(NOW), BODY, TypeError, "timestamp must be .* not str"),
            ("msg_1", True, BODY, TypeError, "timestamp must be .* not bool"),
            ("msg_1", NOW, {"type": "x"}, TypeError, "body must be the raw body as bytes or str, not dict"),
            ("msg_1", NOW, None, TypeError, "body must be the raw body as bytes or str, not NoneType"),
            ("msg_1", NOW, "\ud800", ValueError, "surrogates not allowed"),
        ],
    )
    def test_sign_rejects_what_verify_rejects(self, message_id, timestamp, body, error, said):
        with pytest.raises(error, match=said):
            webhook.sign(message_id, timestamp, body)
        with pytest.raises(error, match=said):
            webhook.signed_headers(body, message_id=message_id, timestamp=timestamp)


def test_every_entry_is_compared_and_the_body_hashed_once_per_secret():
    """Counts the calls of the standard library: no early exit at a match, and an entry costs no second hash."""
    calls = Counter()

    def count(frame, event, argument):
        calls[argument if event == "c_call" else frame.f_code if event == "call" else None] += 1

    entries = [GOOD, *["v1," + "A" * 43 + "="] * 99]
    several = Webhook([SECRET, OTHER_SECRET], clock=now)
    sys.setprofile(count)
    try:
        several.verify_signature(with_signature(" ".join(entries)), BODY)
    finally:
        sys.setprofile(None)
    assert calls[hmac.compare_digest] == 2 * len(entries)
    assert calls[hmac.HMAC.update.__code__] == 2 * len([b"id.timestamp.", BODY])
