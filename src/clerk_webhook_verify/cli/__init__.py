"""The command line: one file a command, each of which brings its own parser."""

from __future__ import annotations

from argparse import ArgumentParser

from . import demo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments without the program's name; None takes them from the process.
    Returns:
        The exit code: 0 yes, 1 no.
    Raises:
        SystemExit: With code 2, the arguments are of no use; with 0, help was asked for.
    """
    parser = ArgumentParser(prog="clerk-webhook-verify", description="Verify Clerk webhooks.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    demo.add_parser(commands)
    arguments = parser.parse_args(argv)
    exit_code: int = arguments.run(arguments)
    return exit_code
