"""Options of several commands: secrets, times and files, and one-line errors about them."""

from __future__ import annotations

import codecs
import json
import re
import sys
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace
from time import time
from typing import Any

from .._headers import is_message_id
from .._secret import ENVIRONMENT, PREFIX, split_secrets
from .._timestamp import check_now, is_timestamp, parse_tolerance
from ..errors import InvalidSecretError

#: The error about an argument that contains a secret, in place of one that repeats it.
MISPLACED = "signing secret in arguments: use --secret-file or the variable CLERK_WEBHOOK_SIGNING_SECRET"


class UsageError(Exception):
    """The arguments or the input are invalid. The message says what to pass. Exit code 2."""


class StoreOnce(Action):
    """Store the value of an option, and reject a second one."""

    given = False

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option_string: str | None = None
    ) -> None:
        if option_string is not None:
            if self.given:
                parser.error(f"{option_string} is given twice")
            self.given = True
        setattr(namespace, self.dest, values)


#: The option of the command line for a parameter of the library, in a message of the library.
_OPTIONS = {"secret": "--secret-file", "clock": "--at", "tolerance": "--tolerance"}


def in_options(message: str) -> str:
    """Return a message of the library with options in place of parameters, ``--at`` for ``clock=``."""
    return re.sub(rf"\b({'|'.join(_OPTIONS)})=", lambda parameter: _OPTIONS[parameter[1]], message)


def add_secret_options(parser: ArgumentParser) -> None:
    """Add ``--secret-file`` and ``--secret``, and ``--json``, which goes with them in every command."""
    parser.add_argument("--json", action="store_true", help="print JSON for programs, one object per line")
    group = parser.add_argument_group(
        "signing secret", "from the environment variable CLERK_WEBHOOK_SIGNING_SECRET, unless one of these is given"
    )
    group.add_argument(
        "--secret-file",
        action="append",
        type=file_argument,
        metavar="FILE|-",
        help="a .env file, or a file with the secret, or several, one per line; may be repeated",
    )
    group.add_argument(
        "--secret",
        action="append",
        metavar="WHSEC",
        help="the secret itself, which is then in the process list and the shell's history; may be repeated",
    )


def secrets_from_args(arguments: Namespace) -> list[str] | None:
    """Return the secrets in the arguments; None means the environment."""
    secrets: list[str] = [*(arguments.secret or ())]
    for path in arguments.secret_file or ():
        secrets += _read_secrets(to_utf8(read_file(path, "--secret-file")).decode("utf-8", "replace"))
    return secrets or None


#: A line of a .env file: https://github.com/theskumar/python-dotenv#file-format. A secret that is alone in its line
#: may end in = too.
_ENV_VARIABLE = re.compile(
    rf"""
    ^[ \t]* (?:export[ \t]+)? (?!{PREFIX}) (?P<name>[A-Za-z_]\w*) [ \t]*=[ \t]*
    (?: (?P<quote>['"`])(?P<quoted>(?s:.*?))(?P=quote) | (?P<plain>[^\r\n]*) )
    """,
    re.MULTILINE | re.VERBOSE,
)
_COMMENT = re.compile(r"(?:^|\s)#.*", re.MULTILINE)


def _read_secrets(text: str) -> list[str]:
    """Return the secrets in a ``.env`` file, or in a file that separates them by white space, at least one."""
    variables = {
        match["name"]: match["quoted"] or _COMMENT.sub("", match["plain"] or "")
        for match in _ENV_VARIABLE.finditer(text)
    }
    name = next((name for name in ENVIRONMENT if name in variables), None)
    if name is not None:
        secrets = split_secrets(variables[name])
    elif any(value or "_" in name for name, value in variables.items()):  # base64 without an underscore may end in =
        secrets = []  # a .env file without it
    else:
        secrets = split_secrets(_COMMENT.sub("", text), r"\s+")
    if not secrets:
        raise InvalidSecretError(f"no signing secret in the file of --secret-file: add {ENVIRONMENT[0]}=whsec_...")
    return secrets


def seconds_argument(text: str) -> float:
    """Return *text* as seconds."""
    try:
        return parse_tolerance(float(text))
    except ValueError:
        raise ArgumentTypeError("takes seconds, 0 or more") from None


def unix_time_argument(text: str) -> float:
    """Return *text*, or the current time for ``now``, as Unix seconds."""
    try:
        return time() if text == "now" else check_now(float(text))
    except ValueError:
        raise ArgumentTypeError("takes Unix seconds, or now") from None


def message_id_argument(text: str) -> str:
    """Return *text* if it can be a message id."""
    if not is_message_id(text):
        raise ArgumentTypeError("must be 1 to 256 printable ASCII characters without comma and period")
    return text


def timestamp_argument(text: str) -> int:
    """Return the Unix seconds in *text*."""
    if not is_timestamp(text):
        raise ArgumentTypeError("must be Unix seconds, one to twelve digits")
    return int(text)


def file_argument(text: str) -> str:
    """Return the name of a file, which may also be given as ``@FILE``."""
    return text.removeprefix("@")


def read_file(path: str, option: str) -> bytes:
    """Return the content of a file; ``-`` is the standard input."""
    try:
        if path == "-":
            return sys.stdin.buffer.read()
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        if path.lstrip()[:1] in ("{", "["):
            raise UsageError(f"{option} takes a file: write the text into one and pass its name") from None
        where = "standard input" if path == "-" else repr(path)
        raise file_error(f"{option} cannot be read: {where}", error) from None


def to_utf8(content: bytes) -> bytes:
    """Convert text in UTF-16, as PowerShell's ``>`` writes it, or UTF-32 to UTF-8, and remove a byte order mark."""
    encoding = json.detect_encoding(content)  # what json.loads() uses, by the mark or the zeros at the beginning
    if encoding.startswith("utf-8"):
        return content.removeprefix(codecs.BOM_UTF8)
    return content.decode(encoding, "replace").encode()


def file_error(what: str, error: OSError | ValueError) -> UsageError:
    """Return the error that *what* happened with a file, with the reason."""
    reason = error.strerror if isinstance(error, OSError) else "not a file name"  # ValueError: NUL in the name
    return UsageError(f"{what}: {reason}")
