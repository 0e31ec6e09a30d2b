"""Causes in the secret."""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Iterator

from .._secret import ENVIRONMENT, PREFIX, parse_secrets
from .._signature import Signer
from ..errors import InvalidSecretError, SignatureMismatchError
from ._cause import CauseTable, Finding
from ._delivery import SINGLE, RejectedDelivery

_BY_ELIMINATION = (
    "the request is well formed, but no known change to the body, the timestamp or the use of the secret makes the "
    "signature match: most likely the secret is another endpoint's; otherwise the body was changed without a trace, or "
    "the request is forged"
)

_SECRET = re.compile(rf"{PREFIX}[A-Za-z0-9+/]{{32,100}}={{0,2}}")

causes = CauseTable()


@causes.add(
    "text_secret",
    fix="check where the secret comes from: this sender uses the secret's text as the key, as other vendors do and "
    "Clerk does not; if the sender is yours, let it decode the base64 after whsec_",
    explains=(InvalidSecretError, SignatureMismatchError),
)
def text_secret(delivery: RejectedDelivery) -> Finding | None:
    for _, text in delivery.secrets:
        for way, key in _text_keys(text):
            if delivery.matches(signers=[Signer(key)]):
                return Finding("confirmed", f"the signature matches if {way}")
    return None


def _text_keys(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield the keys that other vendors derive from a secret's text."""
    rest = text.removeprefix(PREFIX)
    yield "the complete text is the key", text.encode("utf-8", "surrogatepass")
    yield f"the text after {PREFIX} is the key", rest.encode("utf-8", "surrogatepass")
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", rest):
        yield f"the text after {PREFIX} is decoded as hexadecimal", bytes.fromhex(rest)
    if re.search("[-_]", rest):
        try:
            yield "the secret is decoded as base64url", a2b_base64(rest.replace("-", "+").replace("_", "/") + "==")
        except ValueError:
            return


@causes.add(
    "other_secret",
    fix=f"set {ENVIRONMENT[0]} to this secret, or remove that variable: {ENVIRONMENT[1]} is read only without it",
    explains=(InvalidSecretError, SignatureMismatchError),
)
def other_secret(delivery: RejectedDelivery) -> Finding | None:
    for place, text in delivery.unread_secrets:
        signer = _matching_signer(delivery, text)
        if signer:
            evidence = f"the signature matches {place} in {ENVIRONMENT[1]}, fingerprint {signer.fingerprint}"
            return Finding("confirmed", f"{evidence}, but {ENVIRONMENT[0]} is set and read instead")
    return None


@causes.add(
    "wrong_secret",
    fix="use this endpoint's signing secret from Clerk's dashboard (each endpoint has its own, and so do development "
    "and production), then restart the application",
    explains=(InvalidSecretError, SignatureMismatchError),
)
def wrong_secret(delivery: RejectedDelivery) -> Finding | None:
    if not isinstance(delivery.error, InvalidSecretError):
        return Finding("by_elimination", _BY_ELIMINATION)
    problem = str(delivery.error)
    for place, text in delivery.secrets:
        signer = _matching_signer(delivery, text)
        if signer:
            which = "" if place == SINGLE else f" {place}, fingerprint {signer.fingerprint}"
            return Finding("confirmed", f"{problem}; with this fixed, the signature matches{which}")
    # Without time left, the secret's text as the key was not tried, with which this sender may sign
    return Finding("confirmed" if delivery.budget.has_time() else "likely", problem)


def _matching_signer(delivery: RejectedDelivery, text: str) -> Signer | None:
    """Return the signer of a secret with whose repaired text the signature matches."""
    return next((signer for signer in _signers_of_repaired(text) if delivery.matches(signers=[signer])), None)


def _signers_of_repaired(text: str) -> Iterator[Signer]:
    """Yield the signers of a secret without the text around it, with the missing prefix, or decoded again."""
    bare = text.strip("\"'`").removeprefix("v1,").strip("\"'`")
    decoded = _decoded(text)
    inside = _SECRET.findall(f"{text}\n{decoded}\n{_decoded(decoded)}")
    for repaired in (bare, PREFIX + bare, re.sub(r"\s", "", bare), *inside):
        try:
            yield from map(Signer, parse_secrets(repaired))
        except InvalidSecretError:
            continue


def _decoded(text: str) -> str:
    """Return what *text* encodes in base64; empty if it is not base64."""
    try:
        return a2b_base64(text.encode("ascii", "ignore") + b"==").decode("ascii", "replace")
    except ValueError:
        return ""
