"""``secret generate``: a signing secret for tests and for one's own senders."""

from __future__ import annotations

from ..testing import generate_secret
from ._terminal import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace


def add_arguments(parser: ArgumentParser) -> None:
    """Bring the command's own options."""
    parser.description = "Makes a fresh signing secret of 24 random bytes. Clerk's own stands in its dashboard."
    parser.epilog = "example:\n  clerk-webhook-verify secret generate > secret.txt"
    parser.add_argument("action", choices=["generate"], help="print a fresh one")


def run(arguments: Namespace) -> int:
    """Print a fresh secret, the one time that a secret is printed: it is nobody's yet."""
    show(generate_secret())
    return 0
