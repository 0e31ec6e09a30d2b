"""A stored request, and helpers for several formats."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ..._headers import SVIX_HEADERS, WEBHOOK_HEADERS, first_value
from ..._payload import parse_payload
from ...errors import InvalidPayloadError
from .._http import is_header_name
from .._options import UsageError

_SIGNATURE_HEADERS = (*SVIX_HEADERS, *WEBHOOK_HEADERS)
_LARGEST_EVENT = 1_048_576  # bytes: parsed, unverified JSON takes up to a hundred times as many
_ISO_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")


class Capture:
    """One stored request."""

    def __init__(
        self,
        headers: list[tuple[str, str]],
        body: bytes,
        received_at: float | None = None,
        *,
        is_delivery: bool = False,
        code: str | None = None,
    ) -> None:
        self.headers = headers  #: Unchanged.
        self.body = body  #: Unchanged.
        self.received_at = received_at  #: Unix seconds, if the capture has them.
        self.is_delivery = is_delivery  #: Whether its writer received it as a delivery.
        self.code = code  #: Why its writer rejected it; None if it did not, or if that is unknown.
        self.place = ""  #: Where it was read, "line 3"; empty if there is only one.
        self.number = 1  #: The number in the place.

    def header(self, name: str) -> str:
        """Return the first value of a header, by its name in lower case; empty if there is none."""
        return first_value(self.headers, name)

    @property
    def message_id(self) -> str:
        """The unverified id in the header; empty without one."""
        return (self.header("svix-id") or self.header("webhook-id")).strip(" \t")

    @property
    def timestamp(self) -> str:
        """The unverified timestamp in the header; empty without one."""
        return self.header("svix-timestamp") or self.header("webhook-timestamp")

    @property
    def event_type(self) -> str:
        """The unverified type in the payload; empty if it is not an event, or too large for one."""
        if len(self.body) > _LARGEST_EVENT:
            return ""
        try:
            return parse_payload(self.body, "")[0]
        except InvalidPayloadError:
            return ""

    @property
    def has_signature_header(self) -> bool:
        """Whether there is a header of a delivery, or one that was renamed in transit: ``HTTP_SVIX_ID``."""
        names = (name.lower().replace("_", "-") for name, _ in self.headers)
        return any(name.endswith(_SIGNATURE_HEADERS) for name in names)


def check_headers(headers: list[tuple[str, str]]) -> None:
    """Raise a UsageError, which continues "line 3 ...", if a header would be read differently when it is sent."""
    for name, value in headers:
        if not is_header_name(name):
            raise UsageError("has a header whose name is not one that HTTP allows, with a space for example")
        if any(char in value for char in "\r\n\0"):
            raise UsageError("has a header whose value contains a line break")


def header_pairs(headers: object) -> list[tuple[str, str]]:
    """Return the headers in a JSON object, whose values are strings or lists of them.

    Raises:
        UsageError: They are something else. The message continues "line 3 ...".
    """
    if not isinstance(headers, dict):
        raise UsageError("has no headers, an object")
    return text_pairs(
        (name, value)
        for name, values in headers.items()
        for value in (values if isinstance(values, list) else [values])
    )


def text_pairs(pairs: Iterable[tuple[object, object]]) -> list[tuple[str, str]]:
    """Return *pairs*; raise a UsageError, which continues "line 3 ...", unless all are strings."""
    texts: list[tuple[str, str]] = []
    for name, value in pairs:
        if not isinstance(name, str) or not isinstance(value, str):
            raise UsageError("has a header that is not text: each value should be a string, or a list of them")
        texts.append((name, value))
    return texts


def body_of(value: Any, headers: list[tuple[str, str]]) -> bytes:
    """Return the bytes of a body in JSON: a string, None if it is empty, or the parsed payload.

    The latter is serialized as Clerk does, or in another usual way if that has the length in Content-Length.
    """
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass")
    try:
        candidates = [
            json.dumps(value, ensure_ascii=is_ascii, separators=separators).encode("utf-8", "surrogatepass")
            for separators in ((",", ":"), (", ", ": "))
            for is_ascii in (False, True)
        ]
    except RecursionError:
        raise UsageError("has a body that is nested too deeply") from None
    declared = first_value(headers, "content-length")
    return next((body for body in candidates if str(len(body)) == declared), candidates[0])


def unix_seconds(time: object) -> float | None:
    """Convert an ISO 8601 time, by default in UTC, to Unix seconds; None if it is something else."""
    match = _ISO_TIME.fullmatch(time) if isinstance(time, str) else None
    if match is None:
        return None
    try:
        return datetime.strptime(f"{match[1]} {match[2]}{match[3] or 'Z'}", "%Y-%m-%d %H:%M:%S%z").timestamp()
    except ValueError:  # a 30th of February
        return None
