"""Decode signing secrets, and explain what is wrong with an invalid one. No message contains a part of its value."""

from __future__ import annotations

import os
import re
from base64 import b64decode, b64encode
from binascii import a2b_base64
from collections.abc import Iterable

from ._frames import forget_on_error
from .errors import InvalidSecretError

#: One signing secret, or several during a rotation. In annotations ``Secret | None``: None reads the environment.
Secret = str | bytes | Iterable[str | bytes]

ENVIRONMENT = ("CLERK_WEBHOOK_SIGNING_SECRET", "CLERK_WEBHOOK_SECRET")

PREFIX = "whsec_"

_KEY_SIZES = range(24, 76)  # bytes; the specification recommends 24 to 64, Svix accepts up to 75
_COMPLETE = r"whsec_[A-Za-z0-9+/]{32}"  # at least: not {32,}, which takes quadratic time before \S*
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
_RIGHT_ONE = "use the endpoint's signing secret, which starts with whsec_"
_IS_PLACEHOLDER = "is a placeholder: replace it with the endpoint's signing secret from Clerk's dashboard"
_HAS_MORE = "has text around it: pass only whsec_ and the characters of base64 after it"

#: Patterns of other values, and of a secret with something around it. The first one that matches counts.
_MISTAKES = {
    r"": "is empty: set it to the endpoint's signing secret, whsec_...",
    r"(?:whsec_)?[xX]{4,}=*": _IS_PLACEHOLDER,
    r"\s*[{\[]\s*[\"'].*": "is JSON, as a secrets manager returns it: pass the value in it that starts with whsec_",
    r"(?:.*\n)?[ \t]*(?:export\s+|set\s+|\$env:)?(?!whsec_)[A-Za-z_]\w*\s*(?:=\s*[^=\s]|:\s).*": (
        "is a line of a .env file, NAME=value: pass only the value"
    ),
    r"(?!https?://)[\w+.-]+://.*|https://[\w.-]*vault[\w.-]*/.*|@Microsoft\.KeyVault\(.*"
    r"|(?:arn:|ref\+|secretref:|(?:key)?vault:|ssm:|secret/|kv/).*|projects/.*/secrets/.*"
    r"|\{\{\s*resolve:.*|\$\{\w+:.*|\$\{\{\s*secrets\..*": (
        "is an unresolved reference to a secret: pass the secret itself, for example with the secrets manager's "
        "command or client"
    ),
    r"/(?:[\w.@-]+/)*[\w.@-]{1,30}|(?:~|\.\.?)/.*|[A-Za-z]:(?:\\|/.*[/.]).*"
    r"|[\w./\\-]+\.(?:env|json|key|pem|txt|ya?ml)": "is a path: pass the content of that file or parameter",
    r".*(?:#|\s//).*": "has a comment: remove it, here it is part of the value",
    rf"(?:(?!whsec_)[^\s,]+\s+)+{_COMPLETE}\S*|{_COMPLETE}\S*(?:\s+(?!whsec_)[^\s,]+)+": _HAS_MORE,
    r"['\"`].*|.*['\"`]": "is wrapped in quotes: remove them, here they are part of the value",
    r"v1(?:,.*)?": "starts with 'v1,': remove it, the secret starts with whsec_",
    r"sk_.*": f"is a Clerk secret key (sk_), which is for Clerk's API: {_RIGHT_ONE}",
    r"pk_.*": f"is a Clerk publishable key (pk_): {_RIGHT_ONE}",
    r"ep_.*": f"is the endpoint's id (ep_): {_RIGHT_ONE}",
    r"whpk_.*": f"is a public key for asymmetric signatures (whpk_): {_RIGHT_ONE}",
    r"whsk_.*": f"is a private key for asymmetric signatures (whsk_): {_RIGHT_ONE}",
    r"(?!whsec_).*://.*": f"is a URL: {_RIGHT_ONE}",
    rf"(?i)(?!.*{_COMPLETE}).*(?:\.\.\.|…|[*<>{{}}$]|%\w+%|x{{3}}|your|change|replace|set[-_]?me|redacted"
    r"|placeholder|example|secret|todo|undefined|null|none).*": _IS_PLACEHOLDER,
}


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
            advice = "" if text or secret is not None else _file_advice()
            raise InvalidSecretError(f"{place} {_problem_with(text)}{advice}")
        keys.append(key)
    return keys


def split_secrets(value: str, separators: str = r"[\s,]+") -> list[str]:
    """Return the secrets in *value*; the complete value if it is something else, such as JSON, for its message."""
    texts = [text for text in re.split(separators, value) if text]
    return [value.strip()] if len(texts) > 1 and _mistake(value.strip()) else texts


def _decode(text: str) -> bytes | None:
    """Return the key in ``whsec_`` and standard base64, with or without padding; None if *text* is something else."""
    encoded = text.removeprefix(PREFIX)
    try:
        key = b64decode(encoded + "==")
    except ValueError:
        return None
    canonical = PREFIX + b64encode(key).decode()
    is_placeholder = set(encoded.lower()) == {"x"}
    is_valid = text in (canonical, canonical.rstrip("=")) and len(key) in _KEY_SIZES and not is_placeholder
    return key if is_valid else None


def _texts(secret: Secret | None) -> tuple[str, list[str]]:
    """Return the source of the secrets, for messages, and the text of each, at least one."""
    if secret is None:
        name = next((name for name in ENVIRONMENT if name in os.environ), None)
        if name is None:
            similar = ", ".join(name for name in _SIMILAR_NAMES if name in os.environ)
            raise InvalidSecretError(
                f"no signing secret: {ENVIRONMENT[0]} is not set, nor is {ENVIRONMENT[1]}"
                + (f" (set instead: {similar})" if similar else "")
                + "; set the first to the endpoint's signing secret from Clerk's dashboard, or pass secret="
                + _file_advice()
            )
        return name, split_secrets(os.environ[name]) or [""]
    if isinstance(secret, bytearray | memoryview) or not isinstance(secret, Iterable):
        raise TypeError(f"secret must be a str, bytes or an iterable of them, not {type(secret).__name__}")
    texts = []
    for item in (secret,) if isinstance(secret, str | bytes) else secret:
        if not isinstance(item, str | bytes):
            raise TypeError(f"each secret must be a str or bytes, not {type(item).__name__}")
        texts.append((item if isinstance(item, str) else item.decode("latin-1")).strip())
    return "the signing secret", texts or [""]


def _file_advice() -> str:
    """Return the advice on variables that name a file with the secret; empty if none is set."""
    found = [f"{name}_FILE" for name in (*ENVIRONMENT, *_SIMILAR_NAMES) if f"{name}_FILE" in os.environ]
    return f"; {', '.join(found)} is set, but files are not read: pass secret= with the content" if found else ""


def _mistake(text: str) -> str | None:
    """Return what *text* is instead of a secret, and the fix; None if that is unknown."""
    if _is_base64_of_secret(text):
        return "is a signing secret in base64, as Kubernetes shows it: decode it once more (base64 --decode)"
    return next((advice for form, advice in _MISTAKES.items() if re.fullmatch(form, text, re.DOTALL)), None)


def _is_base64_of_secret(text: str) -> bool:
    for _ in range(3):
        try:
            text = a2b_base64(f"{text}==").decode("ascii").strip()
        except ValueError:
            return False
        if text.startswith(PREFIX):
            return True
    return False


def _problem_with(text: str) -> str:
    """Return what is wrong with *text*, an invalid secret, and the fix."""
    mistake = _mistake(text)
    if mistake:
        return mistake
    if not text.startswith(PREFIX) and re.search(_COMPLETE, text):
        return _HAS_MORE
    if not text.startswith(PREFIX):
        return "does not start with whsec_: copy the endpoint's complete signing secret"
    encoded = text.removeprefix(PREFIX)
    data = encoded.rstrip("=")
    stray = re.search(r"[^A-Za-z0-9+/]", data)
    if stray:
        position = len(PREFIX) + stray.start() + 1
        kind = "of base64url, not of the standard alphabet" if stray[0] in "-_" else "outside of base64"
        return f"has a character {kind}, at position {position}: copy the secret again from Clerk's dashboard"
    size = len(data) * 6 // 8
    if size not in _KEY_SIZES:
        return f"decodes to {size} bytes, expected {_KEY_SIZES[0]} to {_KEY_SIZES[-1]}: copy the complete secret"
    if len(data) % 4 == 1 or len(encoded) not in (len(data), len(data) + -len(data) % 4):
        return "has the wrong number of characters or of padding (=): copy the complete secret"
    return "ends in a character that base64 cannot end in, so it was truncated or changed: copy the complete secret"
