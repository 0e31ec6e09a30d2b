"""In which order does a Webhook check, and can anything change it afterwards?"""

import copy
import pickle
import threading
from types import SimpleNamespace
from typing import ClassVar
from unittest.mock import patch

import pytest
from helpers.signer import BODY, MESSAGE_ID, NOW, OTHER_SECRET, SECRET, now, signed_headers

import clerk_webhook_verify
from clerk_webhook_verify import Delivery, InvalidSecretError, Webhook, WebhookVerificationError, verify
from clerk_webhook_verify.errors import TimestampError

webhook = Webhook(SECRET, clock=now)


def test_verify_accepts_all_arguments_of_a_webhook():
    event = verify(signed_headers(timestamp=NOW - 900), BODY, secret=SECRET, tolerance=900, clock=now)
    assert event.type == "user.created"
    assert event == Webhook(SECRET, tolerance=900, clock=now).verify(signed_headers(timestamp=NOW - 900), BODY)


def test_verify_is_verify_signature_and_parse():
    delivery = webhook.verify_signature(signed_headers(), BODY)
    event = webhook.verify(signed_headers(), BODY)
    assert event == delivery.parse()
    assert event.delivery == delivery


class TestTheOrder:
    """Each delivery below has one fault more than the one above it, and only the first fault is reported."""

    def told(self, headers: dict[str, str], body: bytes) -> str:
        with pytest.raises(WebhookVerificationError) as caught:
            webhook.verify(headers, body)
        return caught.value.code

    def test_payload_comes_last(self):
        body = b"not json"
        headers = signed_headers(body)
        assert self.told(headers, body) == "invalid_payload"
        headers = signed_headers(body, timestamp=NOW - 3600)
        assert self.told(headers, body) == "timestamp_too_old"
        headers = signed_headers(body, timestamp=NOW - 3600, secret=OTHER_SECRET)
        assert self.told(headers, body) == "signature_mismatch"
        headers |= {"svix-timestamp": "soon"}
        assert self.told(headers, body) == "malformed_header"
        headers |= {"svix-id": "a.b"}
        assert self.told(headers, body) == "malformed_header"
        del headers["svix-signature"]
        assert self.told(headers, body) == "missing_header"

    def test_the_secret_comes_first(self):
        with pytest.raises(InvalidSecretError):
            verify({}, b"not json", secret="whsec_")

    def test_nothing_is_parsed_before_it_is_authentic(self):
        with patch.object(Delivery, "parse", side_effect=AssertionError("parsed")):
            assert self.told(signed_headers(secret=OTHER_SECRET), BODY) == "signature_mismatch"
            assert self.told(signed_headers(timestamp=0), BODY) == "timestamp_too_old"
            assert webhook.verify_signature(signed_headers(), BODY).body == BODY
            with pytest.raises(AssertionError, match="parsed"):
                webhook.verify(signed_headers(), BODY)


class TestReplacingMethods:
    """As tests of an application do, on one webhook, for a while."""

    CALLS: ClassVar = {
        "verify": lambda: webhook.verify(signed_headers(), BODY).type,
        "verify_signature": lambda: webhook.verify_signature(signed_headers(), BODY).message_id,
        "sign": lambda: webhook.sign(MESSAGE_ID, NOW, BODY),
    }

    @pytest.mark.parametrize("name", CALLS)
    def test_a_method_patched_on_a_webhook_changes_no_other_and_is_restored(self, name):
        before = {each: call() for each, call in self.CALLS.items()}
        with patch.object(webhook, name, return_value=SimpleNamespace(type="patched", message_id="patched")):
            during = {each: call() for each, call in self.CALLS.items()}
        assert {each for each in before if during[each] != before[each]} == {name}
        assert {each: call() for each, call in self.CALLS.items()} == before

    def test_a_clock_patched_in_the_time_module_is_used(self):
        created_before = Webhook(SECRET)
        with patch("time.time", lambda: NOW):
            assert created_before.verify(signed_headers(), BODY).type == "user.created"
            assert created_before.signed_headers(BODY)["svix-timestamp"] == str(NOW)
        with pytest.raises(TimestampError):
            created_before.verify(signed_headers(), BODY)


class TestSharing:
    @pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_a_webhook_rejects_pickle_and_copy(self, take):
        with pytest.raises(TypeError, match="create another one"):
            take(webhook)

    def test_many_threads_share_one_webhook(self):
        failures = []

        def work(number: int) -> None:
            body = b'{"type":"user.created","data":{"id":"user_%d"}}' % number
            for _ in range(50):
                event = webhook.verify(signed_headers(body, message_id=f"msg_{number}"), body)
                if (event.message_id, event.data.id) != (f"msg_{number}", f"user_{number}"):
                    failures.append(event)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures


def test_its_repr_shows_fingerprints():
    for tolerance, shown in ((60.5, "60.5"), (60, "60"), (60.0, "60")):
        assert repr(Webhook([SECRET], tolerance=tolerance)) == (
            f"Webhook(fingerprints={webhook.fingerprints!r}, tolerance={shown})"
        )


def test_a_webhook_whose_secret_was_invalid_has_a_repr():
    """Error trackers call it on the local variables of every frame."""
    assert repr(Webhook.__new__(Webhook)) == "Webhook(fingerprints=(), tolerance=0)"


def test_message_ids_are_known_from_the_first_check_on():
    for headers in (
        signed_headers() | {"svix-timestamp": "soon"},
        signed_headers() | {"svix-signature": "v1,"},
        signed_headers(timestamp=0),
        {"svix-id": MESSAGE_ID},
    ):
        with pytest.raises(WebhookVerificationError) as caught:
            webhook.verify(headers, BODY)
        assert caught.value.message_id == MESSAGE_ID


def test_the_front_door_has_these_names_and_no_other():
    assert set(clerk_webhook_verify.__all__) == {
        "verify", "Webhook", "Delivery", "AnyEvent", "Event", "UnknownEvent", "__version__", "WebhookError",
        "WebhookVerificationError", "InvalidSecretError", "InvalidPayloadError", "Headers", "Body", "Secret",
        "RejectedRequest",
    }  # fmt: skip
    for name in clerk_webhook_verify.__all__:
        assert getattr(clerk_webhook_verify, name)
