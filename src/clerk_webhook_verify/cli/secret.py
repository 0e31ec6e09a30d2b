"""``secret generate``: a signing secret for tests and for your own senders."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ..testing import generate_secret
from ._terminal import print_result


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = "Generates a signing secret of 24 random bytes. Clerk's own is in its dashboard."
    parser.epilog = "example:\n  clerk-webhook-verify secret generate > secret.txt"
    parser.add_argument("action", choices=["generate"], help="print a new one")


def run(arguments: Namespace) -> int:
    """Print a new secret. No other command prints a secret."""
    print_result(generate_secret())
    return 0
