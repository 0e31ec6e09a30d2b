"""Causes in the headers."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

from .._headers import SVIX_HEADERS, VENDORS, WEBHOOK_HEADERS
from .._signature import is_candidate
from ..errors import MalformedHeaderError, MissingHeaderError, SignatureMismatchError
from ._cause import CauseTable, Finding
from ._delivery import RejectedDelivery

_JOINED_SIGNATURES = re.compile(r"v1a?,[A-Za-z0-9+/]+=*, ?v1a?,")

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
    form = "has more digits than Unix seconds" if given.isdecimal() else "is a date or a fraction"
    matches = delivery.matches() or delivery.matches(timestamp=seconds)
    return Finding(
        "confirmed", f"{error.name} {form}" + ("; in Unix seconds, the signature matches" if matches else "")
    )


def _unix_seconds(text: str) -> str | None:
    """Return milliseconds, a fraction or a date as whole Unix seconds; None if *text* is not a time."""
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
    if any(entry.startswith("v1a,") for entry in entries):
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
    if len(values) == 1:  # servers join repeated headers
        values = [value.strip() for value in values[0].split(",")]
    if len(values) == 1:
        return None
    same = "with the same value" if len(set(values)) == 1 else "with different values"
    message_id, timestamp = (text.partition(",")[0].strip() for text in (delivery.message_id, delivery.timestamp))
    matches = delivery.matches(message_id=message_id, timestamp=timestamp)
    return Finding(
        "confirmed",
        f"{name} is present {len(values)} times, {same}" + ("; read once, the signature matches" if matches else ""),
    )


def _joined_signatures(delivery: RejectedDelivery) -> Finding | None:
    value = " ".join(delivery.entries)
    if not _JOINED_SIGNATURES.search(value):
        return None
    signatures = re.findall(r"v1a?,[A-Za-z0-9+/]+=*", value)
    evidence = f"{delivery.names[2]} is present {len(signatures)} times, joined"
    return Finding("confirmed", evidence + ("; one of them matches" if delivery.matches(entries=signatures) else ""))


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


# Below the causes of the same errors, because it explains whatever they do not
@causes.add(
    "missing_header",
    fix="pass all request headers unchanged, and check that no proxy removes or renames svix-*",
    explains=(MissingHeaderError, MalformedHeaderError),
)
def missing_header(delivery: RejectedDelivery) -> Finding | None:
    error = delivery.error
    if not isinstance(error, MissingHeaderError):
        return Finding("likely", str(error))
    renamed: dict[str, str] = {}
    for name in error.names:
        for given, _ in delivery.headers:
            if _is_renamed(given, name):
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
