"""Measure the command line.

    python tests/bench/command.py

`verify` of one delivery as a complete process, compared with an interpreter that only imports the necessary modules;
and `diagnose` of a megabyte without a known cause, which runs all probes.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from pathlib import Path

from core import small_body

sys.path.insert(0, str(Path(__file__).parents[1]))
from helpers.signer import OTHER_SECRET, SECRET

from clerk_webhook_verify import Webhook

BARE = [sys.executable, "-c", "import hmac,hashlib,base64,json,argparse"]
COMMAND = [sys.executable, "-m", "clerk_webhook_verify"]


def seconds(command: list[str], secret: str, wanted: int) -> float:
    start = time.perf_counter()
    done = subprocess.run(
        command, env=os.environ | {"CLERK_WEBHOOK_SIGNING_SECRET": secret}, stdout=subprocess.DEVNULL, check=False
    )
    assert done.returncode == wanted
    return time.perf_counter() - start


def capture(folder: str, body: bytes) -> str:
    path = Path(folder) / f"{len(body)}.ndjson"
    record = {"type": "event", "headers": Webhook(SECRET).signed_headers(body), "body_b64": b64encode(body).decode()}
    path.write_text(json.dumps(record))
    return f"@{path}"


def main() -> int:
    items = [{"id": number, "name": "Zoë", "note": "a b c"} for number in range(21_000)]
    large = json.dumps({"type": "x", "data": {"items": items}}, ensure_ascii=False).encode()
    with tempfile.TemporaryDirectory() as folder:
        verify = [*COMMAND, "verify", "--delivery", capture(folder, small_body())]
        rounds = [(seconds(verify, SECRET, 0), seconds(BARE, SECRET, 0)) for _ in range(41)]
        ratio = statistics.median(library / bare for library, bare in rounds)
        library, bare = (statistics.median(times) * 1000 for times in zip(*rounds, strict=True))
        print(f"verify, whole process: {library:.1f} ms, bare {bare:.1f} ms, ratio {ratio:.2f} (limit 1.50)")
        diagnose = [*COMMAND, "diagnose", "--delivery", capture(folder, large)]
        slowest = max(seconds(diagnose, OTHER_SECRET, 1) for _ in range(5)) * 1000
        print(f"diagnose, {len(large):,} bytes, wrong secret, whole process: {slowest:.0f} ms (limit 500)")
    return int(ratio > 1.5 or slowest > 500)


if __name__ == "__main__":
    sys.exit(main())
