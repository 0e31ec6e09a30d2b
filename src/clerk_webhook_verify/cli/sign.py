"""``sign``: print the signature headers for a payload."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from shlex import join

from .._webhook import Webhook
from ._options import (
    add_secret_options,
    file_argument,
    message_id_argument,
    read_file,
    secrets_from_args,
    timestamp_argument,
)
from ._terminal import escape_control_chars, print_json, print_result


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = "Signs a payload, byte for byte, and prints its headers."
    parser.epilog = """\
examples:
  clerk-webhook-verify sign --payload body.json
  clerk-webhook-verify sign --payload body.json --curl http://localhost:3000/webhooks/clerk | sh"""
    parser.add_argument(
        "--payload", type=file_argument, required=True, metavar="FILE|-", help="the raw body, byte for byte"
    )
    parser.add_argument("--id", type=message_id_argument, metavar="MSG", help="the message id (default: a new one)")
    parser.add_argument("--timestamp", type=timestamp_argument, metavar="UNIX", help="Unix seconds (default: now)")
    parser.add_argument("--curl", metavar="URL", help="print a curl command that sends it there")
    add_secret_options(parser)


def run(arguments: Namespace) -> int:
    """Sign the payload and print its headers, or the command that sends it."""
    webhook = Webhook(secrets_from_args(arguments))
    body = read_file(arguments.payload, "--payload")
    headers = webhook.signed_headers(body, message_id=arguments.id, timestamp=arguments.timestamp)
    if arguments.curl is not None:
        print_result(_curl(arguments.curl, arguments.payload, headers))
    elif arguments.json:
        print_json(headers)
    else:
        print_result("\n".join(f"{name}: {value}" for name, value in headers.items()))
    return 0


def _curl(url: str, payload: str, headers: dict[str, str]) -> str:
    """Return a command for a POSIX shell. The body stays in its file."""
    lines = [
        ["curl", "--request", "POST"],
        *(["--header", f"{name}: {value}"] for name, value in {"content-type": "application/json", **headers}.items()),
        ["--data-binary", f"@{payload}"],
        [url],
    ]
    return " \\\n  ".join(join(map(escape_control_chars, words)) for words in lines)
