"""Options of several commands: secrets, times and files, and one-line errors about them."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from .._timestamp import check_now, parse_tolerance


class UsageError(Exception):
    """The arguments or the input are invalid. The message says what to pass. Exit code 2."""


def add_secret_options(parser: ArgumentParser) -> None:
    """Add ``--secret-file`` and ``--secret``."""
    group = parser.add_argument_group(
        "signing secret", "from the environment variable CLERK_WEBHOOK_SIGNING_SECRET, unless one of these is given"
    )
    group.add_argument(
        "--secret-file", metavar="FILE|-", help="a file that contains the secret, or several, one per line"
    )
    group.add_argument(
        "--secret",
        action="append",
        metavar="WHSEC",
        help="the secret itself, which is then in the process list and the shell's history; may be repeated",
    )


def secrets_from_args(arguments: Namespace) -> list[str] | None:
    """Return the secrets in the arguments; None means the environment.

    Raises:
        UsageError: The file cannot be read, or is empty.
    """
    secrets: list[str] = [*(arguments.secret or ())]
    if arguments.secret_file is not None:
        text = read_file(arguments.secret_file, "--secret-file").decode("utf-8", "replace")
        words = text.split()
        if not words:
            raise UsageError("the file of --secret-file is empty: put the endpoint's signing secret into it")
        secrets += words
    return secrets or None


def add_time_options(parser: ArgumentParser) -> None:
    """Add ``--tolerance`` and ``--at``."""
    parser.add_argument(
        "--tolerance", type=_seconds, default=300, metavar="S", help="seconds from now, either way (default: 300)"
    )
    parser.add_argument(
        "--at", type=_unix_time, metavar="UNIX", help="use this as the current time: for a stored delivery"
    )


def clock_from_args(arguments: Namespace) -> Callable[[], float] | None:
    """Return a clock that always shows ``--at``; None without that option."""
    at: float | None = arguments.at
    return None if at is None else lambda: at


def _seconds(text: str) -> float:
    return parse_tolerance(float(text))


def _unix_time(text: str) -> float:
    return check_now(float(text))


def check_no_secret(value: str, option: str) -> None:
    """Raise if *value* contains a signing secret, before an error about *value* would print it.

    Raises:
        UsageError: It does.
    """
    if "whsec_" in value:
        raise UsageError(f"{option} contains a signing secret: put it into a file and pass that as --secret-file")


def read_input(value: str, option: str) -> bytes:
    """Return the content of ``@FILE``, or of the standard input for ``-``.

    Args:
        value: The option's value.
        option: The option's name, for the error message.
    Raises:
        UsageError: The value is neither, or cannot be read.
    """
    if value == "-":
        return read_file("-", option)
    if not value.startswith("@"):
        check_no_secret(value, option)
        raise UsageError(f"{option} takes @FILE or -: write the text into a file and pass its name as @FILE")
    return read_file(value[1:], option)


def read_file(path: str, option: str) -> bytes:
    """Return the content of a file; ``-`` is the standard input.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        check_no_secret(path, option)
        where = "standard input" if path == "-" else repr(path)
        raise file_error(f"{option} cannot be read: {where}", error) from None


def file_error(what: str, error: OSError | ValueError) -> UsageError:
    """Return the error that *what* happened with a file, with the reason."""
    reason = error.strerror if isinstance(error, OSError) else "not a file name"  # ValueError: NUL in the name
    return UsageError(f"{what}: {reason}")
