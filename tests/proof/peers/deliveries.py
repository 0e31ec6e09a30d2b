"""Deliveries for the comparison of verifiers: the vectors, and any number of random ones.

A random delivery is a valid one with up to three changes: some before it is signed, so that the signature covers them,
others in transit. The seed determines all of them.
"""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

VECTORS = Path(__file__).parent.with_name("vectors") / "signatures.json"
PARTS = ("id", "timestamp", "signature")
NAMES = frozenset(f"{family}-{part}" for family in ("svix", "webhook") for part in PARTS)
NOW = 1_700_000_000
TOLERANCE = 300


@dataclass(frozen=True)
class Delivery:
    headers: tuple[tuple[str, str], ...]  # a character a byte, as HTTP servers decode them
    body: bytes
    secrets: tuple[str, ...]
    now: float
    made: tuple[str, ...] = ()  # its changes


def vectors() -> Iterator[tuple[dict, Delivery]]:
    """All vectors with the tolerance that the peers have, too."""
    for group in json.loads(VECTORS.read_text("utf-8"))["testGroups"]:
        for test in group["tests"] if group["tolerance"] == TOLERANCE else ():
            headers = tuple((name, value) for name, value in test["headers"])
            body = test["body"].encode("latin-1") * test["repeat"]
            yield test, Delivery(headers, body, tuple(group["secrets"]), group["now"], (test["comment"],))


class Draft:
    """A delivery in the making."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.keys = [rng.randbytes(rng.choice((24, 24, 25, 32, 64, 75))) for _ in range(rng.choice((1, 1, 1, 2)))]
        self.secrets = ["whsec_" + base64.b64encode(key).decode() for key in self.keys]
        self.now = NOW + rng.choice((0, 0, 0.25, 0.5)) + rng.randrange(10**6)
        edge = rng.choice((-1, 1)) * rng.choice((299, 300, 301))
        self.values = {
            "id": "msg_" + rng.randbytes(rng.choice((4, 16))).hex(),
            "timestamp": str(int(self.now) + rng.choice((rng.randint(-290, 290), rng.randint(-290, 290), edge))),
        }
        self.body = json.dumps(
            {"type": "user.created", "data": {"name": rng.choice(("Ada", "Zoë \u2603", "\ufffd", "a.b"))}},
            ensure_ascii=rng.random() < 0.3,
        ).encode()
        self.families = [rng.choice(("svix", "webhook"))]
        self.headers: list[tuple[str, str]] = []

    def digest(self) -> bytes:
        signed = "{id}.{timestamp}.".format(**self.values).encode() + self.body
        return hmac.digest(self.rng.choice(self.keys), signed, hashlib.sha256)

    def sign(self) -> None:
        self.values["signature"] = "v1," + base64.b64encode(self.digest()).decode()

    def address(self) -> None:
        self.headers = [(f"{family}-{part}", self.values[part]) for family in self.families for part in PARTS]

    def edit(self, part: str, change: Callable[[str], str]) -> None:
        self.values[part] = change(self.values[part])

    def edit_secret(self, change: Callable[[str], str]) -> None:
        del self.keys[1:], self.secrets[1:]
        self.secrets[0] = change(self.secrets[0])

    def edit_header(self, change: Callable[[str, str], list[tuple[str, str]]]) -> None:
        index = self.rng.randrange(len(self.headers))
        self.headers[index : index + 1] = change(*self.headers[index])


def inserted(draft: Draft, text: str, added: str, start: int = 0) -> str:
    place = draft.rng.randint(start, len(text))
    return text[:place] + added + text[place:]


def flipped(draft: Draft, data: bytes) -> bytes:
    changed = bytearray(data or b"\0")
    changed[draft.rng.randrange(len(changed))] ^= 1 << draft.rng.randrange(8)
    return bytes(changed)


def other_family(name: str) -> str:
    return name.replace("svix", "*").replace("webhook", "svix").replace("*", "webhook")


def rekeyed(draft: Draft, size: int) -> None:
    draft.keys = [draft.rng.randbytes(size)]
    draft.secrets = ["whsec_" + base64.b64encode(draft.keys[0]).decode()]


SPELLINGS: dict[str, Callable[[str], str]] = {
    "a point and a zero": lambda text: text + ".0",
    "a fraction": lambda text: text + ".9",
    "a plus sign": lambda text: "+" + text,
    "a minus sign": lambda text: "-" + text,
    "a leading zero": lambda text: "0" + text,
    "four leading zeros": lambda text: "0000" + text,
    "an underscore": lambda text: text[:1] + "_" + text[1:],
    "an exponent": lambda text: text + "e0",
    "a letter behind": lambda text: text + "s",
    "a comma behind": lambda text: text + ",",
    "a blank in front": lambda text: " " + text,
    "an NBSP in front": lambda text: "\xa0" + text,
    "a line feed behind": lambda text: text + "\n",
    "milliseconds": lambda text: text + "000",
    "hexadecimal": lambda text: hex(int(text)) if text.isdecimal() else text,
    "nothing left": lambda text: "",
}
IDS = {"a period": "a.b", "a comma": "a,b", "a blank": "a b", "no ASCII": "a\xe9", "a control character": "a\x01",
       "a NUL": "a\0", "a line feed inside": "a\nb", "257 characters": "a" * 257, "256 characters": "a" * 256,
       "a blank in front": " a", "a tab behind": "a\t", "an NBSP behind": "a\xa0", "a VT behind": "a\v",
       "punctuation": "~!$/=?"}  # fmt: skip
BODIES = {"empty": b"", "0xff": b'"\xff"', "a surrogate": b'"\xed\xa0\x80"', "a byte order mark": b"\xef\xbb\xbf{}",
          "U+FFFD": b'"\xef\xbf\xbd"', "no JSON": b"a.b", "every byte": bytes(range(256)), "a NUL": b"\0"}  # fmt: skip
SECRETS: dict[str, Callable[[Draft, str], str]] = {
    "without padding": lambda draft, text: text.rstrip("="),
    "too much padding": lambda draft, text: text + "=",
    "far too much padding": lambda draft, text: text + "====",
    "without its prefix": lambda draft, text: text[6:],
    "with its prefix twice": lambda draft, text: "whsec_" + text,
    "in quotes": lambda draft, text: f'"{text}"',
    "with a blank in front": lambda draft, text: " " + text,
    "with a newline behind": lambda draft, text: text + "\n",
    "with a blank inside": lambda draft, text: inserted(draft, text, " ", 6),
    "with a stray character": lambda draft, text: inserted(draft, text, draft.rng.choice("!-_=\xe9"), 6),
    "with a character more": lambda draft, text: text + "A",
    "of the URL-safe alphabet": lambda draft, text: "whsec_" + text[6:].replace("+", "-").replace("/", "_"),
    "with its unused bits set": lambda draft, text: text.rstrip("=")[:-1] + "/" + "=" * text.count("="),
    "cut": lambda draft, text: text[:-1],
    "empty": lambda draft, text: "",
}
ENTRIES = ["", "v1", "v1,", ",", "v1,abc", "v1,abc!", "v1,a,b", "v1,\xe9", "v2,abc", "v1a,AAAA", "x", "v1,\n", "\xa0",
           "v1," + "A" * 43 + "="]  # fmt: skip
SIGNATURES: dict[str, Callable[[Draft, str], str]] = {
    "another version": lambda draft, text: draft.rng.choice(("v1a", "v2", "V1", "", "v1,v1")) + text[2:],
    "no comma": lambda draft, text: text.replace(",", draft.rng.choice(("", " ", "=", ", "))),
    "no padding": lambda draft, text: text.rstrip("="),
    "more padding": lambda draft, text: text + draft.rng.choice(("=", "==", "====")),
    "the URL-safe alphabet": lambda draft, text: text.replace("+", "-").replace("/", "_"),
    "unused bits set": lambda draft, text: text[:-2] + chr(ord(text[-2:-1] or "A") + 1) + text[-1:],
    "a character inside": lambda draft, text: inserted(draft, text, draft.rng.choice("!-_=\n\t\0\xe9 ,A"), 3),
    "a comma behind": lambda draft, text: text + draft.rng.choice((",", ",x", "," + text)),
    "a tab behind": lambda draft, text: text + "\t",
    "an NBSP behind": lambda draft, text: text + "\xa0",
    "cut": lambda draft, text: text[: draft.rng.randrange(len(text))] if text else text,
    "the case swapped": lambda draft, text: text[:3] + text[3:].swapcase(),
    "quotes": lambda draft, text: f'"{text}"',
    "hexadecimal": lambda draft, text: "v1," + draft.digest().hex(),
    "a flipped bit": lambda draft, text: "v1," + base64.b64encode(flipped(draft, draft.digest())).decode(),
    "an entry in front": lambda draft, text: f"{draft.rng.choice(ENTRIES)} {text}",
    "an entry behind": lambda draft, text: f"{text} {draft.rng.choice(ENTRIES)}",
    "itself behind": lambda draft, text: f"{text}{draft.rng.choice((' ', '  ', ',', chr(9)))}{text}",
}
CHANGED: dict[str, Callable[[Draft, bytes], bytes]] = {
    "a flipped bit": flipped,
    "a newline more": lambda draft, body: body + b"\n",
    "a byte order mark more": lambda draft, body: b"\xef\xbb\xbf" + body,
    "its first byte order mark gone": lambda draft, body: body.removeprefix(b"\xef\xbb\xbf"),
    "CR LF for commas": lambda draft, body: body.replace(b",", b",\r\n"),
    "dumped again": lambda draft, body: body.replace(b": ", b":").replace(b", ", b","),
    "0xff for U+FFFD": lambda draft, body: body.replace(b"\xef\xbf\xbd", b"\xff"),
    "U+FFFD for 0xff": lambda draft, body: body.replace(b"\xff", b"\xef\xbf\xbd"),
    "nothing left": lambda draft, body: b"",
    "the last byte cut": lambda draft, body: body[:-1],
}
HEADERS: dict[str, Callable[[Draft, str, str], list[tuple[str, str]]]] = {
    "Title-Case": lambda draft, name, value: [(name.title(), value)],
    "gone": lambda draft, name, value: [],
    "empty": lambda draft, name, value: [(name, draft.rng.choice(("", " ", "\t")))],
    "an underscore": lambda draft, name, value: [(name.replace("-", "_"), value)],
    "twice": lambda draft, name, value: [(name, value), (draft.rng.choice((name, name.upper())), value)],
    "twice, differing": lambda draft, name, value: draft.rng.sample([(name, value), (name, "1")], 2),
    "in the other family": lambda draft, name, value: [(other_family(name), value)],
    "blanks round it": lambda draft, name, value: [(name, f" {value}\t")],
    "other white space behind": lambda draft, name, value: [(name, value + draft.rng.choice("\n\r\v\f\xa0\x1f"))],
    "other white space in front": lambda draft, name, value: [(name, draft.rng.choice("\n\r\v\f\xa0\x1f") + value)],
    "a NUL behind": lambda draft, name, value: [(name, value + "\0")],
    "a flipped bit": lambda draft, name, value: [(name, flipped(draft, value.encode("latin-1")).decode("latin-1"))],
}


def oddities() -> Iterator[tuple[int, str, Callable[[Draft], object]]]:
    """Yield changes: when (0: before signing, 1: after, 2: once it has headers), the name, and the function."""
    for name, text in IDS.items():
        yield 0, f"id: {name}", lambda draft, text=text: draft.values.update(id=text)
    for name, body in BODIES.items():
        yield 0, f"body: {name}", lambda draft, body=body: setattr(draft, "body", body)
    for name, spell in SPELLINGS.items():
        yield 0, f"timestamp, signed so: {name}", lambda draft, spell=spell: draft.edit("timestamp", spell)
        yield 1, f"timestamp, then spelt: {name}", lambda draft, spell=spell: draft.edit("timestamp", spell)
    for size in (0, 1, 16, 23, 76, 200):
        yield 0, f"key: {size} bytes", lambda draft, size=size: rekeyed(draft, size)
    for name, change in SECRETS.items():
        yield 0, f"secret: {name}", lambda draft, to=change: draft.edit_secret(lambda text: to(draft, text))
    yield 0, "both families", lambda draft: setattr(draft, "families", draft.rng.sample(("svix", "webhook"), 2))
    yield 0, "the key is the secret's text", lambda draft: setattr(draft, "keys", [draft.secrets[0].encode()])
    yield 1, "id: another", lambda draft: draft.edit("id", lambda text: text + "x")
    yield 1, "timestamp: the next second", lambda draft: draft.edit("timestamp", lambda text: text[:-1] + "7")
    for name, change in SIGNATURES.items():
        yield 1, f"signature: {name}", lambda draft, to=change: draft.edit("signature", lambda text: to(draft, text))
    for name, change in CHANGED.items():
        yield 1, f"body, then: {name}", lambda draft, to=change: setattr(draft, "body", to(draft, draft.body))
    for name, change in HEADERS.items():
        yield 2, f"header: {name}", lambda draft, to=change: draft.edit_header(lambda *pair: to(draft, *pair))


ODDITIES = sorted(oddities(), key=lambda oddity: oddity[0])


def random_deliveries(seed: int, count: int) -> Iterator[Delivery]:
    rng = random.Random(seed)
    for _ in range(count):
        draft = Draft(rng)
        chosen = [ODDITIES[index] for index in sorted(rng.sample(range(len(ODDITIES)), rng.choice((0, 1, 1, 1, 2, 3))))]
        for stage, between in enumerate((draft.sign, draft.address, lambda: None)):
            for when, _, deed in chosen:
                if when == stage and (draft.headers or stage < 2):
                    deed(draft)
            between()
        made = tuple(name for _, name, _ in chosen)
        yield Delivery(tuple(draft.headers), draft.body, tuple(draft.secrets), draft.now, made)
