"""Names for what people pass instead of a request."""

from __future__ import annotations

import re

_LOG_LINE = rb"""
    \[?\d{4}[-/]\d\d[-/]\d\d[T\ ]                # 2026-01-31T12:00:00, [2026-01-31 12:00:00 +0000], 2026/01/31
  | \[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)\b\]?[:\s]
  | \d\d:\d\d:\d\d\s                             # listen
  | \S+\s\S+\s\S+\s\[\d\d/\w{3}/\d{4}:           # an access log
  | [A-Z][a-z]{2}\ [\ \d]\d\ \d\d:\d\d:\d\d\s    # syslog
  | (?:START|END|REPORT|INIT_START)\ R           # Lambda
  | (?:ts|time|level)=\S                         # logfmt
"""

#: What a text begins with, and what it then is.
_NOT_REQUESTS = {
    rb"\s*\Z": "the file is empty",
    rb"(?i:\s*<[!?a-z])": "this is a page of HTML or XML",
    rb"PK\x03\x04|\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd": "this is a compressed file: unpack it first",
    rb"HTTP/\d": "this is a response, not a request",
    rb"(?i:\s*(?:\$\w+\s*=\s*New-Object|Invoke-(?:WebRequest|RestMethod)|iwr\s|irm\s))": (
        "copied as PowerShell: copy as cURL"
    ),
    rb"\s*(?:await\s+)?fetch\(": "copied as fetch: copy as cURL",
    rb"\s*(?:\$\s*)?(?:wget|https?|xh|xhs)\s": "this is a command of another client: copy as cURL",
    rb"\s*[{\[][\s{\[]*'": "this is a Python value as print() writes it: log json.dumps(...) of it instead",
    rb"\s*(?x:%b)" % _LOG_LINE: "this is a log line, not a request",
}
_PATTERNS = [(re.compile(pattern), name) for pattern, name in _NOT_REQUESTS.items()]


def name_unreadable(text: bytes) -> str:
    """Return what *text* is if that is known not to be a request; otherwise an empty string."""
    return next((name for pattern, name in _PATTERNS if pattern.match(text)), "")
