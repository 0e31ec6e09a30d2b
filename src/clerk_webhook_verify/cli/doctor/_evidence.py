"""What the answers to the deliveries say, each and together."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from time import time
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from ..._receiver import REJECTION
from .._http import Answer, Target, UnreachableError
from .._terminal import escape_control_chars
from ._deliveries import BAD, REAL_SIZE_NAME, RESERIALIZED, SHIFTED

_PAGE = re.compile(r"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body|title|meta|link|script|div|main|h1|p)\b")
_DIFFERS_EACH_TIME = re.compile(r"msg_\w+|\b[0-9a-f-]{8,}\b|\d+")

#: The words of an application that verifies deliveries itself.
_VERIFIES = re.compile(r"signature|svix|webhook re(?:fus|ject)ed")
_FAILURE = re.compile(
    r"\b(?:invalid|bad|wrong|missing|incorrect|mismatch\w*|fail(?:s|ed|ure)?|errors?|refused|rejected|denied|unable|"
    r"could not|cannot|unauthori[sz]ed|forbidden|no (?:svix|signature|header)\w*|not (?:match|verif|valid|auth)\w*)\b"
    r'|"(?:ok|success|valid|verified|accepted|received|handled|authenticated)"\s*:\s*false'
)
_NO_FAILURE = re.compile(
    r'"(?:errors?|fail\w*|invalid|missing|rejected|denied)"\s*:\s*(?:null|false|0|""|\[\s*]|{\s*})|\b(?:no|0) errors?\b'
)
#: The words of a handler that was called, and does not know the event type.
_UNKNOWN_TYPE = re.compile(r"\b(?:unknown|unsupported|unhandled|unexpected)\b.{0,20}\b(?:event|type)|ignored")
_MISSING_HEADERS = re.compile(
    r"\b(?:missing|requires?|required|without)\W+(?:\w+\W+){0,3}?(?:svix|signature|headers?)\b"
    r"|\bno\W+(?:svix|headers?|signature\W+header)"
    r"|\b(?:svix[\w-]*|signature|headers?)\W+(?:\w+\W+){0,2}?(?:missing|required|absent|not found)\b"
    r'|"loc"\s*:\s*\[\s*"header",\s*"(?:svix|webhook)'
)
#: What shows that a text is not about the headers of a delivery, or not about their absence.
_OTHER_REASON = re.compile(
    r'invalid|match|authori[sz]ation|bearer|token|api.?key|cookie|content|host|"header",\s*"(?!svix|webhook)'
)
_CLOCK = re.compile(
    r"\b(?:timestamp|message|webhook|delivery|signature)\W(?:[^.]{0,40}\W)?"
    r"(?:too (?:old|new|early|late)|expired|in the (?:future|past)|ahead|tolerance|window|out of range|ago)\b"
)


class Evidence:
    """The answers to the deliveries of one run.

    Args:
        target: The endpoint.
        fingerprint: Of the secret that signs the deliveries.
    """

    def __init__(self, target: Target, fingerprint: str) -> None:
        self.target = target
        self.fingerprint = fingerprint
        self.answers: dict[str, Answer | UnreachableError] = {}  #: By the name of the delivery.
        self.probes: list[str] = []  #: The names of the deliveries that vary a rejected good one.
        self.not_tried: list[str] = []  #: The names of the deliveries for which no time was left.
        self.clock_difference = 0  #: Seconds from this machine's clock to the endpoint's; 0 if less than a minute.

    def answer(self, name: str) -> Answer | None:
        """Return the answer to a delivery; None if there is none."""
        answer = self.answers.get(name)
        return answer if isinstance(answer, Answer) else None

    def status(self, name: str) -> int:
        """Return the status of the answer; 0 if there is none."""
        answer = self.answer(name)
        return answer.status if answer else 0

    def text(self, name: str) -> str:
        """Return the beginning of the answer's body, in lower case."""
        answer = self.answer(name)
        return answer.body[:10_000].decode("utf-8", "replace").lower() if answer else ""

    def _words(self, name: str) -> str:
        """Return the text with codes such as ``missing_header`` as words."""
        return self.text(name).replace("_", " ")

    def header(self, name: str, header: str) -> str:
        """Return a header of the answer; empty if there is none."""
        answer = self.answer(name)
        return answer.header(header) if answer else ""

    def is_success(self, name: str) -> bool:
        """Whether the sender counts the delivery as delivered: 2xx."""
        return 200 <= self.status(name) < 300

    def is_page(self) -> bool:
        """Whether a web page answers 2xx to good and bad deliveries."""
        names = ("unsigned", "forged", "good")
        if not all(self.is_success(name) and _PAGE.match(self.text(name)) for name in names):
            return False
        return self._is_same("forged", "good") or not any(_VERIFIES.search(self._words(name)) for name in names)

    def accepts(self, name: str) -> bool:
        """Whether the endpoint accepts the delivery: 2xx, and the text does not say otherwise."""
        return self.is_success(name) and not self.is_page() and not self.rejects_in_text(name)

    def rejects_in_text(self, name: str) -> bool:
        """Whether the endpoint answers 2xx with a text that says that it rejects the delivery.

        It does if the text reports a failure, or if good deliveries get another text, and the same one each time. The
        text for good deliveries only counts if forged ones get 2xx too.
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
        """Whether two deliveries get the same answer, apart from ids, numbers and times."""
        one_text, other_text = (_DIFFERS_EACH_TIME.sub("#", self.text(name)) for name in (one, other))
        return self.status(one) == self.status(other) and one_text == other_text

    def differs(self, one: str, other: str) -> bool:
        """Whether two deliveries get different answers: another status, or among 2xx another text."""
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
        """Return the status that good and bad deliveries get alike, if it comes from something in front; otherwise 0.

        The application itself answers if it accepts a variation of the good delivery, or if the text is about the
        signature, its headers or its timestamp.
        """
        status = self.status("good")
        if status < 300 or {self.status("unsigned"), self.status("forged")} != {status}:
            return 0
        text = self._words("good")
        if status < 500 and (_VERIFIES.search(text) or self.misses_headers() or self.names_clock()):
            return 0
        return 0 if self.accepted_probe() else status

    def is_common(self, name: str, *statuses: int) -> bool:
        """Whether the delivery gets the common status, and it is one of *statuses* if any are given."""
        status = self.common_status()
        return status > 0 and status == self.status(name) and (not statuses or status in statuses)

    def misses_headers(self) -> bool:
        """Whether the text says that the headers of the good delivery are missing, as if it were unsigned."""
        text = self._words("good")
        if self.is_rejection_of_adapter("good") and self.is_rejection_of_adapter("oversized"):
            return self.status("oversized") == 400  # with the headers, an adapter would check the length: 413
        return bool(
            self._is_same("unsigned", "good") and _MISSING_HEADERS.search(text) and not _OTHER_REASON.search(text)
        )

    def names_clock(self) -> bool:
        """Whether the text says that the timestamp of the good delivery is not current."""
        return _CLOCK.search(self._words("good")) is not None

    def is_rejection_of_adapter(self, name: str) -> bool:
        """Whether one of this library's adapters rejects the delivery."""
        return self.text(name).replace(" ", "") == json.dumps(REJECTION).replace(" ", "")

    def read_clock(self) -> None:
        """Compare the Date header of the answer to the good delivery, which has just arrived, with this clock."""
        date = self.header("good", "date")
        try:
            difference = (parsedate_to_datetime(date) - datetime.now(timezone.utc)).total_seconds()
        except (TypeError, ValueError, IndexError, OverflowError):  # TypeError: the date names no time zone
            return
        if abs(difference) >= 60 and time() + difference >= 0:  # a timestamp is not negative
            self.clock_difference = round(difference)

    def location(self, name: str) -> str:
        """Return the complete URL that the answer redirects to; empty if there is none."""
        location = self.header(name, "location")
        try:
            return urljoin(self.target.url, location) if location else ""
        except ValueError:  # not a URL
            return location

    def facts(self, name: str) -> dict[str, str]:
        """Return what the fix of a finding may contain, safe to print."""
        location, server, probe = self.location(name), self.header(name, "server")[:60], self.accepted_probe() or ""
        answer = self.answers[name]
        facts = {
            "reason": str(answer) if isinstance(answer, UnreachableError) else f"status {answer.status}",
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
            found.append("its answer says that the timestamp of the good delivery is not current")
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
