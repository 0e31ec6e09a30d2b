"""Causes in the headers."""

from __future__ import annotations

import re
from binascii import b2a_base64
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from hmac import compare_digest
from itertools import permutations
from urllib.parse import unquote

from .._headers import SVIX_HEADERS, VENDORS, WEBHOOK_HEADERS
from ..errors import MalformedHeaderError, MissingHeaderError, SignatureMismatchError
from ._encoding import unescape_html
from ._probe import CauseTable, Finding, RejectedDelivery

_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")  # of 32 bytes, in the one form that base64 has

causes = CauseTable()


@causes.add(fix="pass svix-timestamp unchanged: Unix seconds, digits only", explains=(MalformedHeaderError,))
def timestamp_in_milliseconds(delivery: RejectedDelivery) -> Finding | None:
    error = delivery.error
    if not isinstance(error, MalformedHeaderError) or not error.name.endswith("-timestamp"):
        return None
    given, *others = delivery.values(error.name)
    seconds = None if others else _unix_seconds(given.strip("\"' "))
    if seconds is None:
        return None
    matches = delivery.matches() or delivery.matches(timestamp=seconds)
    evidence = f"{error.name} is a time, but not in Unix seconds"
    return Finding("confirmed", evidence + ("; in Unix seconds, the signature matches" if matches else ""))


def _unix_seconds(text: str) -> str | None:
    """Return formatted seconds, a fraction, milliseconds or a date as plain ones; None if *text* is not a time."""
    if re.fullmatch(r"\d(?:[,._' ]?\d{3}){3}\.?\d{0,9}", text, re.ASCII):
        return re.sub(r"\D", "", text)[:10]
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text.replace("Z", "+00:00"))
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return str(int(moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp()))
    return None


@causes.add(fix="configure the endpoint for v1 signatures: v1a signatures are asymmetric and need a public key")
def asymmetric_only(delivery: RejectedDelivery) -> Finding | None:
    if re.fullmatch("v1a,[^, ]*(?: v1a,[^, ]*)*", delivery.signatures):
        return Finding("confirmed", f"{delivery.names[2]} contains only v1a signatures, no v1")
    return None


@causes.add(
    fix="check that no proxy and no code adds a second svix-id, svix-timestamp or svix-signature",
    explains=(MalformedHeaderError, SignatureMismatchError),
)
def duplicate_header(delivery: RejectedDelivery) -> Finding | None:
    if not isinstance(delivery.error, MalformedHeaderError):
        return _joined_signatures(delivery)
    name = delivery.error.name
    values = delivery.values(name)
    is_joined = len(values) == 1  # servers join repeated headers
    if is_joined:
        values = [value.strip() for value in values[0].split(",")]
    if len(values) == 1 or (is_joined and (name == delivery.names[2] or "v1" in values)):
        return None
    is_same = len(set(values)) == 1
    matches = delivery.matches(*(text.partition(",")[0].strip() for text in (delivery.message_id, delivery.timestamp)))
    return Finding(
        "confirmed" if matches or is_same or not is_joined else "likely",
        f"{name} is present {len(values)} times, with {'the same value' if is_same else 'different values'}"
        + ("; read once, the signature matches" if matches else ""),
    )


def _joined_signatures(delivery: RejectedDelivery) -> Finding | None:
    if not re.search(r"v1a?,[A-Za-z0-9+/]+=*, ?v1a?,", delivery.signatures):
        return None
    signatures = re.findall(r"v1a?,[A-Za-z0-9+/]+=*", delivery.signatures)
    matches = delivery.matches(signatures=" ".join(signatures))
    evidence = f"{delivery.names[2]} is present {len(signatures)} times, joined"
    return Finding("confirmed", evidence + ("; one of them matches" if matches else ""))


@causes.add(
    fix="pass svix-signature unchanged, in its own header: log filters mask it, URL decoding turns + into a space, "
    "templates and shells add quotation marks or escapes, columns and logs cut it",
    explains=(MalformedHeaderError, SignatureMismatchError),
)
def malformed_signature(delivery: RejectedDelivery) -> Finding | None:
    error, name = delivery.error, delivery.names[2]
    if isinstance(error, MalformedHeaderError):
        values = delivery.values(error.name)
        if error.name == name and len(values) == 1:
            return Finding("confirmed", str(error))
        if error.name != name and values[0].startswith("v1,"):
            swapped = "; with exchanged values, the signature matches" if _matches_swapped(delivery) else ""
            return Finding("confirmed", f"{error.name} contains a signature{swapped}")
        return None
    parts = _parts_of_signatures(delivery.signatures)
    if parts and delivery.matches(signatures=parts, compare=_is_part):
        return Finding("confirmed", f"{name} is damaged, and the rest of the signature in it matches")
    if not any(map(_SIGNATURE.fullmatch, delivery.signatures.split(" "))):
        return Finding("confirmed", f"{name} contains no 'v1,' followed by 44 characters of base64")
    return None


def _parts_of_signatures(header: str) -> str:
    """Return the parts of a damaged header that may be of a signature, without prefix and padding."""
    text = unescape_html(unquote(unquote(header))).replace("\\", "")
    digests = re.findall(r"\b[0-9A-Fa-f]{64}\b", text)
    from_hexadecimal = (b2a_base64(bytes.fromhex(digest), newline=False).decode() for digest in digests)
    base64url = text.replace("-", "+").replace("_", "/")
    forms = (text, text.replace(" ", "+"), re.sub(r"\s", "", text), base64url, *from_hexadecimal)
    # Shorter parts could match by accident
    return " ".join(part for form in forms for part in re.findall("[A-Za-z0-9+/]{16,}", form))


def _is_part(part: bytes, expected: bytes) -> bool:
    """Return whether *part* contains a signature or is contained in it, in any case of the letters."""
    shorter, longer = sorted((part.lower(), expected.removeprefix(b"v1,").rstrip(b"=").lower()), key=len)
    places = range(len(longer) - len(shorter) + 1)
    return any(compare_digest(shorter, longer[place : place + len(shorter)]) for place in places)


def _matches_swapped(delivery: RejectedDelivery) -> bool:
    return any(
        delivery.matches(*values)
        for values in permutations((delivery.message_id, delivery.timestamp, delivery.signatures))
    )


@causes.add(
    fix="send one complete header set, svix-* or webhook-*, and no part of the other",
    explains=(MissingHeaderError, SignatureMismatchError),
)
def mixed_headers(delivery: RejectedDelivery) -> Finding | None:
    if isinstance(delivery.error, MissingHeaderError):
        given = {name for name, _ in delivery.headers}
        if all(given.intersection(names) for names in zip(SVIX_HEADERS, WEBHOOK_HEADERS, strict=True)):
            parts = sorted(given.intersection(SVIX_HEADERS + WEBHOOK_HEADERS))
            return Finding("confirmed", f"parts of both header sets are present: {', '.join(parts)}")
    elif delivery.matches(*map(delivery.value, WEBHOOK_HEADERS)):
        return Finding("confirmed", "both header sets are present, and the signature matches webhook-* only")
    return None


@causes.add(
    fix="point that vendor's webhooks at another URL: this one accepts only Clerk's", explains=(MissingHeaderError,)
)
def other_vendor(delivery: RejectedDelivery) -> Finding | None:
    names = [name for name, _ in delivery.headers]
    if any(name.startswith(("svix-", "webhook-")) for name in names):
        return None
    for name in names:
        if name in VENDORS:
            return Finding("confirmed", f"{name} is present, and no svix-* header: a {VENDORS[name]} webhook")
    return None


# Below the causes of the same errors, because it explains all that they do not
@causes.add(
    fix="pass all request headers unchanged, and check that no proxy removes or renames svix-*",
    explains=(MissingHeaderError, MalformedHeaderError, SignatureMismatchError),
)
def missing_header(delivery: RejectedDelivery) -> Finding | None:
    error = delivery.error
    if isinstance(error, SignatureMismatchError):
        message_id = unquote(delivery.message_id).strip("\"'<>")
        if message_id != delivery.message_id and delivery.matches(message_id):
            return Finding("confirmed", f"the signature matches after unquoting or decoding {delivery.names[0]}")
        return None
    if not isinstance(error, MissingHeaderError):
        if _matches_swapped(delivery):
            return Finding("confirmed", f"{error}; with exchanged values, the signature matches")
        return Finding("likely", str(error))
    renamed: dict[str, str] = {}
    for name in error.names:
        for given, value in delivery.headers:
            if _is_renamed(given, name) or (name == delivery.names[2] and value.startswith("v1,")):
                renamed.setdefault(name, given)
    if not renamed:
        return Finding("confirmed", f"there is no {' and no '.join(error.names)}")
    evidence = "; ".join(f"{given} instead of {name}" for name, given in renamed.items())
    matches = delivery.matches(*(delivery.value(renamed.get(name, name)) for name in delivery.names))
    return Finding("confirmed", evidence + ("; with the right names, the signature matches" if matches else ""))


def _is_renamed(given: str, name: str) -> bool:
    """Return whether the header *given* is *name* as environments, proxies and code rewrite names."""
    letters, bare = re.sub("[^a-z]", "", given), name.replace("-", "")
    return given != name and letters.endswith((bare, bare.replace("svix", "webhook")))
