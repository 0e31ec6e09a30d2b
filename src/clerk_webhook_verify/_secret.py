"""Decode signing secrets."""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable

from ._frames import forget_on_error
from ._secret_advice import file_advice, other_form, problem_with, unset_problem
from .errors import InvalidSecretError

#: One signing secret, or several during a rotation. In annotations ``Secret | None``: None reads the environment.
Secret = str | bytes | Iterable[str | bytes]

ENVIRONMENT = ("CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET")

PREFIX = "whsec_"

_KEY_SIZES = range(24, 76)  # bytes; the specification recommends 24 to 64, Svix accepts up to 75


@forget_on_error
def parse_secrets(secret: Secret | None) -> list[bytes]:
    """Decode one signing secret, several, or those in the environment into HMAC keys.

    Args:
        secret: ``str`` or ``bytes`` as shown in Clerk's dashboard, an iterable of them, or None for the environment
            variables ``CLERK_WEBHOOK_SIGNING_SECRET`` and then ``CLERK_WEBHOOK_SECRET``, which may contain several,
            separated by white space or commas.
    Returns:
        At least one key, each of 24 to 75 bytes, in the same order.
    Raises:
        InvalidSecretError: There is none, or one is invalid. The message says which and why, but not its value.
        TypeError: *secret* is something else.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#signature-scheme
    """
    source, texts = _texts(secret)
    keys = []
    for number, text in enumerate(texts, 1):
        key = _decode(text)
        if key is None:
            place = source if len(texts) == 1 else f"{source}, number {number} of {len(texts)},"
            raise InvalidSecretError(f"{place} {problem_with(text, _KEY_SIZES)}")
        keys.append(key)
    return keys


def _decode(text: str) -> bytes | None:
    """Return the key in ``whsec_`` and standard base64, with or without padding; None if *text* is something else."""
    encoded = text.removeprefix(PREFIX)
    padded = encoded if encoded.endswith("=") else encoded + "=" * (-len(encoded) % 4)
    try:
        key = b64decode(padded)
    except ValueError:
        return None
    is_canonical = b64encode(key).decode() == padded
    is_placeholder = set(encoded.lower()) == {"x"}
    is_valid = text.startswith(PREFIX) and is_canonical and len(key) in _KEY_SIZES and not is_placeholder
    return key if is_valid else None


def _texts(secret: Secret | None) -> tuple[str, list[str]]:
    """Return the source of the secrets, for messages, and the text of each."""
    if secret is None:
        name = next((name for name in ENVIRONMENT if name in os.environ), None)
        if name is None:
            raise InvalidSecretError(unset_problem(ENVIRONMENT))
        source, texts = name, split_secrets(os.environ[name])
    elif isinstance(secret, bytearray | memoryview) or not isinstance(secret, Iterable):
        raise TypeError(f"secret must be a str, bytes or an iterable of them, not {type(secret).__name__}")
    else:
        source, texts = "the signing secret", []
        for item in (secret,) if isinstance(secret, str | bytes) else secret:
            if not isinstance(item, str | bytes):
                raise TypeError(f"each secret must be a str or bytes, not {type(item).__name__}")
            texts.append((item if isinstance(item, str) else item.decode("latin-1")).strip())
    if not texts:
        advice = file_advice(ENVIRONMENT) if secret is None else ""
        raise InvalidSecretError(f"{source} is empty: set it to the endpoint's signing secret, whsec_...{advice}")
    return source, texts


def split_secrets(value: str, separators: str = r"[\s,]+") -> list[str]:
    """Return the secrets in *value*; the complete value if it is something else, such as JSON, for its message."""
    texts = [text for text in re.split(separators, value) if text]
    return [value.strip()] if len(texts) > 1 and other_form(value.strip()) else texts
