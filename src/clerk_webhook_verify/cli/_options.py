"""What several commands take: secrets, files, headers of one's own; and what is wrong with them, in a line."""

from __future__ import annotations

import sys

from .._timestamp import check_now, parse_tolerance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable


class UsageError(Exception):
    """What the command was given is of no use; the text says what to give. Exit code 2."""


def add_secret_options(parser: ArgumentParser) -> None:
    """``--secret-file`` and ``--secret``, each as often as there are secrets."""
    group = parser.add_argument_group(
        "signing secret", "from the environment variable CLERK_WEBHOOK_SIGNING_SECRET, unless one of these is given"
    )
    group.add_argument("--secret-file", metavar="FILE|-", help="a file that holds the secret, or several, one a line")
    group.add_argument(
        "--secret",
        action="append",
        metavar="WHSEC",
        help="the secret itself, which then stands in the process list and the shell's history; may be repeated",
    )


def given_secrets(arguments: Namespace) -> list[str] | None:
    """The secrets that were given; None where the environment is meant.

    Raises:
        UsageError: The file cannot be read, or holds none.
    """
    secrets: list[str] = [*(arguments.secret or ())]
    if arguments.secret_file is not None:
        text = read_file(arguments.secret_file, "--secret-file").decode("utf-8", "replace")
        lines = text.split()
        if not lines:
            raise UsageError("the file of --secret-file is empty: it should hold the endpoint's signing secret")
        secrets += lines
    return secrets or None


def add_time_options(parser: ArgumentParser) -> None:
    """``--tolerance`` and ``--at``."""
    parser.add_argument(
        "--tolerance", type=_seconds, default=300, metavar="S", help="seconds from now, either way (default: 300)"
    )
    parser.add_argument("--at", type=_unix_time, metavar="UNIX", help="take this for now: for a stored delivery")


def given_clock(arguments: Namespace) -> Callable[[], float] | None:
    """A clock that stands at ``--at``; None where that is not given."""
    at: float | None = arguments.at
    return None if at is None else lambda: at


def _seconds(text: str) -> float:
    return parse_tolerance(float(text))


def _unix_time(text: str) -> float:
    return check_now(float(text))


def check_no_secret(value: str, option: str) -> None:
    """Pass what is no signing secret: the text of an error about *value* would show it.

    Raises:
        UsageError: It is one.
    """
    if "whsec_" in value:
        raise UsageError(f"{option} holds a signing secret, which goes into a file that --secret-file names")


def read_input(value: str, option: str) -> bytes:
    """What ``@FILE`` or ``-`` stands for.

    Args:
        value: As it was given.
        option: The option's name, for the error's text.
    Raises:
        UsageError: It is neither, or cannot be read.
    """
    if value == "-":
        return read_file("-", option)
    if not value.startswith("@"):
        what = "is a signing secret, which goes into --secret-file" if "whsec_" in value else "takes @FILE or -"
        raise UsageError(f"{option} {what}: write the text into a file and name it as @FILE")
    return read_file(value[1:], option)


def read_file(path: str, option: str) -> bytes:
    """The content of a file; ``-`` is the standard input.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        where = "standard input" if path == "-" else "a signing secret is no file" if "whsec_" in path else repr(path)
        raise file_error(f"{option} cannot be read: {where}", error) from None


def file_error(what: str, error: OSError | ValueError) -> UsageError:
    """*what* is wrong with a file, and why; a ValueError is a NUL in its name."""
    return UsageError(f"{what}: {error.strerror if isinstance(error, OSError) else 'no name of a file'}")
