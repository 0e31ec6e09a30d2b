"""Why was a delivery refused? It works after the verdict and never changes it.

The strict check comes first. Only when it refuses, one change after the other is tried that commonly happens to a
delivery on its way, the likeliest first, until the signature fits: then the cause is proved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from ._body import body_bytes
from ._headers import parse_headers
from ._probes import (
    PROBES,
    Finding,
    RefusedDelivery,
    malformed_header,
    missing_header,
    secret_texts,
    text_pairs,
    text_secret,
)
from ._secret import PREFIX, parse_secrets
from ._signature import Signer
from ._webhook import Webhook
from .errors import (
    InvalidSecretError,
    MalformedHeaderError,
    MissingHeaderError,
    TimestampTooNewError,
    TimestampTooOldError,
    WebhookVerificationError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from ._body import Body
    from ._headers import Headers
    from ._probes import Cause, Confidence
    from ._secret import Secret

_RAW_BODY = (
    "verify the bytes as they arrived, before anything parses or decodes them: Flask request.get_data(), Starlette and "
    "FastAPI await request.body(), Django request.body"
)
_SYNCHRONISE = "synchronise the clock of this machine (NTP; after sleep, WSL and virtual machines lag behind)"

#: What to do about each cause.
MENDS: dict[Cause, str] = {
    "reserialized_body": f"{_RAW_BODY}; never json.dumps(request.json)",
    "trailing_newline": (
        f"{_RAW_BODY}; a body in a file must end where it ended: editors and echo add a line end, curl -d removes it, "
        "printf '%s' and curl --data-binary leave it"
    ),
    "byte_order_mark": "store and pass the body without a byte order mark: in an editor choose plain UTF-8",
    "line_endings": "keep the body binary: open files with 'rb' and 'wb', and switch off git's autocrlf for them",
    "wrong_charset": f"{_RAW_BODY}; a text of them must be decoded and encoded as UTF-8",
    "base64_body": "decode the body first: API gateways hand it over in base64 and say so in isBase64Encoded",
    "compressed_body": "verify the body as it was before compression: let no proxy on the way compress requests",
    "empty_body": f"something read the body before: {_RAW_BODY}",
    "truncated_body": "read the whole body: as many bytes as Content-Length says, or to the end of the last chunk",
    "wrong_secret": (
        "take the signing secret of this very endpoint from Clerk's dashboard: each endpoint, and each of development "
        "and production, has its own; then restart what holds the old one"
    ),
    "text_secret": (
        "the sender uses the secret's text as the key, as Clerk and Svix never do: this is another vendor's secret, or "
        "the sender is your own and should decode the base64 after whsec_"
    ),
    "missing_header": "pass all headers of the request as they arrived, and let no proxy remove or rename svix-*",
    "duplicate_header": "let no proxy and no code add a second copy of svix-id, svix-timestamp or svix-signature",
    "mixed_headers": "send one family of headers, svix-* or webhook-*, whole and alone",
    "timestamp_in_milliseconds": "pass the header svix-timestamp as it arrived: Unix seconds, digits alone",
    "timestamp_too_old": f"{_SYNCHRONISE}, or, if this is a stored delivery, verify it as of its own time",
    "timestamp_too_new": _SYNCHRONISE,
    "other_attempt": "take all three headers and the body from one and the same request",
    "asymmetric_only": "send v1 signatures: this endpoint is set up for asymmetric ones (v1a), which need a public key",
    "other_vendor": "point that vendor's webhooks at another URL: this one verifies Clerk's alone",
}


_LEFT_OVER = (
    "the request is well formed, and no change to its body, its timestamp or the way the secret is used makes the "
    "signature fit: most likely the secret is another endpoint's, or else the body was changed in a way that leaves no "
    "trace, or the request is forged"
)


@dataclass(frozen=True)
class Diagnosis:
    """What keeps a delivery from being verified, how sure that is, and what to do."""

    valid: bool  #: The strict verdict: whether ``Webhook.verify_signature`` takes the delivery.
    cause: Cause | None = None  #: A stable code; None where the delivery is valid.
    confidence: Confidence | None = None  #: ``left over``: nothing else explains it.
    proof: str = ""  #: What was seen. Never the secret, the expected signature or the body.
    mend: str = ""  #: What to do.
    ruled_out: tuple[Cause, ...] = ()  #: What was tried and does not explain it.


def diagnose(
    headers: Headers,
    body: Body,
    *,
    secret: Secret | None = None,
    tolerance: float | timedelta = 300,
    clock: Callable[[], float] | None = None,
) -> Diagnosis:
    """Find out why a delivery is refused.

    It takes up to a few tenths of a second: for a debug page, a test or the command line, not for the request path.

    Args:
        headers: All headers of the request.
        body: The body as your code has it: what happened to it is what is looked for.
        secret: As of :func:`clerk_webhook_verify.verify`.
        tolerance: Seconds, or a timedelta.
        clock: Returns now in Unix seconds; None is this machine's clock.
    Returns:
        The diagnosis. A secret that cannot be read is a cause, ``wrong_secret``, too.
    Raises:
        InvalidSecretError: There is no secret at all.
        TypeError, ValueError: A programmer's mistake, as of ``verify``.
    """
    return diagnose_among(headers, body, (), secret=secret, tolerance=tolerance, clock=clock)


def diagnose_among(
    headers: Headers,
    body: Body,
    attempts: Iterable[tuple[str, str]],
    *,
    secret: Secret | None = None,
    tolerance: float | timedelta = 300,
    clock: Callable[[], float] | None = None,
) -> Diagnosis:
    """:func:`diagnose`, where the message ids and timestamps of other deliveries are known."""
    signed = body_bytes(body, headers)
    headers = list(headers) if isinstance(headers, Iterator) else headers  # they are read more than once
    secret = secret if secret is None or isinstance(secret, str | bytes) else tuple(secret)
    pairs, texts = text_pairs(headers), secret_texts(secret)
    try:
        webhook = Webhook(secret, tolerance=tolerance, clock=clock)
    except InvalidSecretError as error:
        if not texts:
            raise
        with suppress(WebhookVerificationError):
            parse_headers(headers)  # a TypeError for what are no headers
        return _without_secret(RefusedDelivery(pairs, signed, (), texts, ()), str(error))
    try:
        webhook.verify_signature(headers, signed)
    except (TimestampTooOldError, TimestampTooNewError) as error:
        cause: Cause = "timestamp_too_old" if isinstance(error, TimestampTooOldError) else "timestamp_too_new"
        others: list[Cause] = [other for other in MENDS if other not in ("timestamp_too_old", "timestamp_too_new")]
        return _diagnosis(Finding(cause, "proved", f"the signature fits, and {error}"), others)
    except WebhookVerificationError as error:
        signers = tuple(map(Signer, parse_secrets(secret)))
        return _explain(RefusedDelivery(pairs, signed, signers, texts, (*attempts,)), error)
    return Diagnosis(valid=True, proof="the signature fits and the timestamp is of now")


def _explain(delivery: RefusedDelivery, error: WebhookVerificationError) -> Diagnosis:
    if isinstance(error, MissingHeaderError):
        return _diagnosis(missing_header(delivery, error))
    if isinstance(error, MalformedHeaderError):
        return _diagnosis(malformed_header(delivery, error))
    ruled_out: list[Cause] = []
    likely: list[Finding] = []
    for causes, probe in PROBES:
        finding = probe(delivery)
        if finding is not None and finding.confidence == "proved":
            return _diagnosis(finding, ruled_out)
        if finding is not None:
            likely.append(finding)
        ruled_out.extend(cause for cause in causes if finding is None or cause != finding.cause)
    return _diagnosis(likely[0] if likely else Finding("wrong_secret", "left over", _LEFT_OVER), ruled_out)


def _diagnosis(finding: Finding, ruled_out: Iterable[Cause] = ()) -> Diagnosis:
    mend = MENDS[finding.cause]
    return Diagnosis(False, finding.cause, finding.confidence, finding.proof, mend, tuple(dict.fromkeys(ruled_out)))


def _without_secret(delivery: RefusedDelivery, problem: str) -> Diagnosis:
    """The secret cannot be read: a good one in a wrong dress, or one that another vendor reads otherwise."""
    for text in delivery.secrets:
        bare = text.strip("\"'`").removeprefix("v1,").strip("\"'`")
        for dressed in (bare, PREFIX + bare, re.sub(r"\s", "", bare)):
            try:
                signers = [*map(Signer, parse_secrets(dressed))]
            except InvalidSecretError:
                continue
            if delivery.fits(signers=signers):
                proof = f"{problem}; so mended, the signature fits"
                return _diagnosis(Finding("wrong_secret", "proved", proof))
    finding = text_secret(delivery)
    return _diagnosis(finding or Finding("wrong_secret", "proved", problem))
