"""The responses to the deliveries, and what they show, each and together."""

from __future__ import annotations

import json
import re
from datetime import timezone
from email.utils import parsedate_to_datetime
from time import time
from urllib.parse import urljoin

from ..._headers import first_value
from ..._receiver import REJECTION
from .._http import Response, ResponseTimeoutError, Target, UnreachableError
from .._terminal import escape_control_chars

#: The names of the deliveries that every receiver must reject.
BAD = ("unsigned", "forged", "stale", "duplicate-header")

_BASIC = ("unsigned", "forged", "good")

#: The names of good deliveries in another form.
RESERIALIZED = ("reserialized", "ascii", "indented")

#: The names of deliveries signed at another time, and what it means for the clock if they are accepted.
SHIFTED = {
    "stale": "it is about an hour behind",
    "10-min-old": "it is 5 to 15 minutes behind",
    "10-min-ahead": "it is 5 to 15 minutes ahead",
    "1-hour-ahead": "it is about an hour ahead",
    "at-server-time": "it accepts a delivery that is signed at its own time",
}

REAL_SIZE = "real-size"  #: The name of a good delivery as long as those of a user with much metadata.

_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body|title|meta|link|script|div|main|h1|p)\b")
_DIFFERS_EACH_TIME = re.compile(r"msg \w+|\b[0-9a-f-]{8,}\b|\d+")

#: In the responses of an application that verifies deliveries itself.
_VERIFIES = re.compile(r"signature|svix|webhook re(?:fus|ject)ed")
_FAILURE = re.compile(
    r"\b(?:invalid|bad|wrong|missing|incorrect|mismatch\w*|fail(?:s|ed|ure)?|errors?|refused|rejected|denied|unable|"
    r"could not|cannot|unauthori[sz]ed|forbidden|no (?:svix|signature|header)\w*|not (?:match|verif|valid|auth)\w*)\b"
    r'|"(?:ok|success|valid|verified|accepted|received|handled|authenticated)"\s*:\s*false'
)
_NO_FAILURE = re.compile(
    r'"(?:errors?|fail\w*|invalid|missing|rejected|denied)"\s*:\s*(?:null|false|0|""|\[\s*]|{\s*})|\b(?:no|0) errors?\b'
)
#: In the responses of a handler that was called, and does not know the event type.
_UNKNOWN_TYPE = re.compile(r"\b(?:unknown|unsupported|unhandled|unexpected)\b.{0,20}\b(?:event|type)|ignored")
_MISSING_HEADERS = re.compile(
    r"\b(?:missing|requires?|required|without)\W+(?:\w+\W+){0,3}?(?:svix|signature|headers?)\b"
    r"|\bno\W+(?:svix|headers?|signature\W+header)"
    r"|\b(?:svix[\w-]*|signature|headers?)\W+(?:\w+\W+){0,2}?(?:missing|required|absent|not found)\b"
    r'|"loc"\s*:\s*\[\s*"header",\s*"(?:svix|webhook)'
)
#: Shows that a text is not about missing headers of a delivery.
_OTHER_REASON = re.compile(
    r'invalid|match|authori[sz]ation|bearer|token|api.?key|cookie|content|host|"header",\s*"(?!svix|webhook)'
)
_CLOCK = re.compile(
    r"\b(?:timestamp|message|webhook|delivery|signature)\W(?:[^.]{0,40}\W)?"
    r"(?:too (?:old|new|early|late)|expired|in the (?:future|past)|ahead|tolerance|window|out of range|ago)\b"
)

_NO_RESPONSE = Response(0, [], b"", 0)


class Evidence:
    """The responses to the deliveries of one run, by the name of the delivery.

    Args:
        target: The endpoint.
        fingerprint: Of the secret that signs the deliveries.
    """

    def __init__(self, target: Target, fingerprint: str) -> None:
        self.target = target
        self.fingerprint = fingerprint
        self.responses: dict[str, Response] = {}
        self.errors: dict[str, UnreachableError] = {}  #: Why there is no response.
        self.probes: list[str] = []  #: The deliveries that vary a rejected good one.
        self.not_tried: list[str] = []  #: The deliveries for which there was no time.
        self.clock_difference = 0  #: Seconds from this machine's clock to the endpoint's; 0 if less than a minute.

    def response(self, name: str) -> Response:
        """Return the response to a delivery; if there is none, one with status 0."""
        return self.responses.get(name, _NO_RESPONSE)

    def status(self, name: str) -> int:
        """Return the status of the response; 0 if there is none."""
        return self.response(name).status

    def text(self, name: str) -> str:
        """Return the beginning of the response's body, in lower case and with spaces for underscores."""
        return self.response(name).body[:10_000].decode("utf-8", "replace").lower().replace("_", " ")

    def header(self, name: str, header: str) -> str:
        """Return a header of the response, by its name in lower case; empty if there is none."""
        return first_value(self.response(name).headers, header)

    def headers(self, name: str) -> str:
        """Return the lines of the response's headers in lower case."""
        return "".join(f"{header}: {value}\n" for header, value in self.response(name).headers).lower()

    def is_success(self, name: str) -> bool:
        """Whether the sender counts the delivery as delivered: 2xx."""
        return self.response(name).is_success

    def is_page(self) -> bool:
        """Whether a web page responds 2xx to good and bad deliveries."""
        if not all(self.is_success(name) and _PAGE.match(self.text(name)) for name in _BASIC):
            return False
        return self._is_same("forged", "good") or not any(_VERIFIES.search(self.text(name)) for name in _BASIC)

    def accepts(self, name: str) -> bool:
        """Whether the endpoint accepts the delivery: 2xx, and the text reports no rejection."""
        return self.is_success(name) and not self.is_page() and not self.rejects_in_text(name)

    def rejects_in_text(self, name: str) -> bool:
        """Whether the endpoint responds 2xx, but the text reports a failure or differs from that for good deliveries.

        The text for good deliveries counts only if it is the same each time and if forged ones get 2xx too.
        """
        if not self.is_success(name) or not (name in BAD or self.is_success("forged")):
            return False
        text = _NO_FAILURE.sub("", self.text(name))
        is_unknown_type = _UNKNOWN_TYPE.search(text) and not _VERIFIES.search(text)
        if _FAILURE.search(text) and not is_unknown_type:
            return True
        return self.is_success("good") and not self._is_same(name, "good") and self._is_same("good", REAL_SIZE)

    def _is_same(self, one: str, other: str) -> bool:
        """Whether two deliveries get the same response, apart from ids, numbers and times."""
        one_text, other_text = (_DIFFERS_EACH_TIME.sub("#", self.text(name)) for name in (one, other))
        return self.status(one) == self.status(other) and one_text == other_text

    def rejects_good(self) -> bool:
        """Whether the endpoint rejects the good delivery, and does not fail."""
        return 0 < self.status("good") < 500 and not self.accepts("good")

    def distinguishes_forged(self) -> bool:
        """Whether the forged and the good delivery get different statuses, or 2xx with different texts."""
        if self.status("forged") not in (0, self.status("good")):
            return True
        return self.is_success("good") and not self._is_same("forged", "good")

    def is_silent(self) -> bool:
        """Whether the endpoint gives no response in time, to any delivery or only to one with all headers."""
        is_timeout = any(isinstance(self.errors.get(name), ResponseTimeoutError) for name in ("unsigned", "forged"))
        return is_timeout or self.status("forged") == 408

    def accepted_probe(self) -> str:
        """Return the name of the variation of the good delivery that is accepted; empty if none is."""
        return next((name for name in self.probes if self.accepts(name)), "")

    def is_common(self, name: str) -> bool:
        """Whether the delivery gets a status from something in front: good and bad deliveries get it.

        It comes from the application if that accepts a variation of the good delivery, or if the text is about the
        signature, its headers or its timestamp.
        """
        status = self.status(name)
        if status < 300 or {self.status(each) for each in _BASIC} != {status}:
            return False
        if status < 500 and (_VERIFIES.search(self.text("good")) or self.misses_headers() or self.names_clock()):
            return False
        return not self.accepted_probe()

    def misses_headers(self) -> bool:
        """Whether the text reports missing headers for the good delivery, as for an unsigned one."""
        if self.is_rejection_of_adapter("good") and self.is_rejection_of_adapter("oversized"):
            return self.status("oversized") == 400  # with the headers, an adapter would check the length: 413
        text = self.text("good")
        is_about_headers = _MISSING_HEADERS.search(text) is not None and not _OTHER_REASON.search(text)
        return is_about_headers and self._is_same("unsigned", "good")

    def names_clock(self) -> bool:
        """Whether the text reports that the timestamp of the good delivery is not current."""
        return _CLOCK.search(self.text("good")) is not None

    def is_rejection_of_adapter(self, name: str) -> bool:
        """Whether one of this library's adapters rejects the delivery."""
        return self.text(name).replace(" ", "") == json.dumps(REJECTION).replace(" ", "")

    def read_clock(self) -> None:
        """Compare the Date header of the response to the good delivery, which must be new, with this clock."""
        try:
            header = self.header("good", "date")
            date = parsedate_to_datetime(header).replace(tzinfo=timezone.utc).timestamp()  # HTTP dates are GMT
        except (TypeError, ValueError, IndexError, OverflowError):
            return
        if date >= 0 and abs(date - time()) >= 60:  # a timestamp is not negative
            self.clock_difference = round(date - time())

    def location(self, name: str) -> str:
        """Return the complete URL that the response redirects to, if any."""
        location = self.header(name, "location")
        try:
            return urljoin(self.target.url, location) if location else ""
        except ValueError:  # not a URL
            return location

    def facts(self, name: str) -> dict[str, str]:
        """Return the values for the fix of a finding, safe to print."""
        server = self.header(name, "server")[:60]
        probe = "stale" if self.accepts("stale") else self.accepted_probe()
        clock = SHIFTED.get(probe, "its response says that the timestamp of the good delivery is not current")
        if self.clock_difference:
            where = "behind" if self.clock_difference < 0 else "ahead"
            clock += f", and its Date header is {abs(self.clock_difference)} s {where}"
        facts = {
            "reason": str(self.errors.get(name, f"status {self.status(name)}")),
            "location": self.location(name) or "the URL that it should name",
            "server": f" (Server: {server})" if server else "",
            "fingerprint": self.fingerprint,
            "clock": clock,
            "probe": probe,
        }
        return {key: escape_control_chars(value) for key, value in facts.items()}
