"""Headers, secrets, timestamps, diagnoses: is exactly that accepted which hmac alone says is right?"""

import base64
import math
import os
import re
import struct
from datetime import timedelta
from fractions import Fraction
from typing import Any

from helpers.signer import BODY, MESSAGE_ID, NOW, OTHER_SECRET, SECRET, now, sign as sign_slowly
from proof.fuzz.shapes import BODIES, OTHER_KEY, SHAPES, edited, is_odd, is_right
from proof.fuzz.tape import KEY, Tape, hold, sign, signed_headers

from clerk_webhook_verify import InvalidSecretError, Webhook, WebhookVerificationError
from clerk_webhook_verify.diagnose import _attempt, diagnose as find_out
from clerk_webhook_verify.diagnose.causes import CAUSES
from clerk_webhook_verify.errors import TimestampTooNewError, TimestampTooOldError

webhook = Webhook(SECRET, clock=now)
FIXES = {cause.code: cause.fix for cause in CAUSES}


def headers(data: bytes) -> None:
    """Any headers in any shape are accepted if and only if they are right, or refused by an error of ours."""
    tape = Tape(data)
    shape, body = tape.pick(SHAPES), tape.pick(BODIES)
    signed = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    pairs = edited(tape)
    odd = is_odd(shape(pairs))
    right = is_right(shape(pairs), signed)
    try:
        delivery = webhook.verify_signature(shape(pairs), body)
    except WebhookVerificationError as error:
        hold(odd or not right, "a right delivery is refused")
        hold(sign(signed)[3:] not in str(error), "an error shows the expected signature")
    except TypeError:
        hold(odd, "a TypeError where the shape is sound")
    else:
        hold(right, "accepted, and not right")
        hold(delivery.body == signed and type(delivery.body) is bytes, "another body than was signed")
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
    """Any text is a secret that reads as base64 alone reads it, or an error that does not repeat it."""
    tape = Tape(data)
    given, form = tape.byte() % 4, tape.pick(FORMS)
    content = base64.b64encode(tape.rest()).decode() if tape.byte() % 2 else tape.rest().decode("latin-1")
    text = form.format(content) if given < 3 else form.format(content).replace("\0", "")  # which no variable holds
    wanted = keys(re.split(r"[\s,]+", text) if given == 3 else [text])
    try:
        if given == 3:
            os.environ["CLERK_WEBHOOK_SIGNING_SECRET"] = text
        made = Webhook([text, text.encode("latin-1"), [text.encode("latin-1"), OTHER_SECRET], None][given])
    except InvalidSecretError as error:
        hold(not wanted, "a right secret is refused")
        shown = f"{error} {error.args} {error.__context__!r}".replace("CLERK_WEBHOOK_SIGNING_SECRET", "")
        hold(not any(word in text for word in shown.split() if len(word) >= 16), "an error repeats the secret")
    else:
        hold(wanted, "accepted, and no base64 of 24 to 75 bytes")
        hold(made.sign(MESSAGE_ID, NOW, BODY) == sign_slowly(BODY, secret=f"whsec_{wanted[0]}"), "another key")
    finally:
        os.environ.pop("CLERK_WEBHOOK_SIGNING_SECRET", None)


def keys(texts: list[str]) -> list[str]:
    """The keys in them that base64 alone reads, strictly, and writes again; empty where one of them is none."""
    read = []
    for text in filter(None, map(str.strip, texts)):
        match = re.fullmatch("whsec_([A-Za-z0-9+/]*)(=*)", text)
        if not match:
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
    """A signed timestamp is accepted if and only if it is one to twelve digits within the tolerance of our clock."""
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
        hold(seconds is None or seconds < 0, "a right tolerance is refused")
        return
    hold(seconds is not None and seconds >= 0, "a tolerance that is none")
    sent = signed_headers(timestamp=text.strip(" \t")) | {"svix-timestamp": text}
    digits = re.fullmatch("[0-9]{1,12}", text.strip(" \t"))
    try:
        made.verify_signature(sent, BODY)
    except (TimestampTooOldError, TimestampTooNewError) as error:
        skew = int(text) - now
        hold(skew > seconds - slack(seconds, now) or -skew > seconds - slack(seconds, now), "refused inside")
        hold((skew < 0) == isinstance(error, TimestampTooOldError) == (error.skew < 0), "the wrong side")
        hold(str(error) and abs(error.skew - skew) <= 1 + slack(seconds, now), "the wrong age")
    except WebhookVerificationError:
        hold(not digits, "refused without a reason")
    except (TypeError, ValueError):
        hold(now is None or abs(now) > 10**308, "a clock that is sound is refused")
    else:
        hold(digits and now is not None, "accepted, and no timestamp or no clock")
        hold(abs(int(text) - now) <= seconds + slack(seconds, now), "accepted outside the tolerance")


def exact(number: Any) -> Fraction | None:
    """None where it is no finite number that a float can hold."""
    if isinstance(number, timedelta):
        number = number.total_seconds()
    if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) <= 1.7976931348623157e308:
        return None
    return Fraction(number)


def slack(*numbers: Fraction) -> Fraction:
    """What rounding to a float may change in a difference of numbers as large as these."""
    return max(10**12, *map(abs, numbers)) * Fraction(1, 2**51)


USED: list[tuple[Any, list[bytes]]] = [
    *[(SECRET, [KEY])] * 3,
    ([OTHER_SECRET, SECRET], [OTHER_KEY, KEY]),
    (OTHER_SECRET, [OTHER_KEY]),
    *[(unusable, []) for unusable in (SECRET[6:], f'"{SECRET}"', "hello")],
]


def diagnose(data: bytes) -> None:
    """The diagnosis never fails, agrees with the verdict, and shows nothing that is secret."""
    tape = Tape(data)
    shape, body, cut = tape.pick(SHAPES), tape.pick(BODIES), tape.byte()
    if cut % 2:
        body = tape.chunk() if cut % 4 == 1 else BODY[: cut % len(BODY)] + tape.chunk() + BODY[cut % len(BODY) :]
    signed = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else bytes(body)
    pairs = edited(tape)
    odd = is_odd(shape(pairs))
    used, keys_of_it = tape.pick(USED)
    right = is_right(shape(pairs), signed, keys_of_it)
    many, _attempt._MAX_ATTEMPTS = _attempt._MAX_ATTEMPTS, 8  # the other 39,992 take a tenth of a second
    try:
        found = find_out(shape(pairs), body, secret=used, clock=now)
    except TypeError:
        hold(odd, "a TypeError where the shape is sound")
        return
    finally:
        _attempt._MAX_ATTEMPTS = many
    hold(found.valid == right, "another verdict than hmac's")
    hold(found.valid or (found.cause in FIXES and found.fix and found.evidence), "a rejection without a cause")
    is_safe = SECRET[6:] not in found.evidence and sign(signed)[3:] not in found.evidence
    hold(is_safe, "evidence shows what is secret")
