"""``secret``: generate a signing secret, or print the fingerprint of yours."""

from __future__ import annotations

import os
from argparse import ArgumentParser, Namespace
from functools import partial

from .._secret import ENVIRONMENT
from .._webhook import Webhook
from ..testing import generate_secret
from ._options import UsageError, add_secret_options, file_argument, file_error, secrets_from_args
from ._terminal import print_json, print_result, print_status


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "generate creates a signing secret of 24 random bytes, for tests and for your own senders: Clerk's secret is\n"
        "in its dashboard. fingerprint prints what logs and listen show instead of a secret, one line per secret."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify secret generate --output secret.txt
  clerk-webhook-verify secret generate --env --output .env
  clerk-webhook-verify secret fingerprint --secret-file .env"""
    parser.add_argument("action", choices=["generate", "fingerprint"], help="what to do")
    parser.add_argument(
        "--output",
        type=file_argument,
        metavar="FILE",
        help="generate: write it into a new file that only you can read, which > FILE would not do",
    )
    parser.add_argument("--env", action="store_true", help=f"generate: as a line of a .env file, {ENVIRONMENT[0]}=...")
    add_secret_options(parser)


def run(arguments: Namespace) -> int:
    """Print or write a new secret, or print fingerprints. No other command prints a secret."""
    if arguments.action == "fingerprint":
        return _print_fingerprints(arguments)
    if arguments.secret or arguments.secret_file or arguments.json:
        raise UsageError("--secret, --secret-file and --json go with secret fingerprint")
    secret = generate_secret()
    text = f"{ENVIRONMENT[0]}={secret}" if arguments.env else secret
    if arguments.output is None:
        print_result(text)
    else:
        _write(arguments.output, text)
        print_status(f"written to {arguments.output!r}; its fingerprint is {Webhook(secret).fingerprints[0]}")
    return 0


def _print_fingerprints(arguments: Namespace) -> int:
    if arguments.output is not None or arguments.env:
        raise UsageError("--output and --env go with secret generate")
    fingerprints = Webhook(secrets_from_args(arguments)).fingerprints
    if arguments.json:
        print_json({"fingerprints": fingerprints})
    else:
        print_result("\n".join(fingerprints))
    return 0


def _write(path: str, text: str) -> None:
    """Create a file that only its owner can read."""
    try:
        with open(path, "x", opener=partial(os.open, mode=0o600)) as file:
            file.write(f"{text}\n")
    except FileExistsError:
        raise UsageError(f"--output: {path!r} exists: choose another name, or delete it first") from None
    except (OSError, ValueError) as error:
        raise file_error(f"--output cannot be written: {path!r}", error) from None
