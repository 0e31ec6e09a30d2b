"""Sign deliveries with only hmac: a signer that used the package's code would share its bugs."""

import base64
import hashlib
import hmac

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
NOW = 1_700_000_000
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"type":"user.created","data":{"id":"user_1"}}'


def now() -> float:
    """A clock that always returns the same time."""
    return float(NOW)


def key_of(secret: str) -> bytes:
    encoded = secret.removeprefix("whsec_")
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4))


def sign(body: bytes, *, secret: str = SECRET, message_id: str = MESSAGE_ID, timestamp: object = NOW) -> str:
    """One v1 entry of the signature header."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key_of(secret), signed, hashlib.sha256).digest()).decode()


def signed_headers(
    body: bytes = BODY,
    *,
    secret: str = SECRET,
    message_id: str = MESSAGE_ID,
    timestamp: object = NOW,
    family: str = "svix",
) -> dict[str, str]:
    return {
        f"{family}-id": message_id,
        f"{family}-timestamp": str(timestamp),
        f"{family}-signature": sign(body, secret=secret, message_id=message_id, timestamp=timestamp),
    }
