"""What would a verifier answer that differs from ours in these ways, and why do we differ?

One verifier, written apart from the package and from the peers. Without quirks it must answer as this library does,
with a peer's quirks as that peer does, whatever arrives: so the list of quirks is the list of all differences.
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
    accepts: str = ""  #: Why we refuse what it accepts by this.
    refuses: str = ""  #: Why we accept what it refuses by this.


QUIRKS = {
    "short-key": Quirk(
        "takes a key of any length but 0", "the scheme asks for 24 bytes at least, and over 75 no sender uses any"
    ),
    "empty-key": Quirk("takes whsec_ alone for a secret, with an empty key", "whoever knows that signs at will"),
    "no-prefix": Quirk(
        "takes a secret without whsec_", "what lacks the prefix is mostly another value in the secret's place"
    ),
    "secret-not-trimmed": Quirk(
        "takes white space round a secret for part of it",
        "",
        "files and consoles put a newline behind it, and no key has one",
    ),
    "secret-skips": Quirk(
        "skips what is no base64 in a secret, and any padding", "a mistyped secret would be another key, without a word"
    ),
    "secret-loose-end": Quirk(
        "looks at neither padding nor unused bits nor a lone last character of a secret",
        "such a secret was cut or changed",
    ),
    "joins": Quirk(
        "reads doubled headers, which arrive joined with a comma", "the copy that is verified may not be the one used"
    ),
    "mixes-families": Quirk(
        "takes each header from svix-* or else webhook-*", "no sender mixes them: two deliveries in one are none"
    ),
    "webhook-family": Quirk(
        "reads webhook-* alone, also where svix-* is there",
        "one family decides, svix-* where there is any: what one reads the other must not overlook",
        "one family decides, svix-* where there is any: a stray header of the other does no harm",
    ),
    "not-stripped": Quirk(
        "takes spaces and tabs round a value for part of it",
        "with blanks round it, an id is another one that is not allowed",
        "HTTP strips them, and what makes up requests by hand may not",
    ),
    "trims": Quirk(
        "strips NBSP, VT, FF and line ends round a value, refuses NUL and line ends in any",
        "HTTP strips spaces and tabs alone",
        "no server lets them in; beside a good entry of the signature they do no harm",
    ),
    "any-id": Quirk(
        "takes an id of any characters and length", "a full stop moves the signed text, a comma joins two ids"
    ),
    "float-timestamp": Quirk(
        "reads the timestamp with float() and signs the integer",
        "it is not the text that was signed: 1.7e9 and 1_700_000_000 would do",
        "leading zeros, rightly signed: the text counts, as it arrived",
    ),
    "parsed-timestamp": Quirk(
        "reads digits at the start of the timestamp and signs those",
        "it is not the text that was signed: 1700000000, and anything would do",
        "leading zeros, rightly signed: the text counts, as it arrived",
    ),
    "whole-seconds": Quirk("reads its clock in whole seconds", "300.5 s are more than 300 s"),
    "needs-utf-8": Quirk(
        "takes a body in UTF-8 alone", "", "the signature covers bytes; whether they are text is asked later"
    ),
    "repairs-text": Quirk(
        "reads what is no UTF-8 in the body as U+FFFD, and signs that",
        "it is another body than the one that was signed",
        "the signature covers bytes; whether they are text is asked later",
    ),
    "drops-mark": Quirk(
        "drops up to two byte order marks in front of the body",
        "it is another body than the one that was signed",
        "the mark was signed, too",
    ),
    "needs-body": Quirk("takes an empty body for an error", "", "no event, but genuine: that is another error of ours"),
    "loose-base64": Quirk(
        "decodes signatures, skipping what is no base64, and gives up at an entry that it cannot decode",
        "many texts for one signature",
        "one broken entry does not spoil a good one",
    ),
    "second-comma": Quirk("ignores what follows a second comma in an entry", "no sender writes it"),
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
    return any(fits(signature, hmac.digest(key, text, "sha256"), quirks) for key in keys)


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
    """Seconds, and the text that is signed, which is empty where there is no timestamp."""
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


def fits(signature: str, digest: bytes, quirks: frozenset[str]) -> bool:
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
