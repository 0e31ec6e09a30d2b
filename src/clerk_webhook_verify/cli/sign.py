"""``sign``: print the signature headers for a payload."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from .._webhook import Webhook
from ._options import (
    add_secret_options,
    check_no_secret,
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
    parser.add_argument("--json", action="store_true", help="one JSON object of the headers")


def run(arguments: Namespace) -> int:
    """Sign the payload and print its headers, or the command that sends it."""
    webhook = Webhook(secrets_from_args(arguments))
    body = read_file(arguments.payload, "--payload")
    headers = webhook.signed_headers(body, message_id=arguments.id, timestamp=arguments.timestamp)
    check_no_secret(arguments.curl or "", "--curl")
    if arguments.curl is not None:
        print_result(_curl(arguments.curl, arguments.payload, headers))
    elif arguments.json:
        print_json(headers)
    else:
        for name, value in headers.items():
            print_result(f"{name}: {value}")
    return 0


def _curl(url: str, payload: str, headers: dict[str, str]) -> str:
    """Return a command for a POSIX shell. The body stays in its file."""
    lines = ["curl --request POST", "--header 'content-type: application/json'"]
    lines += [f"--header {_quote(f'{name}: {value}')}" for name, value in headers.items()]
    lines += [f"--data-binary {_quote(f'@{payload}')}", _quote(url)]
    return " \\\n  ".join(lines)


def _quote(text: str) -> str:
    return "'" + escape_control_chars(text).replace("'", "'\"'\"'") + "'"
