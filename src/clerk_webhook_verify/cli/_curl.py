"""A curl command, as dashboards and browsers copy it. It is split as a shell would do, and never run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ._options import UsageError


def read_curl(text: str) -> tuple[list[tuple[str, str]], bytes]:
    """Return the headers and the body that a curl command would send.

    Raises:
        UsageError: It was cut, or the body is not in it.
    """
    words = _shell_words(text.strip().lstrip("$ "))[1:]
    headers: list[tuple[str, str]] = []
    data: list[bytes] = []
    for option, value in _curl_options(words):
        if option == "-H":
            name, colon, content = value.partition(":")
            if colon:
                headers.append((name.strip(), content.strip(" \t")))
        elif value.startswith("@"):
            raise UsageError("the curl command reads its body from a file: pass that as --payload, with --id, ...")
        else:
            data.append(value.encode("utf-8", "surrogateescape"))
    return headers, b"&".join(data)


_BODY_OPTIONS = {
    "-d": "-d",
    "--data": "-d",
    "--data-ascii": "-d",
    "--data-binary": "-d",
    "--data-raw": "-d",
    "--json": "-d",
}
_OTHERS_WITH_VALUE = {
    *("-A", "-b", "-c", "-e", "-F", "-m", "-o", "-T", "-u", "-w", "-x", "-X", "--cacert", "--connect-timeout"),
    *("--cookie", "--form", "--max-time", "--output", "--proxy", "--referer", "--request", "--resolve", "--retry"),
    *("--url", "--user", "--user-agent", "--write-out"),
}  # fmt: skip


def _curl_options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the headers and the body among the words of a curl command, as ("-H", ...) and ("-d", ...)."""
    position = 0
    while position < len(words):
        word = words[position]
        position += 1
        name, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        known = "-H" if name in ("-H", "--header") else _BODY_OPTIONS.get(name)
        if name == "--data-urlencode" or name in ("-F", "--form"):
            raise UsageError(f"the curl command has {name}, which sends another body than JSON: not a delivery")
        if known or name in _OTHERS_WITH_VALUE:
            if not equals:
                if position == len(words):
                    raise UsageError(f"the curl command ends after {name}: it was cut")
                value = words[position]
                position += 1
            if known:
                yield known, value


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
    words: list[list[str]] = []
    position, open_word = 0, False
    while position < len(text):
        part = _SHELL.match(text, position)
        if part is None:
            raise UsageError("the curl command has a quote that is not closed: it was cut")
        position = part.end()
        if part["space"] is not None:
            open_word = False
            continue
        if not open_word:
            words.append([])
            open_word = True
        words[-1].append(_unquoted(part))
    return ["".join(parts) for parts in words]


def _unquoted(part: re.Match[str]) -> str:
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
