"""Compare the request path with svix and with only the HMAC.

    python tests/bench/core.py

All in one run: the rounds are interleaved, and each figure is the median of its rounds. The bare
HMAC is ``hmac.new(key, digestmod=sha256)`` once, copied and updated for each body.
"""

import base64
import hmac
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version

import pydantic
import starlette.datastructures
import svix.webhooks
import werkzeug.datastructures

from clerk_webhook_verify import Webhook
from clerk_webhook_verify.events import EventAttributes, User
from clerk_webhook_verify.testing.samples import sample_payload

SECRET = "whsec_" + base64.b64encode(os.urandom(24)).decode()
LIBRARY, SVIX = Webhook(SECRET), svix.webhooks.Webhook(SECRET)
KEYED = hmac.new(bytes(24), digestmod=sha256)
PREFIX = b"msg_2mXkQ9LrKs4yXbTc0DfE6hVnUiO.1760000000."


class Payload(pydantic.BaseModel):
    """The same event, typed by pydantic."""

    type: str
    data: User
    timestamp: int | None
    instance_id: str | None
    event_attributes: EventAttributes | None


def bare_hmac(body: bytes) -> bytes:
    mac = KEYED.copy()
    mac.update(PREFIX)
    mac.update(body)
    return mac.digest()


def pasted_snippet(headers: dict[str, str], body: bytes) -> object:
    """The snippet in guides, with its bugs: no constant time, no check of the future, one spelling of the headers."""
    signed = f"{headers['Svix-Id']}.{headers['Svix-Timestamp']}.{body.decode()}"
    key = base64.b64decode(SECRET.split("_")[1])
    expected = base64.b64encode(hmac.new(key, signed.encode(), sha256).digest()).decode()
    if time.time() - int(headers["Svix-Timestamp"]) > 300 or f"v1,{expected}" not in headers["Svix-Signature"].split(
        " "
    ):
        raise ValueError("Invalid signature")
    return json.loads(body)


def request_headers(body: bytes, webhook: Webhook = LIBRARY) -> dict[str, str]:
    """The twelve headers of a delivery that a proxy has passed on."""
    return {
        "Host": "example.com",
        "User-Agent": "Svix-Webhooks/1.62.0 (sender-9YMgn; +https://www.svix.com/http-sender/)",
        "Content-Length": str(len(body)),
        "Accept": "*/*",
        "Content-Type": "application/json",
        **{name.title(): value for name, value in webhook.signed_headers(body).items()},
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "example.com",
        "Accept-Encoding": "gzip",
    }


def medians(*functions: Callable[[], object], calls: int, rounds: int = 61) -> list[float]:
    """Microseconds a call."""
    taken: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, times in zip(functions, taken, strict=True):
            start = time.perf_counter()
            for _ in range(calls):
                function()
            times.append((time.perf_counter() - start) / calls * 1e6)
    return [statistics.median(times) for times in taken]


@dataclass
class Table:
    """Rows of figures, printed as they come."""

    over: int = 0

    def head(self, title: str) -> None:
        print(f"\n{title:<64} {'library':>9} {'theirs':>9} {'ratio':>6} {'limit':>6}")

    def row(self, name: str, library: float, theirs: float, most: float | None = None, unit: str = "µs") -> None:
        ratio = library / theirs
        verdict = "" if most is None else f"{most:>6.2f}" + (" OVER" if ratio > most else "")
        self.over += bool(most) and ratio > most
        print(f"{name:<64} {library:>7.2f} {unit} {theirs:>6.2f} {unit} {ratio:>6.3f} {verdict}")


def small_body() -> bytes:
    """About 1.4 KB, in UTF-8 as Clerk writes it."""
    payload = sample_payload("user.created")
    data = payload["data"]
    del data["email_addresses"][0]
    for name in ("external_accounts", "image_url", "passkeys", "profile_image_url", "requires_password_reset"):
        del data[name]
    payload["data"] = {name: value for name, value in data.items() if value is not None}
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def signature_check(table: Table) -> None:
    body = small_body()
    ascii_body = body.decode().encode("ascii", "replace")
    plain, plain_ascii = request_headers(body), request_headers(ascii_body)
    asgi = [(name.lower().encode(), value.encode()) for name, value in plain.items()]
    environ = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in plain.items()}
    shapes = {
        "dict": plain,
        "ASGI byte pairs": asgi,
        "Starlette's Headers": starlette.datastructures.Headers(raw=asgi),
        "Werkzeug's EnvironHeaders": werkzeug.datastructures.EnvironHeaders(environ),
    }
    *library, theirs, bare, library_ascii, theirs_ascii = medians(
        *(lambda headers=headers: LIBRARY.verify_signature(headers, body) for headers in shapes.values()),
        lambda: SVIX.verify(body, plain),
        lambda: bare_hmac(body),
        lambda: LIBRARY.verify_signature(plain_ascii, ascii_body),
        lambda: SVIX.verify(ascii_body, plain_ascii),
        calls=500,
    )
    table.head(f"signature check, {len(body):,} bytes, 12 headers, theirs: svix with a dict")
    for name, figure, most in zip(shapes, library, [0.70, 0.75, None, None], strict=True):
        table.row(name, figure, theirs, most)
    table.row("dict, a body of ASCII alone", library_ascii, theirs_ascii)
    table.row("the bare HMAC", bare, theirs)


def large_body(table: Table) -> None:
    body = os.urandom(500_000).hex().encode()
    headers = request_headers(body)
    library, bare = medians(
        lambda: LIBRARY.verify_signature(headers, body), lambda: bare_hmac(body), calls=5, rounds=41
    )
    tracemalloc.start()
    LIBRARY.verify_signature(headers, body)
    extra = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    table.head("signature check, 1 MB, theirs: the bare HMAC")
    theirs = medians(lambda: SVIX.verify(body, headers), calls=3, rounds=15)[0]
    table.row("dict", library, bare, 1.10)
    table.row("dict, theirs: svix", library, theirs, 0.50)
    verdict = " OVER" if extra > 20_000 else ""
    print(f"{'extra memory at the peak':<64} {extra / 1000:>7.2f} KB {'':>17} 20 KB{verdict}")


def typed_verify(table: Table) -> None:
    body = json.dumps(sample_payload("user.created"), separators=(",", ":"), ensure_ascii=False).encode()
    headers = request_headers(body)

    def library() -> object:
        event = LIBRARY.verify(headers, body)
        return [each.email_address for each in event.data.email_addresses]

    typed, snippet, theirs, theirs_typed, bare = medians(
        library,
        lambda: pasted_snippet(headers, body),
        lambda: (SVIX.verify(body, headers), json.loads(body)),
        lambda: (SVIX.verify(body, headers), Payload.model_validate_json(body)),
        lambda: (bare_hmac(body), json.loads(body)),
        calls=200,
    )
    table.head(f"verify to the typed event, addresses read, {len(body):,} bytes of user.created")
    table.row("theirs: svix + json.loads, which types nothing", typed, theirs, 1.30)
    table.row("theirs: svix + pydantic, which types the same", typed, theirs_typed, 1.20)
    table.row("theirs: the bare HMAC + json.loads", typed, bare)
    table.row("theirs: a pasted snippet, which types nothing", typed, snippet)


FIRST_VERIFY = f"""
from clerk_webhook_verify import Webhook
webhook = Webhook({SECRET!r})
webhook.verify(webhook.signed_headers(BODY), BODY).data.email_addresses[0].email_address
"""
STANDARD_LIBRARY = "import hmac, hashlib, base64, json, dataclasses"


def fresh_process(table: Table) -> None:
    body = json.dumps(sample_payload("user.created")).encode()
    programs = [FIRST_VERIFY, "import svix.webhooks", STANDARD_LIBRARY]
    taken: list[list[float]] = [[] for _ in programs]
    for _ in range(15):
        for program, times in zip(programs, taken, strict=True):
            timed = f"start = time.perf_counter()\n{program}\nprint(time.perf_counter() - start)"
            code = f"BODY = {body!r}\nimport time\n{timed}"
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
            times.append(float(done.stdout) * 1e3)
    library, theirs, least = (statistics.median(times) for times in taken)
    table.head("fresh process, without the interpreter's own start: import and first typed verify")
    table.row("theirs: import svix.webhooks", library, theirs, 0.15, "ms")
    table.row(f"theirs: {STANDARD_LIBRARY}", library, least, unit="ms")


def main() -> int:
    table = Table()
    print(f"Python {platform.python_version()}, svix {version('svix')}")
    for part in (signature_check, large_body, typed_verify, fresh_process):
        part(table)
    print(f"\n{table.over} over their limit")
    return 1 if table.over else 0


if __name__ == "__main__":
    sys.exit(main())
