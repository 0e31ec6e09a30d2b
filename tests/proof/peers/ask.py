"""Verify a delivery with the peers: svix and standardwebhooks from PyPI and npm, and Clerk's library from npm."""

import base64
import datetime
import json
import platform
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from unittest import mock

import standardwebhooks
import svix.webhooks

from .deliveries import NAMES, Delivery

HERE = Path(__file__).parent
INSTALL = "npm ci --prefix tests/proof/peers"
PYTHON = ("svix (PyPI)", "standardwebhooks (PyPI)")
NODE = ("svix (npm)", "standardwebhooks (npm)", "@clerk/backend (npm)")

Verdicts = dict[str, str | None]  # by peer: None if it accepts, otherwise the name of the exception


def node_is_missing() -> str:
    """Return why the peers from npm cannot run; empty if they can."""
    if shutil.which("node") is None:
        return "there is no node to run the peers from npm"
    return "" if (HERE / "node_modules").is_dir() else f"the peers from npm are not there: {INSTALL}"


def versions(peers: Iterable[str]) -> list[str]:
    found = [f"Python {platform.python_version()}"]
    if set(peers) & set(NODE):
        node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True)
        found.append(f"Node {node.stdout.strip().removeprefix('v')}")
    for peer in peers:
        package = peer.split()[0]
        manifest = HERE / "node_modules" / package / "package.json"
        found.append(
            f"{peer} {json.loads(manifest.read_text('utf-8'))['version'] if peer in NODE else version(package)}"
        )
    return found


def renamed(headers: Sequence[tuple[str, str]], family: str) -> list[tuple[str, str]]:
    """Rename the headers for a peer that knows only one header set."""
    families = {name.lower().split("-")[0] for name, _ in headers if name.lower() in NAMES}
    if len(families) != 1 or family in families:
        return list(headers)
    return [(f"{family}-{name.split('-')[1]}" if name.lower() in NAMES else name, value) for name, value in headers]


def joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """As WSGI servers hand headers over, a name once."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def ask_python(delivery: Delivery) -> Verdicts:
    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return cls.fromtimestamp(delivery.now, tz)

    def verdict(verify) -> str | None:
        raised = None
        for secret in delivery.secrets:  # no peer supports several secrets: try each, as a receiver would
            try:
                verify(secret)
            except Exception as error:  # they let many others escape
                raised = f"{type(error).__module__}.{type(error).__name__}"
            else:
                return None
        return raised and raised.removeprefix("builtins.").removeprefix("standardwebhooks.webhooks.")

    as_sent, as_webhook = joined(delivery.headers), joined(renamed(delivery.headers, "webhook"))
    with mock.patch("standardwebhooks.webhooks.datetime", Clock):  # svix verifies with it, too
        return {
            PYTHON[0]: verdict(lambda secret: svix.webhooks.Webhook(secret).verify(delivery.body, as_sent)),
            PYTHON[1]: verdict(
                lambda secret: standardwebhooks.Webhook(secret).verify(delivery.body, as_webhook, json_parse=False)
            ),
        }


def ask_node(deliveries: Iterable[Delivery]) -> list[Verdicts]:
    """All of them in one process."""
    lines = [
        json.dumps(
            {
                "secrets": delivery.secrets,
                "now": delivery.now,
                "headers": delivery.headers,
                "svix": renamed(delivery.headers, "svix"),
                "webhook": renamed(delivery.headers, "webhook"),
                "body": base64.b64encode(delivery.body).decode(),
            }
        )
        for delivery in deliveries
    ]
    done = subprocess.run(
        ["node", str(HERE / "verify.mjs")], input="\n".join(lines), stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines)
    return answers
