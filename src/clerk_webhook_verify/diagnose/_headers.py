"""Causes in the headers."""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Iterator
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from hmac import compare_digest
from itertools import permutations
from urllib.parse import unquote

from .._headers import SVIX_HEADERS, VENDORS, WEBHOOK_HEADERS
from .._signature import is_candidate
from ..errors import MalformedHeaderError, MissingHeaderError, SignatureMismatchError
from ._cause import CauseTable, Finding
from ._delivery import RejectedDelivery, split_signatures
from ._encoding import unescape_html

_JOINED_SIGNATURES = re.compile(r"v1a?,[A-Za-z0-9+/]+=*, ?v1a?,")
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=")  # of 32 bytes, in the one form that base64 has
_PART_OF_SIGNATURE = re.compile(r"[A-Za-z0-9+/]{16,}")  # shorter ones could match by accident
_HEXADECIMAL_DIGEST = re.compile(r"\b[0-9A-Fa-f]{64}\b")
_MAX_TIME = 100  # characters of a timestamp in another form
_MAX_JOINED = 1000  # characters of repeated headers that a server joined

causes = CauseTable()


@causes.add(
    "timestamp_in_milliseconds",
    fix="pass svix-timestamp unchanged: Unix seconds, digits only",
    explains=(MalformedHeaderError,),
)
def timestamp_in_milliseconds(delivery: RejectedDelivery) -> Finding | None:
    error = delivery.error
    if not isinstance(error, MalformedHeaderError) or not error.name.endswith("-timestamp"):
        return None
    given, *others = delivery.values(error.name)
    seconds = None if others else _unix_seconds(given)
    if seconds is None:
        return None
    form = "has more digits than Unix seconds" if given.isdecimal() else "is a date, a fraction or formatted"
    matches = delivery.matches() or delivery.matches(timestamp=seconds)
    return Finding(
        "confirmed", f"{error.name} {form}" + ("; in Unix seconds, the signature matches" if matches else "")
    )


def _unix_seconds(text: str) -> str | None:
    """Return milliseconds, a fraction, a date or formatted seconds as plain ones; None if *text* is not a time."""
    if len(text) > _MAX_TIME:
        return None
    text = text.strip("\"' ")
    if re.fullmatch(r"\d{10}|\d(?:[,._' ]\d{3}){3}", text, re.ASCII):
        return re.sub(r"\D", "", text)
    if text.isdecimal() and text.isascii() and 13 <= len(text) <= 19:
        return text[:10]
    if re.fullmatch(r"\d{1,12}\.\d{1,9}", text, re.ASCII):
        return text.partition(".")[0]
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text.replace("Z", "+00:00"))
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return str(int(moment.timestamp()))
    return None


@causes.add(
    "asymmetric_only",
    fix="configure the endpoint for v1 signatures: v1a signatures are asymmetric and need a public key",
)
def asymmetric_only(delivery: RejectedDelivery) -> Finding | None:
    entries = delivery.entries
    if _JOINED_SIGNATURES.search(" ".join(entries)) or any(map(is_candidate, entries)):
        return None
    if all(entry.startswith("v1a,") for entry in entries):
        return Finding("confirmed", f"{delivery.names[2]} contains only v1a signatures, no v1")
    return None


@causes.add(
    "duplicate_header",
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
        values = [value.strip() for value in values[0][:_MAX_JOINED].split(",")]
    if len(values) == 1 or (is_joined and (name == delivery.names[2] or "v1" in values)):
        return None
    is_same = len(set(values)) == 1
    message_id, timestamp = (text.partition(",")[0].strip() for text in (delivery.message_id, delivery.timestamp))
    matches = delivery.matches(message_id=message_id, timestamp=timestamp)
    return Finding(
        "confirmed" if matches or is_same or not is_joined else "likely",
        f"{name} is present {len(values)} times, with {'the same value' if is_same else 'different values'}"
        + ("; read once, the signature matches" if matches else ""),
    )


def _joined_signatures(delivery: RejectedDelivery) -> Finding | None:
    value = " ".join(delivery.entries)
    if not _JOINED_SIGNATURES.search(value):
        return None
    signatures = re.findall(r"v1a?,[A-Za-z0-9+/]+=*", value)
    evidence = f"{delivery.names[2]} is present {len(signatures)} times, joined"
    return Finding("confirmed", evidence + ("; one of them matches" if delivery.matches(entries=signatures) else ""))


@causes.add(
    "malformed_signature",
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
    if delivery.matches(entries=_parts_of_signatures(" ".join(delivery.entries)), compare=_is_part):
        return Finding("confirmed", f"{name} is damaged, and the rest of the signature in it matches")
    if not any(map(_SIGNATURE.fullmatch, delivery.entries)):
        return Finding("confirmed", f"{name} contains no 'v1,' followed by 44 characters of base64")
    return None


def _parts_of_signatures(header: str) -> Iterator[str]:
    """Yield the parts of a damaged header that may be of a signature, without prefix and padding."""
    text = unescape_html(unquote(unquote(header))).replace("\\", "")
    from_hexadecimal = (
        b2a_base64(bytes.fromhex(digest), newline=False).decode() for digest in _HEXADECIMAL_DIGEST.findall(text)
    )
    base64url = text.replace("-", "+").replace("_", "/")
    for form in (text, text.replace(" ", "+"), re.sub(r"\s", "", text), base64url, *from_hexadecimal):
        yield from _PART_OF_SIGNATURE.findall(form)


def _is_part(part: bytes, expected: bytes) -> bool:
    """Return whether *part* contains a signature or is contained in it, in any case of the letters."""
    shorter, longer = sorted((part.lower(), expected.removeprefix(b"v1,").rstrip(b"=").lower()), key=len)
    places = range(len(longer) - len(shorter) + 1)
    return any(compare_digest(shorter, longer[place : place + len(shorter)]) for place in places)


def _matches_swapped(delivery: RejectedDelivery) -> bool:
    """Return whether the signature matches if the values of the three headers are exchanged."""
    return any(
        delivery.matches(message_id=message_id, timestamp=timestamp, entries=split_signatures(signatures))
        for message_id, timestamp, signatures in permutations(
            (delivery.message_id, delivery.timestamp, delivery.signatures)
        )
    )


@causes.add(
    "mixed_headers",
    fix="send one complete header set, svix-* or webhook-*, and no part of the other",
    explains=(MissingHeaderError, SignatureMismatchError),
)
def mixed_headers(delivery: RejectedDelivery) -> Finding | None:
    if isinstance(delivery.error, MissingHeaderError):
        given = {name for name, _ in delivery.headers}
        if all(given.intersection(names) for names in zip(SVIX_HEADERS, WEBHOOK_HEADERS, strict=True)):
            parts = sorted(given.intersection(SVIX_HEADERS + WEBHOOK_HEADERS))
            return Finding("confirmed", f"parts of both header sets are present: {', '.join(parts)}")
    elif delivery.matches_headers(WEBHOOK_HEADERS):
        return Finding("confirmed", "both header sets are present, and the signature matches webhook-* only")
    return None


@causes.add(
    "other_vendor",
    fix="point that vendor's webhooks at another URL: this one accepts only Clerk's",
    explains=(MissingHeaderError,),
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
    "missing_header",
    fix="pass all request headers unchanged, and check that no proxy removes or renames svix-*",
    explains=(MissingHeaderError, MalformedHeaderError, SignatureMismatchError),
)
def missing_header(delivery: RejectedDelivery) -> Finding | None:
    error = delivery.error
    if isinstance(error, SignatureMismatchError):
        message_id = unquote(delivery.message_id).strip("\"'<>")
        if message_id != delivery.message_id and delivery.matches(message_id=message_id):
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
    matches = delivery.matches_headers(renamed.get(name, name) for name in delivery.names)
    return Finding("confirmed", evidence + ("; with the right names, the signature matches" if matches else ""))


def _is_renamed(given: str, name: str) -> bool:
    """Return whether the header *given* is *name* as environments, proxies and code rewrite names."""
    letters = re.sub("[^a-z]", "", given)
    return given != name and letters.endswith((name.replace("-", ""), name.replace("-", "").replace("svix", "webhook")))
