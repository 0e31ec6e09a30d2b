"""The command line: one file a command, each of which brings its own options and is loaded when it is asked for."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from importlib import import_module

from ..errors import InvalidSecretError
from ._options import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

_COMMANDS = {
    "verify": "say whether a delivery is genuine",
    "diagnose": "say why a delivery is refused, and prove it",
    "sign": "print the headers that make a payload a signed delivery",
    "send": "send a signed sample to an endpoint",
    "doctor": "try an endpoint with good and bad deliveries, and say what to mend",
    "listen": "receive deliveries on this machine: verify, forward, store",
    "replay": "send stored deliveries again",
    "events": "list the event types, or show one",
    "secret": "make a signing secret",
    "demo": "send every event type and a set of forgeries to a receiver on this machine",
}


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        if "whsec_" in message:  # argparse repeats what it cannot place
            message = (
                "a signing secret stands where none belongs: put it into the environment variable "
                "CLERK_WEBHOOK_SIGNING_SECRET or into a file that --secret-file names"
            )
        raise UsageError(f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: The arguments without the program's name; None takes them from the process.
    Returns:
        The exit code: 0 yes, 1 no, 2 the arguments or the input are of no use, 130 interrupted.
    Raises:
        SystemExit: With code 0, help was asked for.
    """
    texts = sys.argv[1:] if argv is None else list(argv)
    parser = _Parser(
        prog="clerk-webhook-verify",
        description="Verify Clerk webhooks, and find out why one is refused.",
        epilog="clerk-webhook-verify COMMAND --help tells more, with examples.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", prog=parser.prog)
    named = next((text for text in texts if not text.startswith("-")), None)
    for name in [named] if named in _COMMANDS else _COMMANDS:
        command = commands.add_parser(
            name, help=_COMMANDS[name], allow_abbrev=False, formatter_class=RawDescriptionHelpFormatter
        )
        if name == named:
            module = import_module(f".{name}", __name__)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    try:
        arguments = parser.parse_args(texts)
        if list(vars(arguments).values()).count("-") > 1:
            raise UsageError("only one input can be -, the standard input: put the other one into a file")
        exit_code: int = arguments.run(arguments)
        sys.stdout.flush()
    except (UsageError, InvalidSecretError) as error:
        print(f"clerk-webhook-verify: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # who reads us, as head does, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return exit_code
