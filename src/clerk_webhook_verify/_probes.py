"""What commonly happens to a delivery on its way, one change after the other, until the signature fits."""

from __future__ import annotations

import json
import os
import re
import zlib
from binascii import a2b_base64
from collections.abc import Iterable
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from hmac import compare_digest
from itertools import accumulate, chain, count, islice, permutations

from ._headers import SVIX_HEADERS, declared_length, first_value
from ._secret import ENVIRONMENT, PREFIX
from ._signature import Signer, is_candidate
from .errors import MalformedHeaderError, MissingHeaderError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Literal, TypeAlias

    from ._secret import Secret

    Cause: TypeAlias = Literal[
        "reserialized_body",
        "trailing_newline",
        "byte_order_mark",
        "line_endings",
        "wrong_charset",
        "base64_body",
        "compressed_body",
        "empty_body",
        "truncated_body",
        "wrong_secret",
        "text_secret",
        "missing_header",
        "duplicate_header",
        "mixed_headers",
        "timestamp_in_milliseconds",
        "timestamp_too_old",
        "timestamp_too_new",
        "other_attempt",
        "asymmetric_only",
        "other_vendor",
    ]
    Confidence: TypeAlias = Literal["proved", "likely", "left over"]

_MAX_INFLATED = 8_000_000  # bytes
_MAX_HASHED = 120_000_000  # bytes, in search of another attempt's timestamp: a tenth of a second
_MAX_ATTEMPTS = 40_000  # timestamps tried
_MAX_DEPTH = 200  # of JSON that is written again: indents grow with its square, and the encoder's recursion ends
_VENDORS = {
    "stripe-signature": "Stripe",
    "x-hub-signature-256": "GitHub",
    "x-hub-signature": "GitHub",
    "x-slack-signature": "Slack",
    "x-shopify-hmac-sha256": "Shopify",
    "paddle-signature": "Paddle",
    "x-twilio-signature": "Twilio",
    "linear-signature": "Linear",
}
_BOM = b"\xef\xbb\xbf"
_JOINED = re.compile(r"v1a?,[A-Za-z0-9+/]+=*, ?v1a?,")
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')  # (?:[^"\\]|\\.)* takes 120 bytes for each character
_BASE64 = re.compile(rb"[A-Za-z0-9+/\s]{8,}={0,2}\s*")


class Finding:
    def __init__(self, cause: Cause, confidence: Confidence, proof: str) -> None:
        self.cause: Cause = cause
        self.confidence: Confidence = confidence
        self.proof = proof


class RefusedDelivery:
    """What was refused, and whether a changed form of it would have been taken."""

    def __init__(
        self,
        pairs: list[tuple[str, str]],
        body: bytes,
        signers: tuple[Signer, ...],
        secrets: list[str],
        attempts: tuple[tuple[str, str], ...],
    ) -> None:
        self.pairs, self.body, self.signers, self.secrets = pairs, body, signers, secrets
        self.attempts = attempts
        self.message_id, self.timestamp, signatures = (self.first(name) for name in SVIX_HEADERS)
        self.entries = signatures.split(" ")

    def values(self, name: str) -> list[str]:
        """All values of the header *name* or, where no svix-* header is there, of its ``webhook-*`` twin."""
        if not any(given in SVIX_HEADERS for given, _ in self.pairs):
            name = name.replace("svix", "webhook")
        return [value.strip(" \t") for given, value in self.pairs if given == name]

    def first(self, name: str) -> str:
        return next(iter(self.values(name)), "")

    def fits(
        self,
        *,
        body: bytes | None = None,
        message_id: str | None = None,
        timestamp: str | None = None,
        entries: Iterable[str] | None = None,
        signers: Iterable[Signer] | None = None,
    ) -> bool:
        message_id = self.message_id if message_id is None else message_id
        timestamp = self.timestamp if timestamp is None else timestamp
        prefix = f"{message_id}.{timestamp}.".encode("utf-8", "surrogatepass")
        wanted = [entry.encode("utf-8", "surrogatepass") for entry in (self.entries if entries is None else entries)]
        for signer in self.signers if signers is None else signers:
            expected = signer.sign(prefix, self.body if body is None else body).encode()
            if any(compare_digest(entry, expected) for entry in wanted):
                return True
        return False

    def fits_under(self, names: Iterable[str]) -> bool:
        """Whether the signature fits where the id, the timestamp and the signatures stand under these names."""
        message_id, timestamp, signatures = (first_value(self.pairs, name) for name in names)
        return self.fits(message_id=message_id, timestamp=timestamp, entries=signatures.split(" "))

    @property
    def declared(self) -> int | None:
        """The Content-Length, where it is a number."""
        return declared_length(first_value(self.pairs, "content-length"))


def text_pairs(headers: Any) -> list[tuple[str, str]]:
    """Lower-case names and text values of headers in any form; empty where they are none, which the check tells.

    As in the check, a header whose value is None is not there, and one whose name is not ASCII is another.
    """
    pairs = []
    try:
        for name, value in headers.items() if hasattr(headers, "items") else headers:
            if value is not None:
                pairs.append((_text(name), _text(value)))
    except (TypeError, ValueError):
        return []
    return [(name.lower(), value) for name, value in pairs if name.isascii()]


def _text(part: object) -> str:
    try:
        return part.decode("latin-1") if isinstance(part, bytes) else str(part)
    except UnicodeError:  # email.header.Header, round a text that no charset can write
        return ""


# The headers


def missing_header(delivery: RefusedDelivery, error: MissingHeaderError) -> Finding:
    names = [name for name, _ in delivery.pairs]
    here = [name for name in names if name.startswith(("svix-", "webhook-"))]
    vendor = next((name for name in names if name in _VENDORS), None)
    if vendor and not here:
        return Finding("other_vendor", "proved", f"{vendor} is there and no svix-*: a delivery of {_VENDORS[vendor]}")
    twins = {name: name.replace("svix", "webhook") for name in SVIX_HEADERS}
    if all(name in names or twin in names for name, twin in twins.items()):
        return Finding(
            "mixed_headers", "proved", f"of both families something is there: {', '.join(sorted(set(here)))}"
        )
    renamed = {name: next((given for given in names if _is_renamed(given, name)), None) for name in error.names}
    found = [f"{given} stands for {name}" for name, given in renamed.items() if given]
    if not found:
        return Finding("missing_header", "proved", f"there is no {' and no '.join(error.names)}")
    fits = delivery.fits_under(renamed.get(name) or name for name in SVIX_HEADERS)
    return Finding("missing_header", "proved", "; ".join(found) + ("; so named, the signature fits" if fits else ""))


def _is_renamed(given: str, name: str) -> bool:
    """Whether the header *given* is *name* as environments, proxies and code rewrite names."""
    letters = re.sub("[^a-z]", "", given)
    return given != name and letters.endswith((name.replace("-", ""), name.replace("-", "").replace("svix", "webhook")))


def malformed_header(delivery: RefusedDelivery, error: MalformedHeaderError) -> Finding:
    name = next(name for name in SVIX_HEADERS if name.endswith(error.name.partition("-")[2]))
    values = delivery.values(name)
    seconds = _unix_seconds(values[0]) if name == "svix-timestamp" and len(values) == 1 else None
    if seconds is not None:
        fits = delivery.fits(timestamp=values[0]) or delivery.fits(timestamp=seconds)
        form = "in more digits than seconds have" if values[0].isdecimal() else "a date or a fraction"
        right = "; in Unix seconds, the signature fits" if fits else ""
        return Finding("timestamp_in_milliseconds", "proved", f"{error.name} is {form}{right}")
    if len(values) > 1 or "," in values[0]:
        parts = values if len(values) > 1 else [part.strip() for part in values[0].split(",")]
        same = "with the same value" if len(set(parts)) == 1 else "with different values"
        fits = delivery.fits(message_id=_part(delivery.message_id), timestamp=_part(delivery.timestamp))
        once = "; taken once, the signature fits" if fits else ""
        return Finding("duplicate_header", "proved", f"{error.name} is there {len(parts)} times, {same}{once}")
    return Finding("missing_header", "likely", f"{error.name} is there, but not in its form: {error}")


def _part(value: str) -> str:
    return value.partition(",")[0].strip()


def _unix_seconds(text: str) -> str | None:
    """What *text* is in whole Unix seconds; None where it is no time."""
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


def _mixed(delivery: RefusedDelivery) -> Finding | None:
    """Both families are there, svix-* decides, and the other one is the genuine one."""
    if delivery.fits_under(name.replace("svix", "webhook") for name in SVIX_HEADERS):
        return Finding("mixed_headers", "proved", "both families are there, and the signature fits webhook-* alone")
    return None


def _signature_header(delivery: RefusedDelivery) -> Finding | None:
    value = " ".join(delivery.entries)
    if _JOINED.search(value):
        parts = re.findall(r"v1a?,[A-Za-z0-9+/]+=*", value)
        fits = "; one of them fits" if delivery.fits(entries=parts) else ""
        return Finding("duplicate_header", "proved", f"svix-signature is there {len(parts)} times, joined{fits}")
    if any(entry.startswith("v1a,") for entry in delivery.entries) and not any(map(is_candidate, delivery.entries)):
        return Finding("asymmetric_only", "proved", "svix-signature holds v1a signatures alone, and no v1")
    return None


# The body


def _empty(delivery: RefusedDelivery) -> Finding | None:
    if delivery.body:
        return None
    if delivery.declared:
        return Finding("empty_body", "proved", f"the body is empty, Content-Length says {delivery.declared} bytes")
    return Finding("empty_body", "likely", "the body is empty, and Clerk never sends an empty one")


def _edges(delivery: RefusedDelivery) -> Finding | None:
    body = delivery.body
    changes: list[tuple[Cause, str, bytes]] = [
        ("trailing_newline", "without the line end at its end", body.rstrip(b"\r\n")),
        ("trailing_newline", "with one line end less", re.sub(rb"\r?\n\Z", b"", body)),
        ("trailing_newline", "with a line end at its end", body + b"\n"),
        ("trailing_newline", "with a line end (CR LF) at its end", body + b"\r\n"),
        ("byte_order_mark", "without the byte order mark", body.removeprefix(_BOM)),
        ("byte_order_mark", "without the byte order mark and the line end", body.removeprefix(_BOM).rstrip(b"\r\n")),
        ("byte_order_mark", "with a byte order mark", _BOM + body),
        ("line_endings", "with LF for CR LF", body.replace(b"\r\n", b"\n")),
        ("line_endings", "with CR LF for LF", re.sub(rb"\r?\n", b"\r\n", body)),
        ("line_endings", "with LF for CR LF, without the last", body.replace(b"\r\n", b"\n").rstrip(b"\n")),
        ("line_endings", "on one line", re.sub(rb"\r?\n", b"", body)),
    ]
    return _first_that_fits(delivery, changes)


def _first_that_fits(delivery: RefusedDelivery, changes: Iterable[tuple[Cause, str, bytes]]) -> Finding | None:
    tried = {delivery.body}
    for cause, change, body in changes:
        if body not in tried:
            tried.add(body)
            if delivery.fits(body=body):
                return Finding(cause, "proved", f"{change}, the signature fits")
    return None


def _charset(delivery: RefusedDelivery) -> Finding | None:
    body = delivery.body
    changes: list[tuple[Cause, str, bytes]] = []
    for charset in ("utf-16", "latin-1", "cp1252"):
        for decoded_as, encoded_as, mistake in (
            ("utf-8", charset, f"decoded as {charset} and encoded as UTF-8 on the way: turned back"),
            (charset, "utf-8", f"encoded as {charset} on the way: turned back into UTF-8"),
        ):
            try:
                changes.append(("wrong_charset", mistake, body.decode(decoded_as).encode(encoded_as)))
            except UnicodeError:
                continue
    finding = _first_that_fits(delivery, () if body.isascii() and b"\0" not in body else changes)
    if finding is None and "\ufffd".encode() in body:
        return Finding(
            "wrong_charset", "likely", "the body holds U+FFFD, which stands where a decoder could not read bytes"
        )
    return finding


def _reserialized(delivery: RefusedDelivery) -> Finding | None:
    try:
        payload = json.loads(delivery.body.decode())
    except (ValueError, RecursionError):
        return None
    if _depth(delivery.body) > _MAX_DEPTH:
        return None
    writings = _writings(payload, len(delivery.body))
    finding = _first_that_fits(
        delivery,
        (
            ("reserialized_body", f"written again {how}", text.encode("utf-8", "surrogatepass"))
            for how, text in writings
        ),
    )
    if finding is not None:
        return finding
    if delivery.declared is not None and delivery.declared != len(delivery.body):
        return Finding(
            "reserialized_body",
            "likely",
            f"the body is whole JSON of {len(delivery.body)} bytes, but Content-Length says {delivery.declared}",
        )
    # Where the keys kept their order, one of the writings would have fitted
    if re.search(rb"\s", _STRING.sub(b"", delivery.body)) and _compact(payload) == _compact(_sorted(payload)):
        return Finding(
            "reserialized_body",
            "likely",
            "the body has spaces between its parts, which Clerk's have not, and sorted keys",
        )
    return None


def _depth(body: bytes) -> int:
    """How deeply the JSON in *body* is nested."""
    brackets = re.sub(rb"[^][{}]", b"", _STRING.sub(b"", body))
    return max(accumulate((1 if bracket in b"[{" else -1 for bracket in brackets), initial=0))


def _writings(payload: Any, size: int) -> Iterator[tuple[str, str]]:
    """The forms in which a sender may have written *payload*, the likeliest first; of a large one, fewer."""
    small = size < 50_000
    for order, value in (("", payload), (", keys sorted", _sorted(payload))):
        compact = _compact(value)
        yield f"compactly{order}", compact
        if not compact.isascii():
            yield f"compactly in ASCII{order}", json.dumps(value, separators=(",", ":"))
        for escaper, chars in _ESCAPED.items():
            escaped = compact
            for char, escape in chars.items():
                escaped = escaped.replace(char, escape)
            yield f"compactly, as {escaper} escapes it{order}", escaped
        if small:
            yield f"as Python's json.dumps does{order}", json.dumps(value)
            yield f"as Python's json.dumps does, not in ASCII{order}", json.dumps(value, ensure_ascii=False)
            for indent in (2, 4):
                yield f"with an indent of {indent}{order}", json.dumps(value, indent=indent, ensure_ascii=False)
    if small and isinstance(payload, dict) and len(payload) <= 6:
        for keys in permutations(payload):
            yield "compactly, its keys in another order", _compact({key: payload[key] for key in keys})


_ESCAPED = {"Go": {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}, "PHP": {"/": "\\/"}}


def _compact(payload: Any) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))


def _sorted(payload: Any) -> Any:
    return json.loads(json.dumps(payload, sort_keys=True))


def _encoded(delivery: RefusedDelivery) -> Finding | None:
    body = delivery.body
    if _BASE64.fullmatch(body):
        try:
            decoded = a2b_base64(body)
        except ValueError:
            decoded = b""
        if delivery.fits(body=decoded):
            return Finding("base64_body", "proved", "decoded from base64, the signature fits")
        if decoded[:1] == b"{":
            return Finding("base64_body", "likely", "the body is base64 of something that looks like JSON")
    inflated = _inflated(body)
    if inflated is not None:
        if delivery.fits(body=inflated):
            return Finding("compressed_body", "proved", "decompressed, the signature fits")
        return Finding("compressed_body", "likely", "the body is compressed, which Clerk's never are")
    return None


def _inflated(body: bytes) -> bytes | None:
    """The body of gzip, zlib or deflate, no more than some megabytes of it; None where it is none of them."""
    for bits in (31, 15, -15) if body[:1] in (b"\x1f", b"\x78") else (-15,):
        if bits == -15 and body[:1] in (b"{", b"[", b" ", b"\n"):
            continue
        try:
            unpacker = zlib.decompressobj(bits)
            content = unpacker.decompress(body, _MAX_INFLATED)
        except zlib.error:
            continue
        if unpacker.eof or unpacker.unconsumed_tail:
            return content
    return None


def _truncated(delivery: RefusedDelivery) -> Finding | None:
    length, declared = len(delivery.body), delivery.declared
    if not _breaks_off(delivery.body) or (declared is not None and declared <= length):
        return None
    if declared is None:
        return Finding("truncated_body", "likely", f"the body is JSON that breaks off after {length} bytes")
    return Finding("truncated_body", "proved", f"{length} bytes are there, Content-Length says {declared}")


def _breaks_off(body: bytes) -> bool:
    text = body.decode("utf-8", "replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return error.pos >= len(text.rstrip()) or "Unterminated" in error.msg
    except (ValueError, RecursionError):
        return False
    return False


# The secret


def secret_texts(secret: Secret | None) -> list[str]:
    """The texts that may be meant as secrets, in the ways that an environment variable is read."""
    if secret is None:
        value = next((os.environ[name] for name in ENVIRONMENT if name in os.environ), "").strip()
        return list(dict.fromkeys(filter(None, [value, *re.split(r"[\s,]+", value)])))
    given = (secret,) if isinstance(secret, str | bytes) else secret
    return list(filter(None, (_text(each).strip() for each in given)))


def _text_keys(text: str) -> Iterator[tuple[str, bytes]]:
    """The ways in which other vendors make a key of a secret's text."""
    rest = text.removeprefix(PREFIX)
    yield "the whole text is the key", text.encode("utf-8", "surrogatepass")
    yield f"the text after {PREFIX} is the key", rest.encode("utf-8", "surrogatepass")
    if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", rest):
        yield f"the text after {PREFIX} is hexadecimal", bytes.fromhex(rest)
    if re.search("[-_]", rest):
        try:
            yield "it is base64url", a2b_base64(rest.replace("-", "+").replace("_", "/") + "==")
        except ValueError:
            return


def text_secret(delivery: RefusedDelivery) -> Finding | None:
    for text in delivery.secrets:
        for way, key in _text_keys(text):
            if delivery.fits(signers=[Signer(key)]):
                return Finding("text_secret", "proved", f"the signature fits when {way}")
    return None


# The attempt


def _other_attempt(delivery: RefusedDelivery) -> Finding | None:
    for message_id, timestamp in delivery.attempts:
        for what, its_id, its_time in (
            ("id", message_id, None),
            ("timestamp", None, timestamp),
            ("id and timestamp", message_id, timestamp),
        ):
            if delivery.fits(message_id=its_id, timestamp=its_time):
                return Finding("other_attempt", "proved", f"with the {what} of another delivery, the signature fits")
    now = int(delivery.timestamp)
    tries = min(_MAX_ATTEMPTS, _MAX_HASHED // (len(delivery.body) + 500))
    for distance in islice(chain.from_iterable((away, -away) for away in count(1)), tries):
        if delivery.fits(timestamp=str(now + distance)):
            side = "later" if distance > 0 else "earlier"
            return Finding("other_attempt", "proved", f"with a timestamp {abs(distance)} s {side}, the signature fits")
    return None


PROBES: tuple[tuple[tuple[Cause, ...], Callable[[RefusedDelivery], Finding | None]], ...] = (
    (("asymmetric_only", "duplicate_header"), _signature_header),
    (("empty_body",), _empty),
    (("trailing_newline", "byte_order_mark", "line_endings"), _edges),
    (("reserialized_body",), _reserialized),
    (("wrong_charset",), _charset),
    (("base64_body", "compressed_body"), _encoded),
    (("truncated_body",), _truncated),
    (("text_secret",), text_secret),
    (("mixed_headers",), _mixed),
    (("other_attempt",), _other_attempt),
)
