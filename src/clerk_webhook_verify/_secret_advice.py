"""What is wrong with an invalid signing secret, and how to fix it. The messages contain no part of the value."""

from __future__ import annotations

import os
import re
from binascii import a2b_base64

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
_OTHER_VALUES = {
    "v1,": "starts with 'v1,': remove it, the secret starts with whsec_",
    "sk_": f"is a Clerk secret key (sk_), which is for Clerk's API: {_RIGHT_ONE}",
    "pk_": f"is a Clerk publishable key (pk_): {_RIGHT_ONE}",
    "ep_": f"is the endpoint's id (ep_): {_RIGHT_ONE}",
    "whpk_": f"is a public key for asymmetric signatures (whpk_): {_RIGHT_ONE}",
    "whsk_": f"is a private key for asymmetric signatures (whsk_): {_RIGHT_ONE}",
}
_PLACEHOLDER = re.compile(
    r"\.\.\.|…|[*<>{}$]|%\w+%|x{3}|your|change|replace|set[-_]?me|redacted|placeholder|example|secret|todo|undefined|null|none",
    re.IGNORECASE,
)
_COMPLETE = r"whsec_[A-Za-z0-9+/]{32,}"
_HAS_MORE = "has text around it: pass only whsec_ and the characters of base64 after it"
_IS_JSON = "is JSON, as a secrets manager returns it: pass the value in it that starts with whsec_"
_IS_LINE = "is a line of a .env file, NAME=value: pass only the value"
_IS_REFERENCE = (
    "is an unresolved reference to a secret: pass the secret itself, for example with the secrets manager's command or "
    "client"
)
_IS_PATH = "is a path: pass the content of that file or parameter"
_HAS_COMMENT = "has a comment: remove it, here it is part of the value"
_IS_PLACEHOLDER = "is a placeholder: replace it with the endpoint's signing secret from Clerk's dashboard"

#: Patterns of other values, and of a secret with something around it. The first one that matches counts.
_OTHER_FORMS = {
    r"(?s)\s*[{\[]\s*[\"'].*": _IS_JSON,
    r"(?s)(?:.*\n)?\s*(?:export\s+|set\s+|\$env:)?(?!whsec_)[A-Za-z_]\w*\s*(?:=\s*[^=\s]|:\s).*": _IS_LINE,
    r"(?!https?://)[\w+.-]+://.*|https://[\w.-]*vault[\w.-]*/.*|@Microsoft\.KeyVault\(.*": _IS_REFERENCE,
    r"(?:arn:|ref\+|secretref:|(?:key)?vault:|ssm:|secret/|kv/).*|projects/.*/secrets/.*": _IS_REFERENCE,
    r"\{\{\s*resolve:.*|\$\{\w+:.*|\$\{\{\s*secrets\..*": _IS_REFERENCE,
    r"/(?:[\w.@-]+/)*[\w.@-]{1,30}|(?:~|\.\.?)/.*|[A-Za-z]:(?:\\|/.*[/.]).*": _IS_PATH,
    r"[\w./\\-]+\.(?:env|json|key|pem|txt|ya?ml)": _IS_PATH,
    r"(?s).*(?:#|\s//).*": _HAS_COMMENT,
    rf"(?:(?!whsec_)[^\s,]+\s+)+{_COMPLETE}\S*|{_COMPLETE}\S*(?:\s+(?!whsec_)[^\s,]+)+": _HAS_MORE,
}
_QUOTES = ("'", '"', "`")
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


def unset_problem(names: tuple[str, str]) -> str:
    """Return the message that neither of the environment variables *names* is set."""
    similar = [name for name in _SIMILAR_NAMES if name in os.environ]
    return (
        f"no signing secret: {names[0]} is not set, nor is {names[1]}"
        + (f" (set instead: {', '.join(similar)})" if similar else "")
        + "; set the first to the endpoint's signing secret from Clerk's dashboard, or pass secret="
        + file_advice(names)
    )


def file_advice(names: tuple[str, str]) -> str:
    """Return the advice on variables that name a file with the secret; empty if none is set."""
    found = [f"{name}_FILE" for name in (*names, *_SIMILAR_NAMES) if f"{name}_FILE" in os.environ]
    return f"; {', '.join(found)} is set, but files are not read: pass secret= with the content" if found else ""


def problem_with(text: str, sizes: range) -> str:
    """Return the problem with *text*, an invalid secret, and the fix. *sizes* are the valid key sizes in bytes."""
    if not text:
        return "is empty: set it to the endpoint's signing secret, whsec_..."
    if re.fullmatch(r"(?:whsec_)?[xX]{4,}=*", text):
        return _IS_PLACEHOLDER
    form = other_form(text)
    if form:
        return form
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        return "is wrapped in quotes: remove them, here they are part of the value"
    for start, advice in _OTHER_VALUES.items():
        if f"{text},".startswith(start):  # the environment's value was split at the comma of "v1,whsec_..."
            return advice
    has_prefix = text.startswith("whsec_")
    if "://" in text and not has_prefix:
        return f"is a URL: {_RIGHT_ONE}"
    is_complete = re.search(_COMPLETE, text)
    if is_complete and not has_prefix:
        return _HAS_MORE
    if not is_complete and _PLACEHOLDER.search(text.removeprefix("whsec_")):
        return _IS_PLACEHOLDER
    if not has_prefix:
        return "does not start with whsec_: copy the endpoint's complete signing secret"
    return _base64_problem(text.removeprefix("whsec_"), sizes)


def other_form(text: str) -> str | None:
    """Return the form of *text*, if it is a known one that is not a secret, and the fix; otherwise None."""
    if _is_base64_of_secret(text):
        return "is a signing secret in base64, as Kubernetes shows it: decode it once more (base64 --decode)"
    return next((advice for form, advice in _OTHER_FORMS.items() if re.fullmatch(form, text)), None)


def _is_base64_of_secret(text: str) -> bool:
    for _ in range(3):
        try:
            text = a2b_base64(f"{text}==").decode("ascii").strip()
        except ValueError:
            return False
        if text.startswith("whsec_"):
            return True
    return False


def _base64_problem(encoded: str, sizes: range) -> str:
    data = encoded.rstrip("=")
    stray = _NOT_BASE64.search(data)
    if stray:
        position = len("whsec_") + stray.start() + 1
        kind = "of base64url, not of the standard alphabet" if stray[0] in "-_" else "outside of base64"
        return f"has a character {kind}, at position {position}: copy the secret again from Clerk's dashboard"
    size = len(data) * 6 // 8
    if size not in sizes:
        return f"decodes to {size} bytes, expected {sizes[0]} to {sizes[-1]}: copy the complete secret"
    if len(data) % 4 == 1 or len(encoded) not in (len(data), len(data) + -len(data) % 4):
        return "has the wrong number of characters or of padding (=): copy the complete secret"
    return "ends in a character that base64 cannot end in, so it was truncated or changed: copy the complete secret"
