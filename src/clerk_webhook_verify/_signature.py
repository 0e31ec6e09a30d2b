"""Sign ``id.timestamp.body`` with HMAC-SHA256."""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import sha256


def is_candidate(entry: str) -> bool:
    """Return whether an entry of the signature header has the version and length of a ``v1`` signature."""
    return entry.startswith("v1,") and len(entry) == len("v1,") + 44  # 32 bytes in base64


class Signer:
    """HMAC-SHA256 with one key."""

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod=sha256)
        #: Identifies the key in logs. 48 bits of a hash do not reveal a key of at least 192 random bits.
        self.fingerprint = sha256(b"clerk-webhook-verify fingerprint\0" + key).hexdigest()[:12]

    def sign(self, prefix: bytes, body: bytes) -> str:
        """Return the header entry for *prefix* (``id.timestamp.``) and *body*: ``v1,`` and the HMAC in base64.

        https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
        """
        mac = self._keyed.copy()
        mac.update(prefix)
        mac.update(body)
        return "v1," + b64encode(mac.digest()).decode()
