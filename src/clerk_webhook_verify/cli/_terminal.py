"""Print to the terminal: results, status messages, and text from outside, escaped."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from textwrap import fill
from typing import Any


class OutputError(Exception):
    """The output cannot be written. The message says why. Exit code 1."""


def replace_closed_streams() -> None:
    """Discard the output if this process was started with closed streams (``>&-``): a file could get their numbers.

    https://docs.python.org/3/library/sys.html#sys.__stdout__
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115  # until this process ends


def escape_control_chars(text: str) -> str:
    r"""Return *text* with control characters written as ``\x1b``."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def colorize(text: str, color: str) -> str:
    """Return *text* in a color, on a terminal without NO_COLOR: https://no-color.org."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty():
        return text
    code = {"red": 31, "green": 32}[color]
    return f"\x1b[{code}m{text}\x1b[0m"


def print_result(text: str) -> None:
    """Print a result."""
    _write(text, sys.stdout)


def print_wrapped(text: str, indent: int = 0) -> None:
    """Print a result; on a terminal in lines of its width, with *indent* spaces from the second on."""
    if sys.stdout.isatty():
        text = wrap_to_width(text, indent)
    print_result(text)


def wrap_to_width(text: str, indent: int = 0) -> str:
    """Return *text* in lines of the terminal's width; a longer word has a line of its own."""
    return fill(
        text,
        max(20, shutil.get_terminal_size().columns),
        subsequent_indent=" " * indent,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


def print_json(value: Any) -> None:
    """Print a result for machines, in one line of ASCII."""
    _write(json.dumps(value), sys.stdout)


def print_status(text: str) -> None:
    """Print a warning or progress to the standard error, if it can be written."""
    with suppress(BrokenPipeError, OutputError):
        _write(text, sys.stderr)


def _write(text: str, stream: Any) -> None:
    encoding = stream.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"the output cannot be written: {error.strerror}") from None
