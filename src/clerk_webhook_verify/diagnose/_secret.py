"""Causes in the secret."""

from __future__ import annotations

import re
from binascii import a2b_base64
from collections.abc import Iterator

from .._secret import PREFIX, parse_secrets
from .._signature import Signer
from ..errors import InvalidSecretError, SignatureMismatchError
from ._cause import CauseTable, Finding
from ._delivery import RejectedDelivery

_BY_ELIMINATION = (
    "the request is well formed, but no known change to the body, the timestamp or the use of the secret makes the "
    "signature match: most likely the secret is another endpoint's; otherwise the body was changed without a trace, or "
    "the request is forged"
)

causes = CauseTable()


@causes.add(
    "text_secret",
    fix="check where the secret comes from: this sender uses the secret's text as the key, as other vendors do and "
    "Clerk does not; if the sender is yours, let it decode the base64 after whsec_",
    explains=(InvalidSecretError, SignatureMismatchError),
)
def text_secret(delivery: RejectedDelivery) -> Finding | None:
    for text in delivery.secrets:
        for way, key in _text_keys(text):
            if delivery.matches(signers=[Signer(key)]):
                return Finding("confirmed", f"the signature matches if {way}")
    return None


def _text_keys(text: str) -> Iterator[tuple[str, bytes]]:
    """Yield the keys that other vendors make of a secret's text."""
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
    "wrong_secret",
    fix="use this endpoint's signing secret from Clerk's dashboard (each endpoint has its own, and so do development "
    "and production), then restart the application",
    explains=(InvalidSecretError, SignatureMismatchError),
)
def wrong_secret(delivery: RejectedDelivery) -> Finding | None:
    if not isinstance(delivery.error, InvalidSecretError):
        return Finding("by_elimination", _BY_ELIMINATION)
    problem = str(delivery.error)
    for text in delivery.secrets:
        if delivery.matches(signers=_signers_of_repaired(text)):
            return Finding("confirmed", f"{problem}; with this fixed, the signature matches")
    return Finding("confirmed", problem)


def _signers_of_repaired(text: str) -> Iterator[Signer]:
    """Yield the signers of a secret without quotes, ``v1,`` and white space, or with the missing prefix."""
    bare = text.strip("\"'`").removeprefix("v1,").strip("\"'`")
    for repaired in (bare, PREFIX + bare, re.sub(r"\s", "", bare)):
        try:
            yield from map(Signer, parse_secrets(repaired))
        except InvalidSecretError:
            continue
