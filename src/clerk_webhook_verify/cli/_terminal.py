"""Print to the terminal: results, status messages, and text from outside, escaped."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

_COLORS = {"red": "31", "green": "32", "yellow": "33"}


def escape_control_chars(text: str) -> str:
    r"""Return *text* with everything that a terminal would act on written as ``\x1b`` and the like."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def colorize(text: str, color: str) -> str:
    """Return *text* in a color, if the standard output is a terminal and NO_COLOR (https://no-color.org) is not set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty():
        return text
    return f"\x1b[{_COLORS[color]}m{text}\x1b[0m"


def print_result(text: str) -> None:
    """Print a result."""
    _write(text, sys.stdout)


def print_json(value: Any) -> None:
    """Print a result for machines, in one line of ASCII."""
    _write(json.dumps(value), sys.stdout)


def print_status(text: str) -> None:
    """Print a warning or progress, to the standard error."""
    _write(text, sys.stderr)


def _write(text: str, stream: Any) -> None:
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
