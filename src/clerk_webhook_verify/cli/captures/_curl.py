"""A curl command, as dashboards and browsers copy it. It is split as in a shell, and never run."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .._options import UsageError
from ._capture import Capture

_CURL = re.compile(rb"\s*(\$\s*)?curl(\.exe)?\s")


def is_curl(content: bytes) -> bool:
    """Return whether *content* starts like a curl command."""
    return _CURL.match(content) is not None


def read_curl(text: str) -> Capture:
    """Read the request that a curl command would send, written for a POSIX shell or for cmd.exe."""
    command = text.strip().lstrip("$ ")
    words = (_cmd_words(command) if _FOR_CMD.match(command) else _shell_words(command))[1:]
    headers: list[tuple[str, str]] = []
    data: list[bytes] = []
    for option, value in _curl_options(words):
        if option in _HEADER_OPTIONS:
            name, colon, content = value.partition(":")
            if colon:
                headers.append((name, content.strip(" \t")))
        elif option in _BODY_OPTIONS:
            if value.startswith("@"):
                raise UsageError("the curl command reads its body from a file: pass that as --payload, with --id, ...")
            data.append(value.encode("utf-8", "surrogateescape"))
    return Capture(headers, b"&".join(data))


_HEADER_OPTIONS = ("-H", "--header")
_BODY_OPTIONS = ("-d", "--data", "--data-ascii", "--data-binary", "--data-raw", "--json")
_FORM_OPTIONS = ("-F", "--form", "--data-urlencode")
_OPTIONS_WITH_VALUE = {
    *_HEADER_OPTIONS,
    *_BODY_OPTIONS,
    *("-A", "-b", "-c", "-e", "-m", "-o", "-T", "-u", "-w", "-x", "-X", "--cacert", "--connect-timeout", "--cookie"),
    *("--max-time", "--output", "--proxy", "--referer", "--request", "--resolve", "--retry", "--url", "--user"),
    *("--user-agent", "--write-out"),
}


def _curl_options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the options of a curl command that have a value, with it."""
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if name in _FORM_OPTIONS:
            raise UsageError(f"the curl command has {name}, which sends another body than JSON: not a delivery")
        if name in _OPTIONS_WITH_VALUE:
            following = value if equals else next(rest, None)
            if following is None:
                raise UsageError(f"the curl command ends after {name}: it is truncated")
            yield name, following


_SHELL = re.compile(
    r"""
    (?P<space>(?:\s|\\\n)+)
    | \$'(?P<ansi>[^'\\]*(?:\\.[^'\\]*)*)'
    | '(?P<single>[^']*)'
    | "(?P<double>[^"\\]*(?:\\.[^"\\]*)*)"
    | \\(?P<escaped>.)
    | (?P<plain>[^\s'"\\$]+|\$)
    """,
    re.VERBOSE | re.DOTALL,
)
_ANSI = re.compile(
    r"\\(?:u([Dd][89ABab][0-9A-Fa-f]{2})\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})"
    r"|x([0-9A-Fa-f]{1,2})|([0-7]{1,3})|(.))",
    re.DOTALL,
)
_ANSI_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}


def _shell_words(text: str) -> list[str]:
    """Split a command as bash does. Browsers write ``$'...'``, which shlex does not know."""
    return _words(text, _SHELL, _shell_unquoted)


def _words(text: str, grammar: re.Pattern[str], unquoted: Callable[[re.Match[str]], str]) -> list[str]:
    """Split *text* at the spaces between parts, and remove the quotes of each part."""
    words: list[list[str]] = []
    position, open_word = 0, False
    while position < len(text):
        part = grammar.match(text, position)
        if part is None:
            raise UsageError("the curl command has a quote that is not closed: it is truncated")
        position = part.end()
        if part["space"] is not None:
            open_word = False
            continue
        if not open_word:
            words.append([])
            open_word = True
        words[-1].append(unquoted(part))
    return ["".join(parts) for parts in words]


def _shell_unquoted(part: re.Match[str]) -> str:
    if part["ansi"] is not None:
        return _ANSI.sub(_ansi_char, part["ansi"])
    if part["double"] is not None:
        return re.sub(r'\\([\\"$`])|\\\n', lambda escape: escape[1] or "", part["double"])
    return next(text for text in (part["single"], part["escaped"], part["plain"]) if text is not None)


def _ansi_char(escape: re.Match[str]) -> str:
    high, low, short, long, hexadecimal, octal, letter = escape.groups()
    if letter is not None:
        return _ANSI_LETTERS.get(letter, letter)
    if octal is not None or hexadecimal is not None:
        return bytes([int(octal, 8) & 255 if octal else int(hexadecimal, 16)]).decode("utf-8", "surrogateescape")
    if high is not None:  # browsers escape UTF-16, so an emoji is two
        return bytes.fromhex(high + low).decode("utf-16-be")
    number = int(short or long, 16)
    return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else "\ufffd"


_CARET = re.compile(r"\^(\n?)(.?)", re.DOTALL)
_CMD = re.compile(r"""(?P<space>\s+)|"(?P<quoted>[^"\\]*(?:(?:\\.|"")[^"\\]*)*)"|(?P<plain>[^\s"]+)""", re.DOTALL)
_CMD_ESCAPE = re.compile(r"""\\([\\"])|"(")""")
_FOR_CMD = re.compile(r"""[^'"]*\^"|.*\^\r?\n""")


def _cmd_words(text: str) -> list[str]:
    r"""Undo how browsers write a command for cmd.exe: a caret before special characters, ``\"`` or ``""`` for a quote.

    Older ones write only the line breaks with a caret, and so keep those in the text.
    https://github.com/ChromeDevTools/devtools-frontend/blob/main/front_end/panels/network/NetworkLogView.ts
    """
    text = text.replace("\r\n", "\n")
    text = _CARET.sub(r"\2", text) if '^"' in text else text.replace("^\n", "")
    return _words(text, _CMD, _cmd_unquoted)


def _cmd_unquoted(part: re.Match[str]) -> str:
    if part["quoted"] is None:
        return part["plain"]
    return _CMD_ESCAPE.sub(lambda escape: escape[1] or escape[2], part["quoted"])
