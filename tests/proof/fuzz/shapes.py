"""The headers of a valid delivery, changes to them, and the verdict of a model that uses only hmac."""

import email.message
import re
from collections.abc import Iterable
from typing import Any

from helpers.signer import BODY, MESSAGE_ID, NOW, OTHER_SECRET, key_of
from proof.fuzz.tape import KEY, Tape, sign, signed_headers

OTHER_KEY = key_of(OTHER_SECRET)
PARTS = ("id", "timestamp", "signature")
LOWER = {capital: capital + 32 for capital in range(ord("A"), ord("Z") + 1)}  # ASCII only, unlike lower()
NAMES = [f"{family}-{part}" for family in ("svix", "webhook") for part in PARTS]


def pairs_of(headers: Any) -> Any:
    return headers.items() if hasattr(headers, "items") else headers


def is_valid(headers: Any, body: bytes, keys: Iterable[bytes] = (KEY,)) -> bool:
    """Apply the documented rules, with nothing but hmac."""
    found: dict[str, list[Any]] = {}
    try:
        for name, value in pairs_of(headers):
            name = (name.decode("latin-1") if isinstance(name, bytes) else name).translate(LOWER)
            if name in NAMES and value is not None:
                found.setdefault(name, []).append(value.decode("latin-1") if isinstance(value, bytes) else value)
    except (TypeError, ValueError, AttributeError):
        return False
    family = "svix" if any(name.startswith("svix") for name in found) else "webhook"
    values = [value for part in PARTS for value in found.get(f"{family}-{part}", [None, None])]
    if not (len(values) == 3 and all(isinstance(value, str) for value in values)):
        return False
    message_id, timestamp, signatures = (value.strip(" \t") for value in values)
    return (
        re.fullmatch(r"[!-~]{1,256}", message_id) is not None
        and not {",", "."} & {*message_id}
        and re.fullmatch("[0-9]{1,12}", timestamp) is not None
        and len(signatures.split(" ")) <= 100
        and len(signatures) <= 16_384
        and any(sign(body, message_id, timestamp, key) in signatures.split(" ") for key in keys)
        and abs(int(timestamp) - NOW) <= 300
    )


def is_odd(headers: Any) -> bool:
    """Return whether a TypeError is allowed: not pairs, or a name or a used value that is neither str nor bytes."""
    try:
        for name, value in pairs_of(headers):
            if not isinstance(name, str | bytes):
                return True
            name = name.decode("latin-1") if isinstance(name, bytes) else name
            if name.translate(LOWER) in NAMES and not isinstance(value, str | bytes | None):
                return True
    except (TypeError, ValueError):
        return True
    return False


class Items:
    """Has items() without being a mapping, as the headers of some frameworks."""

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        self.pairs = pairs

    def items(self) -> Any:
        return iter(self.pairs)


def message(pairs: list[tuple[Any, Any]]) -> Any:
    made = email.message.Message()
    for name, value in pairs:
        if isinstance(name, str) and isinstance(value, str):
            made[name] = value
    return made


def encoded(part: Any) -> Any:
    return part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part


SHAPES = [
    dict,
    list,
    iter,
    Items,
    message,
    lambda pairs: [[name, value] for name, value in pairs],
    lambda pairs: [(encoded(name), encoded(value)) for name, value in pairs],
    lambda pairs: {encoded(name): value for name, value in pairs},
    lambda pairs: [(name, encoded(value)) for name, value in pairs],
    lambda pairs: {"HTTP_" + str(name).upper().replace("-", "_"): value for name, value in pairs},
    lambda pairs: dict(pairs, **{"wsgi.input": None, "SERVER_PORT": 80}),
    lambda pairs: [*pairs, ("svix-id",)],
    lambda pairs: [*pairs, 7],
    lambda pairs: [*pairs, (7, "x"), (("svix-id",), "x")],
    lambda pairs: [name for name, _ in pairs],
    lambda pairs: [*pairs, "sx", ("", ""), (b"", b"")],
    lambda pairs: "svix-id: msg_1",
    lambda pairs: None,
]
SPELLINGS = [
    *(str.title, str.upper, encoded, lambda name: name.replace("-", "_"), lambda name: name + " "),
    lambda name: name.replace("s", "\u017f").replace("k", "\u212a").replace("i", "\u0131"),
    lambda name: name.replace("svix", "webhook"),
    lambda name: name.replace("webhook", "svix"),
    lambda name: "x-" + name,
]
ODD = [None, 7, True, 1.5, [], ["a"], bytearray(b"v1,"), memoryview(b"x"), b"\xff", {}, object]
VALUES = [
    *("", " ", "\t", "\n", "\0", "\xa0", "0", "9" * 12, "9" * 13, str(NOW), str(NOW + 300), str(NOW + 301), "-1"),
    *(MESSAGE_ID, "x" * 256, "x" * 257, "a.b", "a,b", "v1,", "v1", "v1a,x", ",", "=", "\u0661", "\ud800", "V1,"),
    *(sign(BODY), sign(BODY, key=OTHER_KEY), sign(BODY)[:-1], sign(BODY)[3:], sign(b""), str(NOW - 300)),
]
BODIES: list[Any] = [BODY, BODY.decode(), bytearray(BODY), memoryview(BODY), BODY + b"\n", BODY[:-1], b"", "\ud800"]
VALID = [list(signed_headers(family=family).items()) for family in ("svix", "webhook")]


def edited(tape: Tape) -> list[tuple[Any, Any]]:
    """Return the headers of a valid delivery, changed as the tape says."""
    pairs: list[tuple[Any, Any]] = [*tape.pick(VALID)]
    while tape.more and len(pairs) < 40:
        operation, place = tape.byte() % 10, tape.byte() % (len(pairs) or 1)
        name, value = pairs[place] if pairs else ("svix-id", "")
        name = name if isinstance(name, str) else "svix-signature"
        text = value if isinstance(value, str) else ""
        if not pairs or operation == 0:
            pairs.append((tape.pick(NAMES), tape.pick(VALUES)))
        elif operation == 1:
            pairs[place] = name, tape.text()
        elif operation == 2:
            pairs[place] = name, tape.pick(VALUES)
        elif operation == 3:
            other = tape.pick(VALUES) if tape.byte() % 2 else tape.text()
            pairs[place] = name, tape.pick(("{0}{1}", "{1}{0}", "{0} {1}", "{1} {0}", "{0}, {1}")).format(text, other)
        elif operation == 4:
            del pairs[place]
        elif operation == 5:
            pairs.insert(place, pairs[place])
        elif operation == 6:
            pairs[place] = tape.pick(SPELLINGS)(name), value
        elif operation == 7:
            pairs[place] = name, tape.pick(ODD)
        elif operation == 8:
            pairs.append((tape.text(), tape.text()))
        else:  # sign the current headers
            texts = {key: text.strip(" \t") for key, text in pairs if isinstance(text, str)}
            for family in ("svix", "webhook"):
                if texts.keys() >= {f"{family}-id", f"{family}-timestamp"}:
                    message_id, timestamp = (encoded(texts[f"{family}-{part}"]) for part in PARTS[:2])
                    if message_id.isascii() and timestamp.isascii():
                        signature = sign(BODY, message_id=message_id.decode(), timestamp=timestamp.decode())
                        pairs = [pair for pair in pairs if pair[0] != f"{family}-signature"]
                        pairs.append((f"{family}-signature", signature))
    return pairs
