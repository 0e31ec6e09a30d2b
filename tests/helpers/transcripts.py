"""The transcripts in the documentation: commands and their real output.

PYTHONPATH=tests python -m helpers.transcripts docs/invalid-signature.md   # updates the output of each command
"""

import base64
import contextlib
import gzip
import io
import json
import logging
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

from clerk_webhook_verify import RejectedRequest, Webhook
from clerk_webhook_verify.aws_lambda import clerk_webhook
from clerk_webhook_verify.cli import main
from clerk_webhook_verify.testing import sample
from helpers.signer import OTHER_SECRET, SECRET, sign, signed_headers

NOW = 1_760_000_000
BODY = json.dumps(sample("user.created", first_name="Zoë"), ensure_ascii=False, separators=(",", ":")).encode()
HEADERS = signed_headers(BODY, timestamp=NOW)
BLOCK = re.compile(r"(?<=^```console\n).*?(?=^```$)", re.MULTILINE | re.DOTALL)


def _without(name: str) -> dict[str, str]:
    return {key: value for key, value in HEADERS.items() if key != name}


def _in_jsonb_order(value: object) -> object:
    """Order the keys by length, like a jsonb column of PostgreSQL."""
    if isinstance(value, list):
        return [_in_jsonb_order(item) for item in value]
    if isinstance(value, dict):
        return {key: _in_jsonb_order(value[key]) for key in sorted(value, key=lambda key: (len(key), key))}
    return value


_OWN_ORDER = json.dumps(
    sample("user.created", public_metadata={"plan": {"tier": "pro", "id": 1}, "a": 1}), separators=(",", ":")
).encode()
_WEBHOOK = {name.replace("svix", "webhook"): value for name, value in HEADERS.items()}
_TEXT_KEY = "whsec_" + base64.b64encode(SECRET.encode()).decode()

#: By name, the headers and the body that arrived.
DELIVERIES: dict[str, tuple[dict[str, object], bytes]] = {
    "valid": (HEADERS, BODY),
    "transformed": (signed_headers(b'{"text":"Zoe signed up"}', timestamp=NOW), b'{"text":"Zoe signed up"}'),
    "dumped-again": (HEADERS, json.dumps(json.loads(BODY)).encode()),
    "from-an-editor": (HEADERS, BODY + b"\n"),
    "with-bom": (HEADERS, b"\xef\xbb\xbf" + BODY),
    "from-windows": (signed_headers(BODY + b"\n\n", timestamp=NOW), BODY + b"\r\n\r\n"),
    "latin-1": (HEADERS, BODY.decode("latin-1").encode()),
    "from-a-gateway": (HEADERS, base64.b64encode(BODY)),
    "compressed": (HEADERS, gzip.compress(BODY, mtime=0)),
    "drained": (HEADERS | {"content-length": str(len(BODY))}, b""),
    "cut": (HEADERS | {"content-length": str(len(BODY))}, BODY[:1024]),
    "as-text": (HEADERS, repr(BODY).encode()),
    "from-a-queue": (HEADERS, base64.b64encode(json.dumps({"body": BODY.decode()}).encode())),
    "from-jsonb": (
        signed_headers(_OWN_ORDER, timestamp=NOW),
        json.dumps(_in_jsonb_order(json.loads(_OWN_ORDER)), separators=(",", ":")).encode(),
    ),
    "a-form": (HEADERS, b"name=Ada&message=hello"),
    "cut-signature": (HEADERS | {"svix-signature": HEADERS["svix-signature"][:32]}, BODY),
    "masked": (HEADERS | {"svix-signature": "[Filtered]"}, BODY),
    "of-another-sender": (HEADERS | {"svix-signature": sign(BODY, secret=_TEXT_KEY, timestamp=NOW)}, BODY),
    "without-signature": (_without("svix-signature"), BODY),
    "underscores": ({name.replace("-", "_"): value for name, value in HEADERS.items()}, BODY),
    "duplicate": (HEADERS | {"svix-id": [HEADERS["svix-id"]] * 2}, BODY),
    "mixed": ({"svix-id": HEADERS["svix-id"]} | {n: v for n, v in _WEBHOOK.items() if n != "webhook-id"}, BODY),
    "milliseconds": (HEADERS | {"svix-timestamp": f"{NOW}000"}, BODY),
    "retried": (HEADERS | {"svix-timestamp": str(NOW + 305)}, BODY),
    "asymmetric": (HEADERS | {"svix-signature": f"v1a,{base64.b64encode(bytes(64)).decode()}"}, BODY),
    "of-stripe": ({"stripe-signature": f"t={NOW},v1={'5f' * 32}"}, BODY),
}  # fmt: skip


def write_files(folder: Path) -> None:
    """The files that the transcripts name: a capture a case, a body and two secrets."""
    for name, (headers, body) in DELIVERIES.items():
        record = {"type": "event", "headers": headers, "body_b64": base64.b64encode(body).decode()}
        (folder / f"{name}.ndjson").write_text(json.dumps(record) + "\n")
    (folder / "body.json").write_bytes(BODY)
    (folder / "secret.txt").write_text(SECRET + "\n")
    (folder / "other-secret.txt").write_text(OTHER_SECRET + "\n")
    _write_rejected(folder)


def _write_rejected(folder: Path) -> None:
    """Write what an application stores for a request without headers and for a delivery with a changed body."""
    log, stored = logging.FileHandler(folder / "app.log", encoding="utf-8"), folder / "rejected.ndjson"

    def on_rejected(rejected: RejectedRequest) -> None:
        with stored.open("a") as file:
            print(rejected.to_json(), file=file)

    handler = clerk_webhook(Webhook(SECRET), on_rejected=on_rejected)(lambda event, context: None)
    logger = logging.getLogger("clerk_webhook_verify")
    logger.addHandler(log)
    with mock.patch("time.time", return_value=NOW + 0.5):
        handler({"headers": {"user-agent": "scanner"}, "body": "{}"}, None)
        handler({"headers": HEADERS, "body": DELIVERIES["dumped-again"][1].decode()}, None)
    logger.removeHandler(log)
    log.close()


def replayed(block: str) -> str:
    """Return a block with the real output of each command, and its exit code if it is not 0."""
    written = []
    for line in block.splitlines():
        if line.startswith("$ "):
            written += [line, *_output(line.removeprefix("$ "))]
    return "\n".join(written) + "\n"


def _output(command: str) -> list[str]:
    words = shlex.split(command)
    if "clerk-webhook-verify" not in words:
        return subprocess.run(command, shell=True, capture_output=True, text=True, check=False).stdout.splitlines()
    arguments = words[words.index("clerk-webhook-verify") + 1 :]
    variables = dict(word.split("=", 1) for word in words[: -len(arguments) - 1])
    printed = io.StringIO()
    printed.isatty = lambda: True  # type: ignore[method-assign]
    variables |= {"COLUMNS": "100", "NO_COLOR": "1"}
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        mock.patch.dict(os.environ, variables),
        mock.patch("time.monotonic", return_value=0.0),  # a slow machine would not try all causes in time
    ):
        code = main(arguments)
    return printed.getvalue().splitlines() + ([f"[exit code {code}]"] if code else [])


if __name__ == "__main__":
    pages = [Path(name).resolve() for name in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder))
        os.chdir(folder)
        for page in pages:
            page.write_text(BLOCK.sub(lambda block: replayed(block[0]), page.read_text("utf-8")), "utf-8")
