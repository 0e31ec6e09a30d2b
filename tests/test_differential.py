"""Do svix and standardwebhooks agree with us, both ways, wherever we are not stricter on purpose?"""

import binascii
import time

import pytest
import standardwebhooks
import svix.webhooks
from hypothesis import given, strategies as st
from signer import SECRET, signed_headers
from test_signature import IDS, KEYS

from clerk_webhook_verify import Webhook, WebhookVerificationError

# The peers know no clock of ours and no bytes that are not UTF-8, and read the timestamp as a float.
PEERS = {
    "svix": (svix.webhooks.Webhook, "svix"),
    "svix, webhook-*": (svix.webhooks.Webhook, "webhook"),
    "standardwebhooks": (standardwebhooks.Webhook, "webhook"),
}
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def agrees(peer: type, family: str, headers: dict[str, str], body: str, secret: str = SECRET) -> bool:
    renamed = {name.replace("svix", family): value for name, value in headers.items()}
    try:
        peer(secret).verify(body, renamed, **({} if peer is svix.webhooks.Webhook else {"json_parse": False}))
    except Exception:  # they let many others escape
        return False
    return True


@pytest.mark.parametrize(("peer", "family"), PEERS.values(), ids=PEERS)
class TestBothWays:
    @given(secret=KEYS, message_id=IDS, body=TEXTS, skew=st.integers(-290, 290))
    def test_what_we_sign_they_accept(self, peer, family, secret, message_id, body, skew):
        headers = Webhook(secret).signed_headers(body, message_id=message_id, timestamp=int(time.time()) + skew)
        assert agrees(peer, family, headers, body, secret)

    @given(secret=KEYS, message_id=IDS, body=TEXTS)
    def test_what_they_sign_we_accept(self, peer, family, secret, message_id, body):
        from datetime import datetime, timezone

        moment = datetime.now(timezone.utc)
        headers = {
            f"{family}-id": message_id,
            f"{family}-timestamp": str(int(moment.timestamp())),
            f"{family}-signature": peer(secret).sign(message_id, moment, body),
        }
        assert Webhook(secret).verify_signature(headers, body).message_id == message_id

    @given(
        name=st.sampled_from(["svix-id", "svix-timestamp", "svix-signature"]),
        change=st.sampled_from(["", " ", "x", "0", ",", "=", "v1,"]),
        front=st.booleans(),
        body=st.sampled_from(['{"type":"x","data":{}}', ""]),
    )
    def test_what_they_refuse_we_refuse(self, peer, family, name, change, front, body):
        headers = signed_headers(body.encode(), timestamp=int(time.time()))
        headers[name] = change + headers[name] if front else headers[name] + change
        try:
            Webhook(SECRET).verify_signature(headers, body)
        except WebhookVerificationError:
            return
        stripped = {key: value.strip(" ") for key, value in headers.items()}
        assert agrees(peer, family, stripped, body)


STRICTER = {
    "a timestamp that is no integer": lambda headers: {"svix-timestamp": headers["svix-timestamp"] + ".0"},
    "a timestamp with an underscore": lambda headers: {
        "svix-timestamp": headers["svix-timestamp"][:1] + "_" + headers["svix-timestamp"][1:]
    },
    "junk inside the base64": lambda headers: {
        "svix-signature": headers["svix-signature"][:9] + "!%" + headers["svix-signature"][9:]
    },
}


@pytest.mark.parametrize("change", STRICTER.values(), ids=STRICTER)
def test_where_we_are_stricter_on_purpose(change):
    headers = signed_headers(b"{}", timestamp=int(time.time()))
    headers |= change(headers)
    assert agrees(svix.webhooks.Webhook, "svix", headers, "{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify_signature(headers, b"{}")


@pytest.mark.parametrize(
    ("signature", "body", "escapes"),
    [
        ("v1", b"{}", ValueError),
        ("v1,abc", b"{}", binascii.Error),
        (None, b"\xff", UnicodeDecodeError),
        (None, {}, AttributeError),
    ],
)
def test_what_escapes_from_svix(signature, body, escapes):
    """The README says so."""
    headers = signed_headers(b"{}", timestamp=int(time.time()))
    headers["svix-signature"] = signature or headers["svix-signature"]
    with pytest.raises(escapes):
        svix.webhooks.Webhook(SECRET).verify(body, headers)
    with pytest.raises((WebhookVerificationError, TypeError)):
        Webhook(SECRET).verify(headers, body)


def test_mixed_families_are_one_of_them():
    headers = signed_headers(b"{}", timestamp=int(time.time()))
    headers["webhook-signature"] = headers.pop("svix-signature")
    assert agrees(svix.webhooks.Webhook, "svix", headers, "{}")
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify_signature(headers, b"{}")
