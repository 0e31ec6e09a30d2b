"""What was found out about a delivery, and how it is printed."""

from __future__ import annotations

from dataclasses import dataclass
from time import localtime, strftime

from ..._webhook import Webhook
from ...errors import SignatureMismatchError, WebhookVerificationError
from ...events import EVENT_TYPES
from .._http import Answer
from .._options import in_options
from .._terminal import colorize, escape_control_chars
from ..captures import Capture

_TYPE_WIDTH = max(map(len, EVENT_TYPES))
_ID_WIDTH = 36  # of the longest that this package or Svix makes


@dataclass(frozen=True)
class Verdict:
    """What the check of a delivery found."""

    event_type: str = ""
    """Empty if the signature is not valid."""
    error: WebhookVerificationError | None = None
    """Why the delivery is rejected; None if it is valid."""


@dataclass(frozen=True)
class Result:
    """The answer to a delivery."""

    answer: Answer
    verdict: Verdict
    forwarded: bool = False
    """The answer is the app's."""
    unreachable: str | None = None
    """Why the app gave none."""


def facts_about(capture: Capture, result: Result) -> dict[str, object]:
    """Return what ``--json`` prints about a delivery."""
    error = result.verdict.error
    return {
        "received_at": capture.received_at,
        "type": result.verdict.event_type,
        "message_id": capture.message_id,
        "valid": error is None,
        "code": error and error.code,
        "message": error and in_options(str(error)),
        "status": result.answer.status,
        "forwarded": result.forwarded,
        "unreachable": result.unreachable,
    }


def fingerprints_of(webhook: Webhook) -> str:
    """Return the fingerprints: which secrets these are, without revealing them."""
    fingerprints = webhook.fingerprints
    return f"secret{'s' if len(fingerprints) > 1 else ''} {', '.join(fingerprints)}"


def line_about(capture: Capture, result: Result, webhook: Webhook) -> str:
    """Return the line about a delivery: text from outside is escaped and cut."""
    error = result.verdict.error
    words = [
        strftime("%H:%M:%S", localtime(capture.received_at)),
        f"{escape_control_chars(result.verdict.event_type[:100]) or '-':<{_TYPE_WIDTH}}",
        f"{escape_control_chars(capture.message_id[:100]) or '-':<{_ID_WIDTH}}",
        colorize("genuine", "green") if error is None else colorize("refused", "red"),
    ]
    line = "  ".join(words)
    if error is not None:
        line += f": {error.code}: {escape_control_chars(in_options(str(error)))}"
    if isinstance(error, SignatureMismatchError):
        line += f"; tried {fingerprints_of(webhook)}"
    if result.forwarded:
        line += f"; the app answered {result.answer.status} in {result.answer.seconds:.3f} s"
    if result.unreachable is not None:
        line += f"; {result.unreachable}"
    return line
