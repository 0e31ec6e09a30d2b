"""The command line. To add a command, add its module here and a line to the table of commands.

A module has the functions ``add_arguments(parser)`` and ``run(arguments)``, which returns the exit code. It is imported
only when its command is run.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from ..errors import InvalidSecretError
from ._options import UsageError

#: The module of each command, and its line in the help.
_COMMANDS = {
    "verify": "check whether a delivery is genuine",
    "diagnose": "explain why a delivery is rejected",
    "sign": "print the headers that make a payload a signed delivery",
    "send": "send a signed sample to an endpoint",
    "doctor": "test an endpoint and report what to fix",
    "listen": "receive deliveries on this machine: verify, forward, store",
    "replay": "send stored deliveries again",
    "events": "list the event types, or print a sample of one",
    "secret": "generate a signing secret",
    "demo": "send every event type and a set of forgeries to a receiver on this machine",
}


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if "whsec_" in message:  # argparse repeats an argument that it does not expect
            message = "signing secret in arguments: use --secret-file or the variable CLERK_WEBHOOK_SIGNING_SECRET"
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments without the program's name; None reads them from the process.
    Returns:
        The exit code: 0 success, 1 a negative result, 2 invalid arguments or input, 130 interrupted.
    Raises:
        SystemExit: With code 0, after printing the help.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        options = _parser(arguments).parse_args(arguments)
        if list(vars(options).values()).count("-") > 1:
            raise UsageError("only one input can be -, the standard input: put the other one into a file")
        exit_code: int = options.run(options)
        sys.stdout.flush()
    except (UsageError, InvalidSecretError) as error:
        print(f"clerk-webhook-verify: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # stdout closed (| head): https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return exit_code


def _parser(arguments: list[str]) -> ArgumentParser:
    """Return a parser of all commands, with the options of the one that *arguments* name."""
    parser = _Parser(
        prog="clerk-webhook-verify",
        description="Verify Clerk webhooks, and find out why one is rejected.",
        epilog="clerk-webhook-verify COMMAND --help shows the options of a command, with examples.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", prog=parser.prog)
    chosen = next((argument for argument in arguments if not argument.startswith("-")), None)
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(
            name, help=summary, allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter
        )
        if name == chosen:
            module = import_module(f".{name}", __name__)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser
