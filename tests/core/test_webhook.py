"""In which order does a Webhook check, and can anything change it afterwards?"""

import copy
import pickle
import threading

import pytest
from helpers.signer import BODY, MESSAGE_ID, NOW, OTHER_SECRET, SECRET, now, signed_headers

import clerk_webhook_verify
from clerk_webhook_verify import InvalidSecretError, Webhook, WebhookVerificationError, verify

webhook = Webhook(SECRET, clock=now)


def test_verify_takes_all_that_a_webhook_takes():
    event = verify(signed_headers(timestamp=NOW - 900), BODY, secret=SECRET, tolerance=900, clock=now)
    assert event.type == "user.created"
    assert event == Webhook(SECRET, tolerance=900, clock=now).verify(signed_headers(timestamp=NOW - 900), BODY)


def test_verify_is_verify_signature_and_parse():
    delivery = webhook.verify_signature(signed_headers(), BODY)
    event = webhook.verify(signed_headers(), BODY)
    assert event == delivery.parse()
    assert event.delivery == delivery


class TestTheOrder:
    """Each delivery below is wrong in one way more than the one above it, and only the first wrong thing is told."""

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

    def test_nothing_is_parsed_before_it_is_authentic(self, monkeypatch):
        from clerk_webhook_verify import events

        def parse(*_):
            raise AssertionError("parsed")

        monkeypatch.setattr(events, "parse_payload", parse)
        assert self.told(signed_headers(secret=OTHER_SECRET), BODY) == "signature_mismatch"
        assert self.told(signed_headers(timestamp=0), BODY) == "timestamp_too_old"
        assert webhook.verify_signature(signed_headers(), BODY).body == BODY
        with pytest.raises(AssertionError, match="parsed"):
            webhook.verify(signed_headers(), BODY)


class TestImmutable:
    @pytest.mark.parametrize("name", ["fingerprints", "tolerance", "_tolerance", "_signers", "_clock", "anything"])
    def test_no_attribute_can_be_set_or_deleted(self, name):
        with pytest.raises(AttributeError, match="immutable"):
            setattr(webhook, name, 0)
        with pytest.raises(AttributeError, match="immutable"):
            delattr(webhook, name)

    @pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_it_leaves_no_process_and_makes_no_copies(self, take):
        with pytest.raises(TypeError, match="make another one"):
            take(webhook)

    def test_many_threads_share_one(self):
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
        "verify", "Webhook", "Delivery", "Event", "UnknownEvent", "__version__", "WebhookError",
        "WebhookVerificationError", "InvalidSecretError", "InvalidPayloadError", "Headers", "Body", "Secret",
    }  # fmt: skip
    for name in clerk_webhook_verify.__all__:
        assert getattr(clerk_webhook_verify, name)
