"""The responses to the deliveries, and what they show, each and together."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from time import time
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from ..._headers import first_value
from ..._receiver import REJECTION
from .._http import Response, Target, UnreachableError
from .._terminal import escape_control_chars
from ._deliveries import BAD, REAL_SIZE_NAME, RESERIALIZED, SHIFTED

_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body|title|meta|link|script|div|main|h1|p)\b")
_DIFFERS_EACH_TIME = re.compile(r"msg_\w+|\b[0-9a-f-]{8,}\b|\d+")

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


class Evidence:
    """The responses to the deliveries of one run.

    Args:
        target: The endpoint.
        fingerprint: Of the secret that signs the deliveries.
    """

    def __init__(self, target: Target, fingerprint: str) -> None:
        self.target = target
        self.fingerprint = fingerprint
        self.responses: dict[str, Response | UnreachableError] = {}  #: By the name of the delivery.
        self.probes: list[str] = []  #: Names of the deliveries that vary a rejected good one.
        self.not_tried: list[str] = []  #: Names of the deliveries for which there was no time.
        self.clock_difference = 0  #: Seconds from this machine's clock to the endpoint's; 0 if less than a minute.

    def response(self, name: str) -> Response | None:
        """Return the response to a delivery, if there is one."""
        response = self.responses.get(name)
        return response if isinstance(response, Response) else None

    def status(self, name: str) -> int:
        """Return the status of the response; 0 if there is none."""
        response = self.response(name)
        return response.status if response else 0

    def text(self, name: str) -> str:
        """Return the beginning of the response's body, in lower case."""
        response = self.response(name)
        return response.body[:10_000].decode("utf-8", "replace").lower() if response else ""

    def _words(self, name: str) -> str:
        """Return the text with codes such as ``missing_header`` as words."""
        return self.text(name).replace("_", " ")

    def header(self, name: str, header: str) -> str:
        """Return a header of the response, by its name in lower case; empty if there is none."""
        response = self.response(name)
        return first_value(response.headers, header) if response else ""

    def is_success(self, name: str) -> bool:
        """Whether the sender counts the delivery as delivered: 2xx."""
        return 200 <= self.status(name) < 300

    def is_page(self) -> bool:
        """Whether a web page responds 2xx to good and bad deliveries."""
        names = ("unsigned", "forged", "good")
        if not all(self.is_success(name) and _PAGE.match(self.text(name)) for name in names):
            return False
        return self._is_same("forged", "good") or not any(_VERIFIES.search(self._words(name)) for name in names)

    def accepts(self, name: str) -> bool:
        """Whether the endpoint accepts the delivery: 2xx, and the text reports no rejection."""
        return self.is_success(name) and not self.is_page() and not self.rejects_in_text(name)

    def rejects_in_text(self, name: str) -> bool:
        """Whether the endpoint responds 2xx, but the text reports a failure or differs from that for good deliveries.

        The text for good deliveries counts only if it is the same each time and if forged ones get 2xx too.
        """
        if not self.is_success(name) or not (name in BAD or self.is_success("forged")):
            return False
        if self._reports_failure(name):
            return True
        if not self.is_success("good") or self._is_same(name, "good"):
            return False
        return self._is_same("good", REAL_SIZE_NAME)

    def _reports_failure(self, name: str) -> bool:
        text = _NO_FAILURE.sub("", self._words(name))
        is_unknown_type = _UNKNOWN_TYPE.search(text) and not _VERIFIES.search(text)
        return _FAILURE.search(text) is not None and not is_unknown_type

    def _is_same(self, one: str, other: str) -> bool:
        """Whether two deliveries get the same response, apart from ids, numbers and times."""
        one_text, other_text = (_DIFFERS_EACH_TIME.sub("#", self.text(name)) for name in (one, other))
        return self.status(one) == self.status(other) and one_text == other_text

    def differs(self, one: str, other: str) -> bool:
        """Whether two deliveries get different responses: another status, or among 2xx another text."""
        if not self.status(one) or not self.status(other):
            return False
        if self.is_success(one) and self.is_success(other):
            return not self._is_same(one, other)
        return self.status(one) != self.status(other)

    def rejects_good(self) -> bool:
        """Whether the endpoint rejects the good delivery, and does not fail."""
        return 200 <= self.status("good") < 500 and not self.accepts("good")

    def accepted_probe(self) -> str | None:
        """Return the name of the variation of the good delivery that is accepted."""
        return next((name for name in self.probes if self.accepts(name)), None)

    def common_status(self) -> int:
        """Return the status that good and bad deliveries get from something in front; 0 if the application responds.

        It does if it accepts a variation of the good delivery, or if the text is about the signature, its headers or
        its timestamp.
        """
        status = self.status("good")
        if status < 300 or {self.status("unsigned"), self.status("forged")} != {status}:
            return 0
        text = self._words("good")
        if status < 500 and (_VERIFIES.search(text) or self.misses_headers() or self.names_clock()):
            return 0
        return 0 if self.accepted_probe() else status

    def is_common(self, name: str, *statuses: int) -> bool:
        """Whether the delivery gets the common status, and that is one of *statuses*, if there are any."""
        status = self.common_status()
        return status > 0 and status == self.status(name) and (not statuses or status in statuses)

    def says(self, name: str, pattern: str) -> bool:
        """Whether the delivery gets the common status, with a text in lower case that has the pattern."""
        return self.is_common(name) and re.search(pattern, self.text("good"), re.DOTALL) is not None

    def misses_headers(self) -> bool:
        """Whether the text reports missing headers for the good delivery, as for an unsigned one."""
        text = self._words("good")
        if self.is_rejection_of_adapter("good") and self.is_rejection_of_adapter("oversized"):
            return self.status("oversized") == 400  # with the headers, an adapter would check the length: 413
        return bool(
            self._is_same("unsigned", "good") and _MISSING_HEADERS.search(text) and not _OTHER_REASON.search(text)
        )

    def names_clock(self) -> bool:
        """Whether the text reports that the timestamp of the good delivery is not current."""
        return _CLOCK.search(self._words("good")) is not None

    def is_rejection_of_adapter(self, name: str) -> bool:
        """Whether one of this library's adapters rejects the delivery."""
        return self.text(name).replace(" ", "") == json.dumps(REJECTION).replace(" ", "")

    def read_clock(self) -> None:
        """Compare the Date header of the response to the good delivery, which must be new, with this clock."""
        date = self.header("good", "date")
        try:
            difference = (parsedate_to_datetime(date) - datetime.now(timezone.utc)).total_seconds()
        except (TypeError, ValueError, IndexError, OverflowError):  # TypeError: the date names no time zone
            return
        if abs(difference) >= 60 and time() + difference >= 0:  # a timestamp is not negative
            self.clock_difference = round(difference)

    def location(self, name: str) -> str:
        """Return the complete URL that the response redirects to, if any."""
        location = self.header(name, "location")
        try:
            return urljoin(self.target.url, location) if location else ""
        except ValueError:  # not a URL
            return location

    def facts(self, name: str) -> dict[str, str]:
        """Return the values for the fix of a finding, safe to print."""
        location, server, probe = self.location(name), self.header(name, "server")[:60], self.accepted_probe() or ""
        response = self.responses[name]
        facts = {
            "reason": str(response) if isinstance(response, UnreachableError) else f"status {response.status}",
            "status": str(self.status(name)),
            "location": location or "the URL that it should name",
            "https_location": self._https_location(location),
            "https_url": self.target.url.replace("http:", "https:", 1),
            "host": self.target.host,
            "server": f" (Server: {server})" if server else "",
            "fingerprint": self.fingerprint,
            "clock": self._clock(),
            "probe": RESERIALIZED.get(probe, probe),
        }
        return {key: escape_control_chars(value) for key, value in facts.items()}

    def _https_location(self, location: str) -> str:
        """Return *location* as https, with the port of the target if it has the same host."""
        parts = split_url(location)
        netloc = self.target.netloc if parts.hostname == self.target.host else parts.netloc
        return urlunsplit(parts._replace(scheme="https", netloc=netloc))

    def _clock(self) -> str:
        """Return how the clock of the endpoint differs from this machine's."""
        found = []
        probe = self.accepted_probe()
        if self.accepts("stale"):
            found.append("it is about an hour behind")
        elif probe in SHIFTED:
            found.append(SHIFTED[probe])
        elif self.names_clock():
            found.append("its response says that the timestamp of the good delivery is not current")
        if self.clock_difference:
            where = "behind" if self.clock_difference < 0 else "ahead"
            found.append(f"its Date header is {abs(self.clock_difference)} s {where}")
        return ", and ".join(found)


def split_url(url: str) -> SplitResult:
    """Return the parts of *url*; if it is not a URL, all of it is the path."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return SplitResult("", "", url, "", "")
    return parts
