"""A verifier that is independent of the package and of its peers, with the differences between them as quirks.

Without quirks it must return the results of this library, and with a peer's quirks those of the peer, for every
delivery. So the list of quirks is the list of all differences, with the reasons.
"""

import base64
import hmac
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timezone

from .deliveries import NAMES, PARTS, TOLERANCE, Delivery


@dataclass(frozen=True)
class Quirk:
    does: str
    accepts: str = ""  #: Why this library rejects what the quirk accepts.
    rejects: str = ""  #: Why this library accepts what the quirk rejects.


QUIRKS = {
    "short-key": Quirk(
        "accepts a key of any length but 0", "the scheme requires at least 24 bytes, and no sender uses more than 75"
    ),
    "empty-key": Quirk("accepts whsec_ as a secret with an empty key", "everyone knows the empty key"),
    "no-prefix": Quirk("accepts a secret without whsec_", "a value without the prefix is usually not a signing secret"),
    "secret-not-trimmed": Quirk(
        "treats white space around a secret as part of it",
        "",
        "files and consoles add a newline, and no key contains one",
    ),
    "secret-skips": Quirk(
        "skips invalid base64 and padding in a secret", "a mistyped secret would be another key, without an error"
    ),
    "secret-loose-end": Quirk(
        "ignores padding, unused bits and a single last character of a secret",
        "such a secret was cut or changed",
    ),
    "joins": Quirk(
        "reads duplicate headers, joined with a comma", "the application may use another copy than the verified one"
    ),
    "mixes-families": Quirk(
        "reads each header from svix-*, otherwise from webhook-*", "no sender mixes them: they can name two messages"
    ),
    "webhook-family": Quirk(
        "reads only webhook-*, even if svix-* is present",
        "if any svix-* header is present, only that set is used",
        "if any svix-* header is present, only that set is used: others are ignored",
    ),
    "not-stripped": Quirk(
        "treats spaces and tabs around a value as part of it",
        "an id with blanks is another id, which is not allowed",
        "HTTP strips them, but code that builds requests by hand may not",
    ),
    "trims": Quirk(
        "strips NBSP, VT, FF and newlines around a value, and rejects NUL and newlines in any value",
        "HTTP strips only spaces and tabs",
        "servers reject them, and next to a valid signature they are safe",
    ),
    "any-id": Quirk(
        "accepts an id of any characters and length", "a period moves the signed text, a comma joins two ids"
    ),
    "float-timestamp": Quirk(
        "reads the timestamp with float() and signs the integer",
        "it is not the text that was signed: 1.7e9 and 1_700_000_000 would be accepted",
        "leading zeros, correctly signed: the text is used unchanged",
    ),
    "parsed-timestamp": Quirk(
        "reads digits at the start of the timestamp and signs those",
        "it is not the text that was signed: 1700000000 and any text would be accepted",
        "leading zeros, correctly signed: the text is used unchanged",
    ),
    "whole-seconds": Quirk("reads its clock in whole seconds", "300.5 s are more than 300 s"),
    "needs-utf-8": Quirk("accepts only a body in UTF-8", "", "the signature covers bytes; they are decoded later"),
    "repairs-text": Quirk(
        "reads invalid UTF-8 in the body as U+FFFD, and signs that",
        "it is another body than the one that was signed",
        "the signature covers bytes; they are decoded later",
    ),
    "drops-mark": Quirk(
        "drops up to two byte order marks in front of the body",
        "it is another body than the one that was signed",
        "the mark was signed, too",
    ),
    "needs-body": Quirk("rejects an empty body", "", "its signature is valid: parsing it is another error"),
    "loose-base64": Quirk(
        "decodes signatures, skips invalid base64, and stops at an entry that it cannot decode",
        "one signature would have many valid forms",
        "a malformed entry does not invalidate a good one",
    ),
    "second-comma": Quirk("ignores text after a second comma in an entry", "no sender writes one"),
}
EVERYWHERE = {"short-key", "no-prefix", "secret-not-trimmed", "joins", "any-id"}
PYTHON = EVERYWHERE | {"secret-skips", "not-stripped", "float-timestamp", "needs-utf-8", "loose-base64"}
JAVASCRIPT = EVERYWHERE | {"secret-loose-end", "parsed-timestamp", "whole-seconds", "repairs-text", "second-comma"}
PEERS = {
    "svix (PyPI)": PYTHON | {"mixes-families"},
    "standardwebhooks (PyPI)": PYTHON | {"webhook-family"},
    "svix (npm)": JAVASCRIPT | {"empty-key", "mixes-families", "not-stripped"},
    "standardwebhooks (npm)": JAVASCRIPT | {"webhook-family", "not-stripped"},
    "@clerk/backend (npm)": JAVASCRIPT | {"trims", "drops-mark", "needs-body"},
}
BASE64 = re.compile(r"[A-Za-z0-9+/]*")


def accepts(delivery: Delivery, quirks: Iterable[str] = ()) -> bool:
    quirks = frozenset(quirks)
    keys = [key_of(secret, quirks) for secret in delivery.secrets]
    values = read_headers(delivery, quirks)
    body = read_body(delivery.body, quirks)
    if None in keys or values is None or body is None:
        return False
    message_id, timestamp, signature = values
    seconds, signed = read_timestamp(timestamp, quirks)
    now = math.floor(delivery.now) if "whole-seconds" in quirks else delivery.now
    if not signed or abs(seconds - now) > TOLERANCE:
        return False
    if "any-id" not in quirks and not re.fullmatch(r"[!-+\-/-~]{1,256}", message_id):
        return False
    text = f"{message_id}.{signed}.".encode() + body
    return any(matches(signature, hmac.digest(key, text, "sha256"), quirks) for key in keys)


def key_of(secret: str, quirks: frozenset[str]) -> bytes | None:
    text = secret if "secret-not-trimmed" in quirks else secret.strip()
    if not text.startswith("whsec_") and "no-prefix" not in quirks:
        return None
    if secret == "whsec_" and "empty-key" in quirks:
        return b""
    text = text.removeprefix("whsec_")
    data = text.rstrip("=")
    if "secret-skips" in quirks:
        try:
            key = base64.b64decode(text + "==")
        except ValueError:
            return None
    else:
        whole = data[:-1] if len(data) % 4 == 1 else data
        if not BASE64.fullmatch(whole):
            return None
        key = base64.b64decode(whole + "=" * (-len(whole) % 4))
        canonical = base64.b64encode(key).decode()
        if "secret-loose-end" in quirks:
            if len(text) < 4 or len(text) - len(data) > 2:
                return None
        elif text not in (canonical, canonical.rstrip("=")):
            return None
    return (
        key if (1 if "short-key" in quirks else 24) <= len(key) <= (math.inf if "short-key" in quirks else 75) else None
    )


def read_headers(delivery: Delivery, quirks: frozenset[str]) -> list[str] | None:
    found: dict[str, list[str]] = {}
    for name, value in delivery.headers:
        if "trims" in quirks:
            value = value.strip("\t\n\r ")
            if re.search(r"[\0\r\n]", value):
                return None
        if name.lower() in NAMES:
            found.setdefault(name.lower(), []).append(value)
    families = {name.split("-")[0] for name in found}
    family = "webhook" if families == {"webhook"} or ("webhook-family" in quirks and "webhook" in families) else "svix"
    values = []
    for part in PARTS:
        copies = found.get(f"{family}-{part}", [])
        if "mixes-families" in quirks:
            copies = found.get(f"svix-{part}") or found.get(f"webhook-{part}") or []
        if len(copies) > 1 and "joins" not in quirks:
            return None
        value = ", ".join(copies)
        if "trims" in quirks:
            value = value.strip("\t\n\v\f\r \xa0")
        elif "not-stripped" not in quirks:
            value = value.strip("\t ")
        if not value:
            return None
        values.append(value)
    return values


def read_timestamp(text: str, quirks: frozenset[str]) -> tuple[float, str]:
    """Return the seconds and the signed text, which is empty if there is no timestamp."""
    if "float-timestamp" in quirks:
        try:
            seconds = datetime.fromtimestamp(float(text), timezone.utc).timestamp()
        except (ValueError, OverflowError, OSError):
            return 0, ""
        return seconds, str(math.floor(seconds))
    if "parsed-timestamp" in quirks:
        digits = re.match(r"[\t\n\v\f\r \xa0]*([+-]?[0-9]+)", text)
        return (int(digits[1]), str(int(digits[1]))) if digits else (0, "")
    return (int(text), text) if re.fullmatch(r"[0-9]{1,12}", text) else (0, "")


def read_body(body: bytes, quirks: frozenset[str]) -> bytes | None:
    if "needs-utf-8" in quirks:
        try:
            body.decode()
        except UnicodeDecodeError:
            return None
    if "drops-mark" in quirks:
        body = re.sub(rb"\A(\xef\xbb\xbf){1,2}", b"", body)
    if "needs-body" in quirks and not body:
        return None
    return body.decode("utf-8", "replace").encode() if "repairs-text" in quirks else body


def matches(signature: str, digest: bytes, quirks: frozenset[str]) -> bool:
    right = "v1," + base64.b64encode(digest).decode()
    for entry in signature.split(" "):
        if "second-comma" in quirks:
            entry = ",".join(entry.split(",")[:2])
        if "loose-base64" in quirks:
            version, *rest = entry.split(",")
            if len(rest) != 1:
                return False
            if version == "v1":
                try:
                    entry = "v1," + base64.b64encode(base64.b64decode(rest[0])).decode()
                except ValueError:
                    return False
        if entry == right:
            return True
    return False
