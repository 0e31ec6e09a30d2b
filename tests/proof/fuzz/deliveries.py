"""Fuzz targets: headers, secrets, timestamps and diagnoses, compared with a model that uses only hmac."""

import base64
import itertools
import math
import os
import re
import struct
from datetime import timedelta
from fractions import Fraction
from typing import Any

from helpers.signer import BODY, MESSAGE_ID, NOW, OTHER_SECRET, SECRET, now, sign as sign_slowly
from proof.fuzz.shapes import BODIES, OTHER_KEY, SHAPES, edited, is_odd, is_valid
from proof.fuzz.tape import KEY, Tape, require, sign, signed_headers

from clerk_webhook_verify import InvalidSecretError, Webhook, WebhookVerificationError, diagnose as diagnosis
from clerk_webhook_verify.diagnose.causes import CAUSES
from clerk_webhook_verify.errors import TimestampTooNewError, TimestampTooOldError

webhook = Webhook(SECRET, clock=now)
FIXES = {cause.code: cause.fix for cause in CAUSES}


def headers(data: bytes) -> None:
    """Headers of any kind are accepted if and only if they are valid, otherwise rejected with the library's errors."""
    tape = Tape(data)
    shape, body = tape.pick(SHAPES), tape.pick(BODIES)
    signed = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    pairs = edited(tape)
    odd = is_odd(shape(pairs))
    valid = is_valid(shape(pairs), signed)
    try:
        delivery = webhook.verify_signature(shape(pairs), body)
    except WebhookVerificationError as error:
        require(odd or not valid, "rejected a valid delivery")
        require(sign(signed)[3:] not in str(error), "an error shows the expected signature")
    except TypeError:
        require(odd, "a TypeError for well-formed headers")
    else:
        require(valid, "accepted an invalid delivery")
        require(delivery.body == signed and type(delivery.body) is bytes, "another body than was signed")
        webhook.check_headers(shape(pairs))


FORMS = [
    "whsec_{}",
    "{}",
    " whsec_{}\n",
    "v1,whsec_{}",
    '"whsec_{}"',
    "whsec_{}=",
    "whsec_{}==",
    "sk_{}",
    "whsec_whsec_{}",
]


def secret(data: bytes) -> None:
    """A string is decoded as base64 decodes it, or rejected with an error that does not contain it."""
    tape = Tape(data)
    given, form = tape.byte() % 4, tape.pick(FORMS)
    content = base64.b64encode(tape.rest()).decode() if tape.byte() % 2 else tape.rest().decode("latin-1")
    text = form.format(content)
    if given == 3:
        text = text.replace("\0", "")  # not allowed in an environment variable
    wanted = keys(re.split(r"[\s,]+", text) if given == 3 else [text])
    try:
        if given == 3:
            os.environ["CLERK_WEBHOOK_SIGNING_SECRET"] = text
        made = Webhook([text, text.encode("latin-1"), [text.encode("latin-1"), OTHER_SECRET], None][given])
    except InvalidSecretError as error:
        require(not wanted, "rejected a valid secret")
        shown = f"{error} {error.args} {error.__context__!r}".replace("CLERK_WEBHOOK_SIGNING_SECRET", "")
        require(not any(word in text for word in shown.split() if len(word) >= 16), "an error contains the secret")
    else:
        require(wanted, "accepted an invalid secret")
        require(
            made.sign(MESSAGE_ID, NOW, BODY) == sign_slowly(BODY, secret=f"whsec_{wanted[0]}"), "decoded another key"
        )
    finally:
        os.environ.pop("CLERK_WEBHOOK_SIGNING_SECRET", None)


def keys(texts: list[str]) -> list[str]:
    """Return the keys in canonical base64; empty if one of them is invalid."""
    read = []
    for text in filter(None, map(str.strip, texts)):
        match = re.fullmatch("whsec_([A-Za-z0-9+/]*)(=*)", text)
        if not match or re.fullmatch("x+|X+", match[1]):  # a placeholder
            return []
        padding = "=" * (-len(match[1]) % 4)
        try:
            key = base64.b64decode(match[1] + padding, validate=True)
        except ValueError:
            return []
        if base64.b64encode(key).decode() != match[1] + padding or match[2] not in ("", padding):
            return []
        if not 24 <= len(key) <= 75:
            return []
        read.append(match[1] + padding)
    return read


CLOCKS: list[Any] = [
    *(NOW, NOW + 300, NOW + 301, NOW - 301, NOW + 300.5, math.nan, math.inf, -math.inf, 1e308, -1e308, 0, -0.0, 5e-324),
    *(10**12, 10**400, -(10**400), True, None, "now", 1j),
]
TOLERANCES: list[Any] = [
    *(300, 0, 0.5, 299.999, 1e308, 10**308, 10**400, -1, math.nan, math.inf, timedelta(seconds=300), timedelta.max),
    *(timedelta(microseconds=-1), True, None, "300"),
]


def timestamp(data: bytes) -> None:
    """A signed timestamp is accepted if and only if it is one to twelve digits, within the tolerance of the clock."""
    tape = Tape(data)
    clock, tolerance = tape.pick(CLOCKS), tape.pick(TOLERANCES)
    if tape.byte() % 2:
        clock = struct.unpack("<d", tape.take(8).ljust(8, b"\0"))[0]
    elif tape.byte() % 2 and type(clock) is int:
        clock += struct.unpack("<i", tape.take(4).ljust(4, b"\0"))[0]
    if tape.byte() % 2:
        tolerance = struct.unpack("<d", tape.take(8).ljust(8, b"\0"))[0]
    text = str(NOW + tape.byte() - 128) if tape.byte() % 2 else tape.rest().decode("latin-1")
    seconds, now = exact(tolerance), exact(clock)
    try:
        made = Webhook(SECRET, tolerance=tolerance, clock=lambda: clock)
    except (TypeError, ValueError):
        require(seconds is None or seconds < 0, "rejected a valid tolerance")
        return
    require(seconds is not None and seconds >= 0, "accepted an invalid tolerance")
    sent = signed_headers(timestamp=text.strip(" \t")) | {"svix-timestamp": text}
    digits = re.fullmatch("[0-9]{1,12}", text.strip(" \t"))
    try:
        made.verify_signature(sent, BODY)
    except (TimestampTooOldError, TimestampTooNewError) as error:
        skew = int(text) - now
        require(abs(skew) > seconds - slack(seconds, now), "rejected a timestamp within the tolerance")
        require(
            (skew < 0) == isinstance(error, TimestampTooOldError) == (error.skew < 0), "too old and too new are swapped"
        )
        require(str(error) and abs(error.skew - skew) <= 1 + slack(seconds, now), "the error has another age")
    except WebhookVerificationError:
        require(not digits, "rejected a well-formed timestamp")
    except (TypeError, ValueError):
        require(now is None or abs(now) > 10**308, "rejected a valid clock")
    else:
        require(digits and now is not None, "accepted an invalid timestamp or clock")
        require(abs(int(text) - now) <= seconds + slack(seconds, now), "accepted a timestamp outside the tolerance")


def exact(number: Any) -> Fraction | None:
    """Return the exact value; None if it is not a number in the range of a finite float."""
    if isinstance(number, timedelta):
        number = number.total_seconds()
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= 1.7976931348623157e308:
        return None
    return Fraction(number)


def slack(*numbers: Fraction) -> Fraction:
    """Return the rounding error of a float as large as these numbers."""
    return max(10**12, *map(abs, numbers)) * Fraction(1, 2**51)


USED: list[tuple[Any, list[bytes]]] = [
    *[(SECRET, [KEY])] * 3,
    ([OTHER_SECRET, SECRET], [OTHER_KEY, KEY]),
    (OTHER_SECRET, [OTHER_KEY]),
    *[(unusable, []) for unusable in (SECRET[6:], f'"{SECRET}"', "hello")],
]


LARGE = 120_000  # bytes of a repeated pattern
STEPS = 300  # of a diagnosis


def diagnose(data: bytes) -> None:
    """A diagnosis never raises, agrees with the verdict, and shows no secret."""
    tape = Tape(data)
    shape, body, cut = tape.pick(SHAPES), tape.pick(BODIES), tape.byte()
    if cut % 8 == 7:
        pattern = tape.chunk() or b"["
        body = pattern * (LARGE // len(pattern))
    elif cut % 2:
        body = tape.chunk() if cut % 4 == 1 else BODY[: cut % len(BODY)] + tape.chunk() + BODY[cut % len(BODY) :]
    signed = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    pairs = edited(tape)
    if cut % 32 == 30:
        pairs = [
            (name, value * (LARGE // len(value)) if value and type(value) is str else value) for name, value in pairs
        ]
    odd = is_odd(shape(pairs))
    used, keys_of_it = tape.pick(USED)
    valid = is_valid(shape(pairs), signed, keys_of_it)
    ticks = itertools.count()  # the budget is counted in steps, so that each run does the same
    try:
        found = diagnosis.diagnose(shape(pairs), body, secret=used, clock=now, budget=STEPS, timer=lambda: next(ticks))
    except TypeError:
        require(odd, "a TypeError for well-formed headers")
        return
    require(found.valid == valid, "another verdict than the model")
    require(found.valid or (found.cause in FIXES and found.fix and found.evidence), "a rejection without a cause")
    is_confirmed = (found.cause, found.confidence) == ("wrong_secret", "confirmed")
    require(not is_confirmed or not keys_of_it, "a valid secret is confirmed to be wrong")
    shows_secret = SECRET[6:] in found.evidence or sign(signed)[3:] in found.evidence
    require(not shows_secret, "the evidence shows the secret or the expected signature")
