"""From the text ``whsec_...`` to the bytes of the key."""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable

from .errors import InvalidSecretError

#: One signing secret, or several while they rotate. In annotations: ``Secret | None`` where None is the environment.
Secret = str | bytes | Iterable[str | bytes]

ENVIRONMENT = ("CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET")

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 75  # bytes

_SIMILAR_NAMES = (
    "CLERK_SIGNING_SECRET",
    "CLERK_WEBHOOK_SIGNING_KEY",
    "CLERK_WEBHOOK_KEY",
    "NEXT_PUBLIC_CLERK_WEBHOOK_SIGNING_SECRET",
    "NUXT_CLERK_WEBHOOK_SIGNING_SECRET",
    "SIGNING_SECRET",
    "SVIX_KEY",
    "SVIX_SECRET",
    "SVIX_WEBHOOK_SECRET",
    "WEBHOOK_SECRET",
    "WEBHOOK_SIGNING_SECRET",
)
_OTHER_VALUES = {
    "v1,": "starts with 'v1,', as other vendors show their secrets: remove that, the secret starts with whsec_",
    "sk_": "is a Clerk secret key (sk_): that one calls Clerk's API; the endpoint's signing secret starts with whsec_",
    "pk_": "is a Clerk publishable key (pk_): the endpoint's signing secret starts with whsec_",
    "ep_": "is the endpoint's id (ep_): its signing secret stands on the same page and starts with whsec_",
    "whpk_": "is a public key for asymmetric signatures (whpk_): the endpoint's signing secret starts with whsec_",
    "whsk_": "is a private key for asymmetric signatures (whsk_): the endpoint's signing secret starts with whsec_",
}
_PLACEHOLDER = re.compile(
    r"\.\.\.|…|[*<>{}$]|x{3}|your|change|replace|set[-_]?me|redacted|placeholder|example|secret|todo|undefined|null|none",
    re.IGNORECASE,
)
_QUOTES = ("'", '"', "`")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


def parse_secrets(secret: Secret | None) -> tuple[bytes, ...]:
    """Decode one signing secret, several, or those in the environment into HMAC keys.

    Args:
        secret: ``str`` or ``bytes`` as shown in Clerk's dashboard, an iterable of them, or None for the environment
            variables ``CLERK_WEBHOOK_SIGNING_SECRET`` and then ``CLERK_WEBHOOK_SECRET``, which may contain several,
            separated by white space or commas.
    Returns:
        At least one key, each of 24 to 75 bytes, in the order given.
    Raises:
        InvalidSecretError: There is none, or one is invalid. The message says which and why, never its value.
        TypeError: *secret* is something else.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
    (24 to 64 random bytes; Svix accepts up to 75)
    """
    try:
        source, texts = _texts(secret)
        return tuple(_decode(text, _place(source, number, len(texts))) for number, text in enumerate(texts, 1))
    except (InvalidSecretError, TypeError) as error:
        # Error trackers record the local variables of every frame of a traceback: leave none that has the secret
        del secret
        texts = []
        raise error.with_traceback(None) from None


def _texts(secret: Secret | None) -> tuple[str, list[str]]:
    """Return where the secrets come from, for messages, and at least one text that should be a secret."""
    if secret is None:
        name = next((name for name in ENVIRONMENT if name in os.environ), None)
        if name is None:
            raise InvalidSecretError(_not_set())
        source, texts = name, [text for text in re.split(r"[\s,]+", os.environ[name]) if text]
    elif isinstance(secret, bytearray | memoryview) or not isinstance(secret, Iterable):
        raise TypeError(f"secret must be a str, bytes or an iterable of them, not {type(secret).__name__}")
    else:
        source, texts = "the signing secret", []
        for item in (secret,) if isinstance(secret, str | bytes) else secret:
            if not isinstance(item, str | bytes):
                raise TypeError(f"each secret must be a str or bytes, not {type(item).__name__}")
            texts.append((item if isinstance(item, str) else item.decode("latin-1")).strip())
    if not texts:
        raise InvalidSecretError(f"{source} is empty: set it to the endpoint's signing secret, whsec_...")
    return source, texts


def _not_set() -> str:
    set_instead = [name for name in _SIMILAR_NAMES if name in os.environ]
    return (
        f"no signing secret: {ENVIRONMENT[0]} is not set, nor is {ENVIRONMENT[1]}"
        + (f" (set instead: {', '.join(set_instead)})" if set_instead else "")
        + "; set the first to the endpoint's signing secret from Clerk's dashboard, or pass secret="
    )


def _place(source: str, number: int, count: int) -> str:
    return source if count == 1 else f"{source}, number {number} of {count},"


def _decode(text: str, place: str) -> bytes:
    """Return the key that *text* encodes.

    Raises:
        InvalidSecretError: It is invalid; the message begins with *place* and does not repeat the text.
    """
    problem = _problem(text)
    if problem:
        raise InvalidSecretError(f"{place} {problem}")
    return b64decode(_padded(text.removeprefix(PREFIX)))


def _problem(text: str) -> str | None:
    """Return what is wrong with one secret and how to fix it; None if it is valid."""
    if not text:
        return "is empty: set it to the endpoint's signing secret, whsec_..."
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        return "is wrapped in quotes: remove them, here they are part of the value"
    for start, advice in _OTHER_VALUES.items():
        if f"{text},".startswith(start):  # the environment's value was split at the comma of "v1,whsec_..."
            return advice
    if text.startswith(PREFIX):
        problem = _base64_problem(text.removeprefix(PREFIX))
    elif "://" in text:
        return "is a URL: the endpoint's signing secret stands on the endpoint's page and starts with whsec_"
    else:
        problem = f"does not start with {PREFIX}: copy the whole signing secret of the endpoint"
    if problem and _PLACEHOLDER.search(text.removeprefix(PREFIX)):
        return "is a placeholder: put the endpoint's signing secret from Clerk's dashboard in its place"
    return problem


def _base64_problem(encoded: str) -> str | None:
    """Return what keeps *encoded* from being the standard base64 of a key, with or without padding."""
    data = encoded.rstrip("=")
    stray = _NOT_BASE64.search(data)
    if stray:
        position = len(PREFIX) + stray.start() + 1
        kind = "of base64url, not of the standard alphabet" if stray[0] in "-_" else "outside of base64"
        return f"has a character {kind}, at position {position}: copy the secret again, as the dashboard shows it"
    size = len(data) * 6 // 8
    if not SHORTEST <= size <= LONGEST:
        return f"decodes to {size} bytes, a real one to {SHORTEST} to {LONGEST}: copy the whole secret"
    if len(data) % 4 == 1 or encoded not in (data, _padded(data)):
        return "has the wrong number of characters or of padding (=): copy the whole secret"
    if b64encode(b64decode(_padded(data))).decode() != _padded(data):
        return "ends in a character that base64 never ends in: it was cut or changed, copy the whole secret"
    return None


def _padded(data: str) -> str:
    return data + "=" * (-len(data) % 4)
