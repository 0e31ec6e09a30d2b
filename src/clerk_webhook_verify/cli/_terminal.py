"""What goes to the terminal: results, remarks, and text from outside, made harmless."""

from __future__ import annotations

import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_COLOURS = {"red": "31", "green": "32", "yellow": "33"}


def escaped(text: str) -> str:
    r"""*text* from outside, with all that a terminal would act upon written as ``\x1b`` and the like."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def painted(text: str, colour: str) -> str:
    """*text* in a colour where the standard output is a terminal that wants one (NO_COLOR, no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty():
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def show(text: str) -> None:
    """A result."""
    _write(text, sys.stdout)


def show_json(value: Any) -> None:
    """A result for machines, in one line of ASCII."""
    _write(json.dumps(value), sys.stdout)


def remark(text: str) -> None:
    """What is no result: a warning, progress."""
    _write(text, sys.stderr)


def _write(text: str, stream: Any) -> None:
    encoding = stream.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=True)
