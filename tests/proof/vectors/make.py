"""Write signatures.json: deliveries that a verifier of this signature scheme must accept or reject.

    python tests/proof/vectors/make.py

The structure follows Project Wycheproof; schema.json has the format, and the file itself explains the flags. Only hmac
signs, without the package's code: vectors that a verifier wrote for itself would show nothing.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path

FILE = Path(__file__).with_name("signatures.json")
KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
OTHER_KEY = base64.b64decode("C2FVsBQIhrscChlQIMV+b5sSYspob7oD")
THIRD_KEY = bytes(range(24))
ID, NOW = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_700_000_000
BODY = b'{"type":"user.created","data":{"id":"user_1"}}'
FAMILY = ("svix-id", "svix-timestamp", "svix-signature")
OK, BAD, MAYBE = "valid", "invalid", "acceptable"
MISSING, MALFORMED, MISMATCH = "missing_header", "malformed_header", "signature_mismatch"
OLD, NEW, SECRET = "timestamp_too_old", "timestamp_too_new", "invalid_secret"

HEADER = [
    "Each group has the receiver's secrets, its tolerance in seconds and its clock in Unix seconds. Each test is one "
    "delivery to it.",
    "A string in 'headers' or 'body' is a sequence of bytes: the character U+00NN is the byte 0xNN (ISO 8859-1). The "
    "body is 'body', repeated 'repeat' times. Duplicate headers are in the list twice.",
    "valid: accept. invalid: reject. acceptable: implementations may differ, and no attacker benefits.",
    "'reason' is the error code of this library, and null if it accepts the delivery, also for acceptable ones. The "
    "order of its checks: secrets, headers, signature, age.",
]
NOTES = {
    "Official": ("BASIC", "Published by the authors of the scheme with their own libraries."),
    "Plain": ("BASIC", "Usual deliveries: both header sets, names in any case, any usual id."),
    "Body": ("FUNCTIONALITY", "The body is bytes. An implementation that parses JSON may reject other bodies."),
    "BodyChanged": ("MODIFIED_PARAMETER", "The body is not the one that was signed, even if they are similar."),
    "BodyRepaired": ("AUTH_BYPASS", "Another body. A decoder that replaces invalid text returns the signed one."),
    "Missing": ("MISSING_STEP", "One of the three headers is missing or empty."),
    "Duplicate": ("CAN_OF_WORMS", "A header is present twice: which copy is verified, and which is used?"),
    "Families": ("CAN_OF_WORMS", "svix-* and webhook-* headers in one delivery."),
    "Blanks": ("EDGE_CASE", "White space around a value: HTTP strips only spaces and tabs."),
    "MessageId": ("CAN_OF_WORMS", "Correctly signed ids with characters or lengths that no known sender uses."),
    "MovedDot": ("AUTH_BYPASS", "id.timestamp.body split elsewhere: the same signed text is another delivery."),
    "TimestampForm": ("MODIFIED_PARAMETER", "Not Unix seconds in plain digits, or not as they were signed."),
    "TimestampAge": ("AUTH_BYPASS", "A valid delivery near the edge of the tolerance, or far beyond it: a replay."),
    "Several": ("FUNCTIONALITY", "Several signatures, as during a rotation of secrets: one match is enough."),
    "Version": ("AUTH_BYPASS", "The right signature with another version, or without one."),
    "Separator": ("MODIFIED_PARAMETER", "The right signature, but not as 'v1,' and base64, separated by blanks."),
    "Encoding": ("MALLEABILITY", "The right 32 bytes, but not in standard base64 (RFC 4648, section 4)."),
    "Forged": ("AUTH_BYPASS", "Another signature, or a part or an extension of the right one."),
    "OtherText": ("AUTH_BYPASS", "The right key over another text."),
    "OtherPrimitive": ("WRONG_PRIMITIVE", "The right text under another key, hash or construction."),
    "Rotation": ("FUNCTIONALITY", "Several secrets. A delivery that was signed with another one is rejected."),
    "SecretLength": ("WEAK_PARAMS", "Keys have 24 to 64 bytes by the specification. Some senders use up to 75."),
    "SecretForm": ("MODIFIED_PARAMETER", "A secret is whsec_ and standard base64. Its key signs the delivery."),
}


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def whsec(key: bytes) -> str:
    return "whsec_" + encoded(key)


def mac(message_id: str = ID, timestamp: object = NOW, body: bytes = BODY, key: bytes = KEY, hashed="sha256") -> bytes:
    return hmac.digest(key, f"{message_id}.{timestamp}.".encode("latin-1") + body, hashed)


def entry(**changed: object) -> str:
    return "v1," + encoded(mac(**changed))


def case(flag, comment, result=OK, reason=None, *, message_id=ID, timestamp=NOW, body=BODY, repeat=1, family="svix",
         signed=(), signature=None, headers=lambda pairs: pairs):  # fmt: skip
    """Return a test. *signed* changes what is signed, and *headers* changes the pairs after that."""
    truth = {"message_id": message_id, "timestamp": timestamp, "body": body * repeat} | dict(signed)
    values = (message_id, str(timestamp), entry(**truth) if signature is None else signature)
    pairs = [(f"{family}-{name}", value) for name, value in zip(("id", "timestamp", "signature"), values, strict=True)]
    return {"comment": comment, "flags": [flag], "headers": headers(pairs), "body": body.decode("latin-1"),
            "repeat": repeat, "result": result, "reason": reason}  # fmt: skip


def put(**values: str | None):
    """Change the values of headers, by the last part of their names; None removes a header."""
    return lambda pairs: [
        (name, values.get(name.split("-")[1], value))
        for name, value in pairs
        if values.get(name.split("-")[1], value) is not None
    ]


def plain():
    yield case("Plain", "svix-* headers")
    yield case("Plain", "webhook-* headers", family="webhook")
    for comment, spelling in {"Title-Case": str.title, "UPPER-CASE": str.upper, "sWAPPED-cASE": str.swapcase}.items():
        yield case("Plain", f"names in {comment}", headers=lambda pairs, to=spelling: [(to(n), v) for n, v in pairs])
    yield case("Plain", "another order", headers=lambda pairs: pairs[::-1])
    others = [("host", "example.com"), ("content-type", "application/json"), ("x-forwarded-for", "203.0.113.9")]
    yield case("Plain", "among other headers", headers=lambda pairs: [*others, *pairs, ("accept", "*/*")])
    punctuation = "!\"#$%&'()*+-/:;<=>?@[\\]^_`{|}~"
    for message_id in ("a", "0", "3f1b7d9e-5c2a-4e8f-9b6d-0a1c2e3f4d5b", "msg_" + "x" * 252, punctuation):
        yield case("Plain", f"an id of {len(message_id)} characters: {message_id[:12]}", message_id=message_id)


def bodies():
    for comment, body in {
        "text in UTF-8, characters of 2 to 4 bytes": '{"name":"Zoë 漢字 \U0001f600"}'.encode(),
        "text with escapes": b'{"name":"Zo\\u00eb \\ud83d\\ude00 \\u0000"}',
        "lines that end in CR LF": b'{\r\n  "type": "x"\r\n}\r\n',
        "a newline at the end": BODY + b"\n",
        "blanks around it": b" \t" + BODY + b"  ",
        "periods": b'["a.b", 1.5, "..."]',
        "a digit": b"0",
        "U+FFFD itself": '{"name":"\ufffd"}'.encode(),
    }.items():
        yield case("Body", comment, body=body)
    for size in (55, 56, 64, 65):  # near the blocks of SHA-256 and its padding
        yield case("Body", f"a signed text of {size} bytes", body=b"7", repeat=size - len(f"{ID}.{NOW}."))
    yield case("Body", "64 KiB", body=b"7", repeat=65_536)
    for comment, body in {
        "no body": b"",
        "not JSON": b"hello",
        "a byte order mark": b"\xef\xbb\xbf" + BODY,
        "a NUL": b'"\0"',
        "all bytes": bytes(range(256)),
        "not UTF-8: 0xff": b'"\xff"',
        "not UTF-8: a surrogate": b'"\xed\xa0\x80"',
        "not UTF-8: an overlong NUL": b'"\xc0\x80"',
        "not UTF-8: a truncated sequence": b'"\xe2\x82"',
    }.items():
        yield case("Body", comment, MAYBE, body=body)


def changed_bodies():
    mark, accented, decomposed = b"\xef\xbb\xbf", '{"name":"Zoë"}'.encode(), '{"name":"Zoe\u0308"}'.encode()
    for comment, signed, sent in (
        ("one bit at the start", BODY, b"z" + BODY[1:]),
        ("one bit at the end", BODY, BODY[:-1] + b"|"),
        ("one letter's case", BODY, BODY.replace(b"user_1", b"User_1")),
        ("a newline more", BODY, BODY + b"\n"),
        ("a newline less", BODY + b"\n", BODY),
        ("LF became CR LF", b"{\n}", b"{\r\n}"),
        ("a blank in front", BODY, b" " + BODY),
        ("a NUL more", BODY, BODY + b"\0"),
        ("a byte order mark more", BODY, mark + BODY),
        ("a byte order mark less", mark + BODY, BODY),
        ("the last byte cut", BODY, BODY[:-1]),
        ("nothing left of it", BODY, b""),
        ("something where nothing was signed", b"", BODY),
        ("twice", BODY, BODY * 2),
        ("another one", BODY, BODY.replace(b"user_1", b"user_2")),
        ("parsed and dumped again: blanks", BODY, json.dumps(json.loads(BODY)).encode()),
        ("parsed and dumped again: keys sorted", BODY, b'{"data":{"id":"user_1"},"type":"user.created"}'),
        ("parsed and dumped again: escapes", accented, b'{"name":"Zo\\u00eb"}'),
        ("parsed and dumped again: no escapes", b'{"name":"Zo\\u00eb"}', accented),
        ("parsed and dumped again: 1.0 became 1", b"[1.0]", b"[1]"),
        ("dumped twice, a string of JSON", BODY, json.dumps(BODY.decode()).encode()),
        ("composed became decomposed", accented, decomposed),
        ("UTF-8 became ISO 8859-1", accented, '{"name":"Zoë"}'.encode("latin-1")),
        ("UTF-8 encoded once more", accented, accented.decode("latin-1").encode()),
        ("its base64", BODY, base64.b64encode(BODY)),
    ):
        yield case("BodyChanged", comment, BAD, MISMATCH, body=sent, signed={"body": signed})
    for comment, signed, sent in (
        ("U+FFFD was signed, 0xff sent", b'"\xef\xbf\xbd"', b'"\xff"'),
        ("U+FFFD was signed, a cut sequence sent", b'"\xef\xbf\xbd"', b'"\xe2\x82"'),
        ("U+FFFD twice was signed, an overlong NUL sent", b'"\xef\xbf\xbd\xef\xbf\xbd"', b'"\xc0\x80"'),
        ("0xff was signed, 0xfe sent", b'"\xff"', b'"\xfe"'),
        ("0xff was signed, U+FFFD sent", b'"\xff"', b'"\xef\xbf\xbd"'),
    ):
        yield case("BodyRepaired", comment, BAD, MISMATCH, body=sent, signed={"body": signed})


def headers():
    yield case("Missing", "all of them", BAD, MISSING, headers=lambda pairs: [])
    for family in ("svix", "webhook"):
        for name in ("id", "timestamp", "signature"):
            yield case("Missing", f"{family}-{name}", BAD, MISSING, family=family, headers=put(**{name: None}))
    for name, reason in {"id": MALFORMED, "timestamp": MALFORMED, "signature": MISMATCH}.items():
        yield case("Missing", f"svix-{name} is empty", BAD, reason, headers=put(**{name: ""}))
        yield case("Missing", f"svix-{name} is blanks", BAD, reason, headers=put(**{name: " \t "}))
    for old, new in (("-", "_"), ("svix", "x-svix"), ("svix", "clerk")):
        renamed = lambda pairs, old=old, new=new: [(name.replace(old, new), value) for name, value in pairs]  # noqa: E731
        yield case("Missing", f"{'svix-id'.replace(old, new)} and so on instead", BAD, MISSING, headers=renamed)

    others = {"id": "msg_other", "timestamp": str(NOW + 1), "signature": entry(key=OTHER_KEY)}
    for index, (name, other) in enumerate(others.items()):
        # a second signature forges nothing; a second id or time might be used for the one that was verified
        differing = MAYBE if name == "signature" else BAD
        once, twice = (lambda pairs, i=index: pairs[i][1]), f"svix-{name} twice"
        for comment, result, add in (
            ("the same", MAYBE, lambda pairs, i=index: [*pairs, pairs[i]]),
            ("the same, in another case", MAYBE, lambda pairs, i=index: [(pairs[i][0].title(), pairs[i][1]), *pairs]),
            ("then another", differing, lambda pairs, i=index, o=other: [*pairs, (pairs[i][0], o)]),
            ("another first", differing, lambda pairs, i=index, o=other: [(pairs[i][0], o), *pairs]),
        ):
            yield case("Duplicate", f"{twice}: {comment}", result, MALFORMED, headers=add)
        joined = lambda pairs, n=name, o=other, once=once: put(**{n: f"{once(pairs)}, {o}"})(pairs)  # noqa: E731
        yield case("Duplicate", f"{twice}: joined with a comma", differing, MISMATCH if index == 2 else MALFORMED,
                   headers=joined)  # fmt: skip

    for index, name in enumerate(FAMILY):
        mixed = lambda pairs, i=index: [  # noqa: E731
            (n if at != i else n.replace("svix", "webhook"), v) for at, (n, v) in enumerate(pairs)
        ]
        yield case("Families", f"{name} is called webhook-{name[5:]}", MAYBE, MISSING, headers=mixed)
    good, forged = entry(), entry(key=OTHER_KEY)
    for comment, svix, webhook, result, reason in (
        ("both are complete and right", good, good, OK, None),
        ("both are complete, webhook-* is forged", good, forged, MAYBE, None),
        ("both are complete, svix-* is forged", forged, good, MAYBE, MISMATCH),
        ("both are forged", forged, forged, BAD, MISMATCH),
    ):
        pairs = [*zip(FAMILY, (ID, str(NOW), svix), strict=True)]
        pairs += [(name.replace("svix", "webhook"), value) for name, value in put(signature=webhook)(pairs)]
        yield case("Families", comment, result, reason, headers=lambda _, pairs=pairs: pairs)
    for message_id in (ID, "msg_other"):
        beside = lambda pairs, one=("webhook-id", message_id): [one, *pairs]  # noqa: E731
        yield case("Families", f"webhook-id {message_id[:9]} next to svix-*", MAYBE, headers=beside)

    for name, right in {"id": ID, "timestamp": str(NOW), "signature": good}.items():
        yield case("Blanks", f"a space and a tab around svix-{name}", MAYBE, headers=put(**{name: f" \t{right}\t "}))
        for comment, blank in {"LF": "\n", "VT": "\v", "NUL": "\0", "NBSP": "\xa0"}.items():
            yield case("Blanks", f"{comment} after svix-{name}", BAD, MISMATCH if name == "signature" else MALFORMED,
                       headers=put(**{name: right + blank}))  # fmt: skip


def message_ids():
    for comment, message_id in {
        "a period": "msg_a.b",
        "a comma": "msg_a,b",
        "a space inside": "msg_a b",
        "a tab inside": "msg_a\tb",
        "UTF-8": "msg_é".encode().decode("latin-1"),
        "257 characters": "a" * 257,
    }.items():
        yield case("MessageId", comment, MAYBE, MALFORMED, message_id=message_id)
    for comment, control in {"LF": "\n", "CR LF and a header": "\r\nx: ", "NUL": "\0", "DEL": "\x7f"}.items():
        message_id = f"msg_a{control}b"
        yield case("MessageId", comment, BAD, MALFORMED, message_id=message_id)
    for comment, changed in {
        "another id": {"message_id": "msg_other"},
        "the id in lower case": {"message_id": ID.lower()},
        "the id cut": {"message_id": ID[:-1]},
    }.items():
        yield case("MessageId", comment, BAD, MISMATCH, signed={"message_id": ID}, **changed)

    signed = {"timestamp": NOW, "body": f"{NOW}.".encode() + BODY}
    yield case("MovedDot", "as it was signed: a body that begins with digits and a period", **signed)
    for comment, message_id, timestamp, body in (
        ("the timestamp is in the id", f"{ID}.{NOW}", NOW, BODY),
        ("the timestamp is in the id, which is percent-encoded", f"{ID}%2E{NOW}", NOW, BODY),
        ("half of the body is in the timestamp", ID, f"{NOW}.{NOW}", BODY),
    ):
        yield case("MovedDot", comment, BAD, MISMATCH if "%" in message_id else MALFORMED, message_id=message_id,
                   timestamp=timestamp, body=body, signed={"message_id": ID, **signed})  # fmt: skip
    yield case("MovedDot", "the id ends with a period, the timestamp begins with one", BAD, MALFORMED,
               message_id=ID + ".", signed={"message_id": ID, "timestamp": f".{NOW}"})  # fmt: skip


def timestamps():
    as_numbers = {  # which a lenient parser may read as NOW: also signed as NOW
        "a decimal point": f"{NOW}.0",
        "a fraction": f"{NOW}.9",
        "a sign": f"+{NOW}",
        "an underscore": "1_700_000_000",
        "an exponent": "1.7e9",
        "letters after it": f"{NOW}s",
        "a comma after it": f"{NOW},",
        "two of them": f"{NOW} {NOW}",
        "13 digits, the first three zeros": f"{NOW:013}",
        "Arabic digits in UTF-8": "".join(chr(0x660 + int(digit)) for digit in str(NOW)).encode().decode("latin-1"),
    }
    for comment, text in as_numbers.items():
        yield case("TimestampForm", f"{comment}, signed so", BAD, MALFORMED, timestamp=text)
        signed = {"timestamp": NOW}
        yield case("TimestampForm", f"{comment}, signed as seconds", BAD, MALFORMED, timestamp=text, signed=signed)
    for comment, text in {
        "a negative one": f"-{NOW}",
        "hexadecimal": hex(NOW),
        "a blank inside": "17 00000000",
        "a superscript": "1\xb2",
        "quotes": f'"{NOW}"',
        "not a number": "NaN",
        "infinity": "inf",
        "a date": "2023-11-14T22:13:20Z",
        "milliseconds": f"{NOW}000",
        "microseconds": f"{NOW}000000",
        "400 digits": "9" * 400,
    }.items():
        yield case("TimestampForm", comment, BAD, MALFORMED, timestamp=text)
    zeros = f"{NOW:012}"
    yield case("TimestampForm", "leading zeros, signed so", MAYBE, timestamp=zeros)
    for comment, text, signed in (("leading zeros, signed without", zeros, NOW), ("one second later", NOW, NOW - 1)):
        yield case("TimestampForm", comment, BAD, MISMATCH, timestamp=text, signed={"timestamp": signed})
    for skew in (-300, -299, -1, 1, 299, 300):
        yield case("TimestampAge", f"{skew:+} s", timestamp=NOW + skew)
    for skew in (-301, -302, -3600, -86_400, -NOW):
        yield case("TimestampAge", f"{skew:+} s", BAD, OLD, timestamp=NOW + skew)
    for skew in (301, 302, 3600, 31_536_000, 999_999_999_999 - NOW):
        yield case("TimestampAge", f"{skew:+} s", BAD, NEW, timestamp=NOW + skew)
    old = NOW - 3600
    yield case("TimestampAge", "-3600 s and forged", BAD, MISMATCH, timestamp=old, signed={"key": OTHER_KEY})
    yield case("TimestampAge", "-3600 s, made fresh", BAD, MISMATCH, signed={"timestamp": old})


def signatures():
    good, forged = entry(), entry(key=OTHER_KEY)
    digest, text = mac(), good[3:]
    newer = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="
    for comment, signature in {
        "the right one first": f"{good} {forged}",
        "the right one last": f"{forged} {good}",
        "the right one between": f"{forged} {good} {forged}",
        "the right one twice": f"{good} {good}",
        "next to an asymmetric one": f"{newer} {good}",
        "next to one of a later version": f"v2,{text} {good}",
        "after twenty others": " ".join([*[forged] * 20, good]),
    }.items():
        yield case("Several", comment, signature=signature)
    for comment, signature in {
        "two blanks between": f"{forged}  {good}",
        "next to only a version": f"v1 {good}",
        "next to an empty one": f"v1, {good}",
        "next to a comma": f", {good}",
        "next to invalid base64": f"v1,abc {good}",
        "next to one with two commas": f"v1,a,b {good}",
        "next to one that is not ASCII": f"v1,\xe2\x98\x83 {good}",
        "before invalid base64": f"{good} v1,abc",
    }.items():
        yield case("Several", comment, MAYBE, signature=signature)
    for comment, signature in {"two, neither right": f"{forged} {forged}", "only an asymmetric one": newer}.items():
        yield case("Several", comment, BAD, MISMATCH, signature=signature)

    for version in ("v1a", "v2", "V1", "v0", "v01", "v1.0", "1", "whsec_", "*"):
        yield case("Version", f"{version} for v1", BAD, MISMATCH, signature=f"{version},{text}")
    yield case("Version", "none", BAD, MISMATCH, signature=text)
    yield case("Version", "an empty one", BAD, MISMATCH, signature="," + text)

    for comment, signature in {
        "no comma": f"v1{text}",
        "an equals sign": f"v1={text}",
        "two commas": f"v1,,{text}",
        "a blank after the comma": f"v1, {text}",
        "a blank before the comma": f"v1 ,{text}",
        "the version twice": f"v1,{good}",
        "the version at the end": f"{text},v1",
        "a comma at the end": f"{good},",
        "more after another comma": f"{good},x",
        "two with a comma between": f"{forged},{good}",
        "two with a tab between": f"{forged}\t{good}",
        "two with a line between": f"{forged}\n{good}",
        "quotes": f'"{good}"',
        "only the version": "v1",
        "only version and comma": "v1,",
        "only a comma": ",",
    }.items():
        yield case("Separator", comment, BAD, MISMATCH, signature=signature)

    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = alphabet.index(text[-2])
    for bits in (1, 2, 3):
        signature = good[:-2] + alphabet[last ^ bits] + "="
        yield case("Encoding", f"unused bits of the last character: {bits}", MAYBE, MISMATCH, signature=signature)
    for comment, other in {
        "hexadecimal": digest.hex(),
        "base64 of hexadecimal": encoded(digest.hex().encode()),
        "base64 twice": encoded(text.encode()),
        "the URL-safe alphabet": base64.urlsafe_b64encode(mac(timestamp=NOW + 5)).decode(),
        "no padding": text.rstrip("="),
        "padding twice": text + "=",
        "percent-encoded padding": text.replace("=", "%3D"),
        "a character outside of base64 inside": text[:9] + "!" + text[9:],
        "a hyphen inside": text[:9] + "-" + text[9:],
        "a newline inside": text[:9] + "\n" + text[9:],
        "a NUL inside": text[:9] + "\0" + text[9:],
        "a byte that is not ASCII inside": text[:9] + "\xe9" + text[9:],
        "upper and lower case swapped": text.swapcase(),
    }.items():
        timestamp = NOW + 5 if "URL" in comment else NOW  # one whose signature has a plus sign or a slash
        yield case("Encoding", comment, BAD, MISMATCH, signature=f"v1,{other}", timestamp=timestamp)

    for index, place in {0: "first", 15: "middle", 31: "last"}.items():
        flipped = bytes(byte ^ (at == index) for at, byte in enumerate(digest))
        yield case("Forged", f"one bit of the {place} byte", BAD, MISMATCH, signature="v1," + encoded(flipped))
    for comment, data in {
        "the first 16 bytes": digest[:16],
        "the first 31 bytes": digest[:31],
        "the last 31 bytes": digest[1:],
        "a byte more": digest + b"\0",
        "twice": digest * 2,
        "backwards": digest[::-1],
        "32 zero bytes": bytes(32),
    }.items():
        yield case("Forged", comment, BAD, MISMATCH, signature="v1," + encoded(data))
    yield case("Forged", "the secret itself", BAD, MISMATCH, signature="v1," + encoded(KEY))

    start, seconds = ID.encode(), str(NOW).encode()
    for comment, signed in {
        "only the body": BODY,
        "no body": start + b"." + seconds,
        "no body, a period": start + b"." + seconds + b".",
        "no id": seconds + b"." + BODY,
        "no timestamp": start + b"." + BODY,
        "timestamp.id.body": b".".join((seconds, start, BODY)),
        "body.timestamp.id": b".".join((BODY, seconds, start)),
        "nothing between": start + seconds + BODY,
        "colons between": b":".join((start, seconds, BODY)),
        "a period at the end": b".".join((start, seconds, BODY, b"")),
        "the version in front": b".".join((b"v1", start, seconds, BODY)),
        "the SHA-256 of the body": b".".join((start, seconds, hashlib.sha256(BODY).hexdigest().encode())),
        "nothing": b"",
    }.items():
        yield case("OtherText", comment, BAD, MISMATCH, signature="v1," + encoded(hmac.digest(KEY, signed, "sha256")))

    whole = f"{ID}.{NOW}.".encode() + BODY
    for comment, data in {
        "another key": mac(key=OTHER_KEY),
        "an empty key": mac(key=b""),
        "the text of the secret as the key": mac(key=whsec(KEY).encode()),
        "the text after whsec_ as the key": mac(key=encoded(KEY).encode()),
        "the complete secret decoded as base64url": mac(key=base64.urlsafe_b64decode(whsec(KEY) + "==")),
        "HMAC-SHA-1": mac(hashed="sha1"),
        "HMAC-SHA-512": mac(hashed="sha512"),
        "HMAC-SHA-512, its first 32 bytes": mac(hashed="sha512")[:32],
        "SHA-256 without a key": hashlib.sha256(whole).digest(),
        "SHA-256 of key and text": hashlib.sha256(KEY + whole).digest(),
        "key and text swapped": hmac.digest(whole, KEY, "sha256"),
    }.items():
        yield case("OtherPrimitive", comment, BAD, MISMATCH, signature="v1," + encoded(data))


def rotation():
    for comment, keys in {"the first": [KEY], "the second": [OTHER_KEY], "both": [KEY, OTHER_KEY],
                          "both, the second first": [OTHER_KEY, KEY], "a third and the second": [THIRD_KEY, OTHER_KEY],
                          }.items():  # fmt: skip
        yield case("Rotation", f"signed with {comment}", signature=" ".join(entry(key=key) for key in keys))
    yield case("Rotation", "signed with a third", BAD, MISMATCH, signed={"key": THIRD_KEY})


def secrets():
    """Yield secret, key and test; each is a separate group."""
    for size, result, reason in ((24, OK, None), (25, OK, None), (26, OK, None), (32, OK, None), (48, OK, None),
                                 (63, OK, None), (64, OK, None), (65, MAYBE, None), (75, MAYBE, None),
                                 (76, MAYBE, SECRET), (128, MAYBE, SECRET), (23, BAD, SECRET), (16, BAD, SECRET),
                                 (1, BAD, SECRET)):  # fmt: skip
        key = bytes(range(size))
        yield whsec(key), key, ("SecretLength", f"a key of {size} bytes", result, reason)
    yield "whsec_", b"", ("SecretLength", "no key", BAD, SECRET)

    plus, long = b"\xfb\xef\xff" * 8, bytes(range(25))
    for comment, secret, key, result, reason in (
        ("plus signs and slashes", whsec(plus), plus, OK, None),
        ("no padding", whsec(long).rstrip("="), long, MAYBE, None),
        ("white space around it", f" {whsec(KEY)}\r\n", KEY, MAYBE, None),
        ("the URL-safe alphabet", whsec(plus).replace("+", "-").replace("/", "_"), plus, BAD, SECRET),
        ("unused bits of the last character", whsec(long)[:-3] + "B==", long, MAYBE, SECRET),
        ("half of the padding", whsec(long)[:-1], long, BAD, SECRET),
        ("too much padding", whsec(KEY) + "==", KEY, BAD, SECRET),
        ("a character too many", whsec(KEY) + "A", KEY, BAD, SECRET),
        ("a character outside of base64", whsec(KEY)[:9] + "!" + whsec(KEY)[9:], KEY, BAD, SECRET),
        ("a blank inside", whsec(KEY)[:9] + " " + whsec(KEY)[9:], KEY, BAD, SECRET),
        ("a newline inside", whsec(KEY)[:9] + "\n" + whsec(KEY)[9:], KEY, BAD, SECRET),
        ("padding inside", whsec(THIRD_KEY)[:10] + "=" + whsec(THIRD_KEY)[10:], THIRD_KEY, BAD, SECRET),
        ("no prefix", encoded(KEY), KEY, MAYBE, SECRET),
        ("the prefix twice", "whsec_" + whsec(KEY), KEY, BAD, SECRET),
        ("the prefix in upper case", "WHSEC_" + encoded(KEY), KEY, BAD, SECRET),
        ("the prefix of a public key", "whpk_" + encoded(KEY), KEY, BAD, SECRET),
        ("the prefix of a private key", "whsk_" + encoded(KEY), KEY, BAD, SECRET),
        ("the version of a signature in front", "v1," + whsec(KEY), KEY, BAD, SECRET),
        ("double quotes round it", f'"{whsec(KEY)}"', KEY, BAD, SECRET),
        ("the empty text, signed with an empty key", "", b"", BAD, SECRET),
        ("a text of no base64, signed with that text", "whsec_your-secret-here", b"your-secret-here", BAD, SECRET),
        ("no prefix, signed with the text", "correct horse battery", b"correct horse battery", BAD, SECRET),
    ):
        yield secret, key, ("SecretForm", comment, result, reason)


def official(source: str, body: bytes, signature: str):
    def published(pairs):
        assert pairs[2][1] == signature, "this script signs as the authors do"
        return pairs

    def tests(message_id: str, timestamp: int, key: bytes):
        for family in ("webhook", "svix"):
            yield case("Official", f"{source}, as {family}-*", message_id=message_id, timestamp=timestamp, body=body,
                       family=family, signed={"key": key}, headers=published)  # fmt: skip

    return tests


def groups():
    """Secrets, tolerance, now and tests."""
    reference = official("Standard Webhooks reference libraries", b'{"test": 2432232314}',
                         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")  # fmt: skip
    yield [KEY], 300, 1614265330, reference(ID, 1614265330, KEY)
    rust = official("Svix Rust library", b'{"email":"test@example.com","username":"test_user"}',
                    "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=")  # fmt: skip
    yield [OTHER_KEY], 300, 1649367553, rust("msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1649367553, OTHER_KEY)
    parts = (plain, bodies, changed_bodies, headers, message_ids, timestamps, signatures)
    yield [KEY], 300, NOW, (each for part in parts for each in part())
    yield [KEY, OTHER_KEY], 300, NOW, rotation()
    yield [OTHER_KEY], 300, NOW, [case("Rotation", "signed with the one that was taken out", BAD, MISMATCH)]
    for tolerance in (0, 60):
        within = [case("TimestampAge", f"{skew:+} s", timestamp=NOW + skew) for skew in sorted({-tolerance, tolerance})]
        beyond = [case("TimestampAge", f"{skew:+} s", BAD, reason, timestamp=NOW + skew)
                  for skew, reason in ((-tolerance - 1, OLD), (tolerance + 1, NEW))]  # fmt: skip
        yield [KEY], tolerance, NOW, within + beyond
    yield (
        [KEY],
        300,
        NOW + 0.5,
        [
            case("TimestampAge", "-300.5 s", MAYBE, OLD, timestamp=NOW - 300),
            case("TimestampAge", "-299.5 s", timestamp=NOW - 299),
            case("TimestampAge", "+299.5 s", timestamp=NOW + 300),
            case("TimestampAge", "+300.5 s", MAYBE, NEW, timestamp=NOW + 301),
        ],
    )
    yield [KEY], 300, 100, [case("TimestampAge", "the first second there is", timestamp=0),
                            case("TimestampAge", "zeros alone", MAYBE, timestamp="000000000000")]  # fmt: skip
    yield (
        [KEY],
        300,
        999_999_999_999,
        [
            case("TimestampAge", "the last second of twelve digits", timestamp=999_999_999_999),
            case("TimestampAge", "the first second of thirteen digits", MAYBE, MALFORMED, timestamp=1_000_000_000_000),
        ],
    )
    for secret, key, (flag, comment, result, reason) in secrets():
        yield secret, 300, NOW, [case(flag, comment, result, reason, signed={"key": key})]


def text() -> str:
    """Return the complete file, with one line per test for readable diffs."""
    number, written = 0, []
    for keys, tolerance, now, tests in groups():
        secrets = [keys] if isinstance(keys, str) else [whsec(key) for key in keys]
        lines = []
        for number, each in enumerate(tests, number + 1):  # noqa: B020
            lines.append("        " + json.dumps({"tcId": number, **each}))
        head = json.dumps({"type": "Delivery", "secrets": secrets, "tolerance": tolerance, "now": now})[1:-1]
        written.append(f'    {{\n      {head},\n      "tests": [\n' + ",\n".join(lines) + "\n      ]\n    }")
    notes = {flag: {"bugType": kind, "description": said} for flag, (kind, said) in NOTES.items()}
    top = {"algorithm": "Standard Webhooks v1: HMAC-SHA-256 over id.timestamp.body", "schema": "schema.json",
           "version": "1", "numberOfTests": number, "header": HEADER, "notes": notes}  # fmt: skip
    return json.dumps(top, indent=2)[:-2] + ',\n  "testGroups": [\n' + ",\n".join(written) + "\n  ]\n}\n"


if __name__ == "__main__":
    FILE.write_text(text(), "utf-8")
