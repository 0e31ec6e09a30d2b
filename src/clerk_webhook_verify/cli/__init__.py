"""The command line. To add a command, add its module and a line to the table of commands.

A module has ``add_arguments(parser)`` and ``run(arguments)``, which returns the exit code. It is imported only when its
command runs.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from .. import __version__
from ..errors import InvalidSecretError
from ._options import MISPLACED, StoreOnce, UsageError, in_options
from ._terminal import (
    OutputError,
    escape_control_chars,
    print_result,
    print_status,
    replace_closed_streams,
    wrap_to_width,
)

_PROGRAM = "clerk-webhook-verify"

#: The module of each command, and its line in the help.
_COMMANDS = {
    "verify": "check whether a delivery is valid",
    "diagnose": "explain why a delivery is rejected",
    "sign": "print the signature headers for a payload",
    "send": "send a signed sample to an endpoint",
    "doctor": "test an endpoint and report what to fix",
    "listen": "receive deliveries on this machine: verify, forward, store",
    "replay": "send stored deliveries again",
    "events": "list the event types, or print a sample of one",
    "secret": "generate a signing secret, or print the fingerprint of yours",
    "demo": "send every event type and a set of forgeries to a receiver on this machine",
}


class _Parser(ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter, **options)
        for name in (None, "store"):
            self.register("action", name, StoreOnce)

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments without the program's name; None reads them from the process.
    Returns:
        The exit code: 0 success, 1 a negative result or no output, 2 invalid arguments or input, 130 interrupted.
    Raises:
        SystemExit: With code 0, after printing the help or the version.
    """
    replace_closed_streams()
    arguments = sys.argv[1:] if argv is None else list(argv)
    try:
        return _run(arguments)
    except (UsageError, InvalidSecretError) as error:
        message = in_options(str(error))
        if isinstance(error, UsageError) and "whsec_" in message:  # it repeats an argument
            message = MISPLACED
        print_status(f"{_PROGRAM}: {escape_control_chars(message)}")
        return 2
    except OutputError as error:
        print_status(f"{_PROGRAM}: {error}")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # stdout closed (| head): https://docs.python.org/3/library/signal.html#note-on-sigpipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(arguments: list[str]) -> int:
    if not arguments:
        print_result(_main_parser().format_help().rstrip())
        return 0
    name, *rest = arguments
    if name not in _COMMANDS:
        _main_parser().parse_args(arguments)  # --help, --version or an error
    module = import_module(f".{name}", __name__)
    parser = _Parser(prog=f"{_PROGRAM} {name}")
    module.add_arguments(parser)
    parser.description = _wrapped(parser.description or "")
    options = parser.parse_intermixed_args(rest)  # options may be between FILE and URL
    _check(options)
    exit_code: int = module.run(options)
    return exit_code


def _main_parser() -> ArgumentParser:
    parser = _Parser(
        prog=_PROGRAM,
        description="Verify Clerk webhooks, and find out why one is rejected.",
        epilog=f"{_PROGRAM} COMMAND --help shows the options of a command, with examples.",
    )
    parser.add_argument("--version", action="version", version=f"{_PROGRAM} {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", prog=parser.prog)
    for name, summary in _COMMANDS.items():
        commands.add_parser(name, help=summary)
    return parser


def _wrapped(description: str) -> str:
    """Wrap *description* to the terminal's width, except for indented paragraphs."""
    paragraphs = description.split("\n\n")
    return "\n\n".join(part if part.startswith("  ") else wrap_to_width(part.replace("\n", " ")) for part in paragraphs)


def _check(options: Namespace) -> None:
    """Raise a UsageError if two inputs are the standard input, or a secret would be printed or sent."""
    values = vars(options)
    if sum(value.count("-") if isinstance(value, list) else value == "-" for value in values.values()) > 1:
        raise UsageError("only one input can be -, the standard input: put the other into a file")
    for name in values.keys() - {"secret", "secret_file", "file", "delivery", "payload"}:  # a file may have that name
        if "whsec_" in str(values[name]):
            raise UsageError(MISPLACED)
