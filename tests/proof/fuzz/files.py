"""Fuzz targets: the file of the allow-list, and the deliveries that the command line reads."""

import base64
import contextlib
import io
import ipaddress
import json
from typing import Any

from helpers.signer import BODY, NOW, SECRET, now
from proof.fuzz.bodies import changed, written
from proof.fuzz.tape import Tape, require, signed_headers

from clerk_webhook_verify import Webhook, WebhookVerificationError
from clerk_webhook_verify.allowlist import Allowlist
from clerk_webhook_verify.cli._options import UsageError
from clerk_webhook_verify.cli.captures import read_captures

webhook = Webhook(SECRET, clock=now)
PIECES = [
    "192.0.2.7", "198.51.100.0/28", "2001:db8:7::/56", "::ffff:192.0.2.0/120", "::", "0.0.0.0/0", "::/0",
    "fe80::1%eth0", "192.0.2.7/32", "192.0.2.0/0.0.0.255", "192.0.2.0/255.255.255.0", "192.0.2.1/24",
    "2001:db8::/129", "1.2.3", "/8",
]  # fmt: skip
ADDRESSES = [
    "192.0.2.7", "192.0.2.8", "198.51.100.15", "198.51.100.16", "2001:db8:7:0:1::1", "2001:db8:7:100::", "::1",
    "0.0.0.0", "::ffff:192.0.2.7", "::ffff:192.0.2.8", "fe80::1", "fe80::1%eth0", "192.0.2.07", "192.0.2.7/32",
    "\u0661.0.0.0", "",
]  # fmt: skip


def allowlist(data: bytes) -> None:
    """An address is allowed if and only if a network in the list contains it; an invalid list is a ValueError."""
    tape = Tape(data)
    mode = tape.byte() % 4
    asked = [*ADDRESSES, *(tape.text() for _ in range(tape.byte() % 4))]
    if mode == 0:
        source: Any = tape.rest()
    else:
        entries = [tape.pick(PIECES) if tape.byte() % 3 else tape.text() for _ in range(tape.byte() % 6)]
        source = {"eu": entries[:2], tape.text(): entries[2:]}
        source = changed(tape, source) if tape.byte() % 2 else source
        source = written(tape, source) if mode > 1 else source
    try:
        made = Allowlist(source)
    except ValueError as error:
        require("allow-list" in str(error), "a ValueError that does not name the allow-list")
        return
    read = json.loads(source) if isinstance(source, bytes) else source
    ends = [
        (net.version, int(net[0]), int(net[-1])) for part in read.values() for net in map(ipaddress.ip_network, part)
    ]
    for text in asked:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            require(not made.allows(text), "allowed an invalid address")
            continue
        address = getattr(address, "ipv4_mapped", None) or address
        inside = any(version == address.version and low <= int(address) <= high for version, low, high in ends)
        require(made.allows(text) == inside, "allowed an address outside of the list, or rejected one in it")


VALID = signed_headers()
ENCODED = base64.b64encode(BODY).decode()
LINE = json.dumps({"type": "event", "headers": VALID, "body_b64": ENCODED, "received_at": NOW})
HEAD = "".join(f"{name}: {value}\r\n" for name, value in VALID.items())
CURL = " ".join(f"-H '{name}: {value}'" for name, value in VALID.items())
HAR = {"headers": [{"name": name, "value": VALID[name]} for name in VALID], "postData": {"text": BODY.decode()}}
CAPTURES = [
    LINE,
    f"{LINE}\n{LINE}",
    LINE + "\n{truncated",
    json.dumps(json.loads(LINE), indent=1),
    '{"type":"ready"}\n' + LINE,
    f"POST / HTTP/1.1\r\n{HEAD}\r\n{BODY.decode()}",
    f"{HEAD}Content-Length: 46\r\n\r\n{BODY.decode()}\n",
    f"POST / HTTP/1.1\n{HEAD}Transfer-Encoding: chunked\r\n\r\n2e;x=1\r\n{BODY.decode()}\r\n0\r\n\r\n",
    f"curl {CURL} -d '{BODY.decode()}' https://x.test",
    f"$ curl.exe {CURL} \\\n --json $'\\x7b\\u00e9\\173\\n\\'' -X POST",
    'curl ^"https://x.test/^" ^\n  -H ^"svix-id: 1^" ^\n  --data-raw ^"^{^\\^"a^\\^":1^}^" "" "x"""',
    json.dumps({"log": {"entries": [{"startedDateTime": "2023-11-14T22:13:20Z", "request": HAR}, {"request": {}}]}}),
    json.dumps({"requests": [{"request": {"raw": base64.b64encode(f"{HEAD}\r\n".encode()).decode()}}]}),
    json.dumps({"models": [{"created_at": "2023-11-14", "data": {"headers": VALID, "body": json.loads(BODY)}}]}),
    json.dumps({"data": [{"content": BODY.decode(), "headers": {name: [VALID[name]] for name in VALID}}]}),
    json.dumps([{"headers": VALID, "body": ENCODED, "isBase64Encoded": True, "requestContext": {"timeEpoch": 1}}]),
]
SNIPPETS = [
    b"$'", b"'", b'"', b"\\", b"\\\n", b"$", b"\\ud83d\\ude00", b"\\xff", b"\\777", b"\\U00110000", b" -d ", b" -H ",
    b"=", b" ", b" -F a", b" --data-urlencode x", b"@f", b"\r\n", b"\n\n", b":", b"\n{", b"a" * 255, b"f" * 255,
    b"\xff", b"\0", b"[" * 99, b"curl ", b"Transfer-Encoding: chunked\r\n", b"Content-Length: 9\r\n",
    b"\n" + LINE.encode(), b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"^", b'^"', b"^\n", b'""', b"null", b"{}",
]  # fmt: skip


def capture(data: bytes) -> None:
    """A capture contains at least one delivery, or it is an error in one printable line."""
    tape = Tape(data)
    if tape.byte() % 3 == 0:
        content = tape.rest()
    else:
        content = tape.pick(CAPTURES).encode()
        while tape.more and len(content) < 4096:
            place = int.from_bytes(tape.take(2), "big") % (len(content) + 1)
            piece = tape.pick(SNIPPETS) if tape.byte() % 2 else tape.chunk()
            content = content[:place] + piece * (1 + tape.byte() // 64) + content[place + tape.byte() % 8 :]
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # it reports a truncated line
            captures = read_captures(content)
    except UsageError as error:
        require(str(error).isprintable() and len(str(error)) < 300, "an error that is not one printable line")
        return
    require(captures, "neither a delivery nor an error")
    for each in captures:
        require(all(type(part) is str for pair in each.headers for part in pair), "a header that is not a string")
        require(type(each.body) is bytes, "a body that is not bytes")
        require(each.received_at is None or type(each.received_at) is float, "a time that is not a float")
        for text in (each.message_id, each.timestamp, each.event_type):
            require(type(text) is str, "a property that is not a string")
        with contextlib.suppress(WebhookVerificationError):
            webhook.verify_signature(each.headers, each.body)
