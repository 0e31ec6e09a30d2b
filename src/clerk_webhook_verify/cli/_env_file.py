"""The secrets in a file: separated by white space, or as a variable of a ``.env`` file."""

from __future__ import annotations

import re

from .._secret import ENVIRONMENT, PREFIX, split_secrets
from ..errors import InvalidSecretError

#: A line of a .env file: https://github.com/theskumar/python-dotenv#file-format. A secret that is alone in its line
#: may end in = too.
_VARIABLE = re.compile(
    rf"""
    ^[ \t]* (?:export[ \t]+)? (?!{PREFIX}) (?P<name>[A-Za-z_]\w*) [ \t]*=[ \t]*
    (?: '(?P<single>[^']*)' | "(?P<double>[^"]*)" | `(?P<backtick>[^`]*)` | (?P<plain>[^\r\n]*) )
    """,
    re.MULTILINE | re.VERBOSE,
)
_COMMENT = re.compile(r"(?:^|\s)#.*", re.MULTILINE)


def read_secrets(text: str) -> list[str]:
    """Return the secrets in the text of a file, at least one.

    Args:
        text: A ``.env`` file with a variable that the library reads, or secrets separated by white space. Anything else
            is returned as one secret, so that its error names it.
    Raises:
        InvalidSecretError: There is none.
    """
    variables = {match["name"]: _value(match) for match in _VARIABLE.finditer(text)}
    name = next((name for name in ENVIRONMENT if name in variables), None)
    if name is not None:
        secrets = split_secrets(variables[name])
    elif any(value or "_" in name for name, value in variables.items()):  # base64 without an underscore may end in =
        raise InvalidSecretError(f"the file of --secret-file has no line {ENVIRONMENT[0]}=whsec_...: add it")
    else:
        secrets = split_secrets(_COMMENT.sub("", text), r"\s+")
    if not secrets:
        what = f"{name} in the file of --secret-file" if name else "the file of --secret-file"
        raise InvalidSecretError(f"{what} is empty: put the endpoint's signing secret into it, whsec_...")
    return secrets


def _value(match: re.Match[str]) -> str:
    """Return the value without quotes and comment."""
    quoted = match["single"] or match["double"] or match["backtick"]
    return quoted or _COMMENT.sub("", match["plain"] or "")
