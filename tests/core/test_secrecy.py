"""Can a log, a repr, a pickle or an error tracker get at a secret, a key, an expected signature or a body?"""

import base64
import gc
import logging
import pickle
import sys
import traceback
from pathlib import Path

import pytest
from helpers.signer import BODY, OTHER_SECRET, SECRET, key_of, now, sign, signed_headers

import clerk_webhook_verify
from clerk_webhook_verify import Webhook, WebhookError, verify

PACKAGE = str(Path(clerk_webhook_verify.__file__).parent)
STALE = signed_headers(timestamp=1)
FORGED = signed_headers(secret="whsec_" + "A" * 32)
NO_EVENT = signed_headers(b"[]")

SECRETS = [SECRET, OTHER_SECRET]
CHECKS = {
    "forged": lambda: verify(FORGED, BODY, secret=SECRETS[0], clock=now),
    "forged, two secrets": lambda: verify(
        signed_headers(b"x"), BODY, secret=[SECRETS[0], SECRETS[1].encode()], clock=now
    ),
    "forged, a webhook": lambda: Webhook(SECRETS[0], clock=now).verify(FORGED, BODY),
    "stale": lambda: verify(STALE, BODY, secret=SECRETS[0], clock=now),
    "no headers": lambda: verify({}, BODY, secret=SECRETS[0]),
    "no event": lambda: verify(NO_EVENT, b"[]", secret=SECRETS[0], clock=now),
    "a dict for body": lambda: verify(signed_headers(), {}, secret=SECRETS[0]),
    "a broken clock": lambda: verify(signed_headers(timestamp=2), BODY, secret=SECRETS[0], clock=lambda: None),
    "a bad tolerance": lambda: verify(signed_headers(), BODY, secret=SECRETS[0], tolerance=-1),
    "no clock": lambda: verify(signed_headers(), BODY, secret=SECRETS[0], clock=5),
    "quoted": lambda: Webhook(f'"{SECRETS[0]}"'),
    "cut": lambda: Webhook(SECRETS[0][:-4]),
    "one character off": lambda: Webhook(SECRETS[0][:-1] + "!"),
    "one good, one bad": lambda: Webhook([SECRETS[0], f"v1,{SECRETS[1]}"]),
    "one good, one None": lambda: verify({}, b"", secret=[SECRETS[0], None]),
    "bytes, cut": lambda: verify({}, b"", secret=SECRETS[0].encode()[:-4]),
    "environment": lambda: verify({}, b""),
    "signing nothing": lambda: Webhook(SECRETS[0]).sign("a.b", 1, BODY),
}


def spellings_of(secret: str) -> list[str]:
    """The secret, most of it, its key, and the signature that it would have given."""
    key = key_of(secret)
    expected = sign(BODY, secret=secret)
    return [
        secret[6:],
        secret[6:-5],
        repr(key)[2:-1],
        key.hex(),
        expected[3:],
        repr(base64.b64decode(expected[3:]))[2:-1],
    ]


def frames_of(error: BaseException):
    for trace in (error, error.__cause__, error.__context__):
        frame = trace.__traceback__ if trace else None
        while frame:
            yield frame.tb_frame
            frame = frame.tb_next


def seen_by_a_tracker(value: object, depth: int = 4) -> str:
    """What an error tracker would record of a local variable: its repr, and that of all that hangs from it."""
    seen = [repr(value)]
    if depth:
        if isinstance(value, dict):
            seen += [seen_by_a_tracker(each, depth - 1) for each in value.values()]
        elif isinstance(value, (list, tuple, set)):
            seen += [seen_by_a_tracker(each, depth - 1) for each in value]
        seen += [seen_by_a_tracker(each, depth - 1) for each in getattr(value, "__dict__", {}).values()]
    return "\n".join(seen)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_a_check_that_fails_leaves_no_secret_in_any_frame_of_ours(check, monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", f"{SECRET},'{OTHER_SECRET}")
    with pytest.raises((WebhookError, TypeError, ValueError)) as caught:
        check()
    ours = [frame for frame in frames_of(caught.value) if frame.f_code.co_filename.startswith(PACKAGE)]
    assert ours, "the error came out of the package"
    for frame in ours:
        recorded = seen_by_a_tracker(
            {name: value for name, value in frame.f_locals.items() if name not in {"headers", "body"}}
        )
        for secret in (SECRET, OTHER_SECRET):
            for spelling in spellings_of(secret):
                assert spelling not in recorded, f"{frame.f_code.co_name} keeps it"


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_nor_in_the_error_its_pickle_or_the_log(check, monkeypatch, caplog):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", f"{SECRET},'{OTHER_SECRET}")
    with pytest.raises((WebhookError, TypeError, ValueError)) as caught:
        check()
    error = caught.value
    logging.getLogger("app").error("refused", exc_info=error)
    assert "Traceback" in caplog.text
    told = [str(error), repr(error), str(vars(error)), caplog.text, repr(pickle.dumps(error))]
    told += ["".join(traceback.format_exception_only(error))]
    for secret in (SECRET, OTHER_SECRET):
        for spelling in spellings_of(secret):
            assert all(spelling not in text for text in told)


def test_the_test_above_would_notice():
    def leaks(secret):
        kept = [secret]
        raise ValueError(len(kept))

    with pytest.raises(ValueError) as caught:  # noqa: PT011
        leaks(SECRET)
    assert SECRET in "".join(seen_by_a_tracker(frame.f_locals) for frame in frames_of(caught.value))


def test_a_webhook_shows_neither_secret_nor_key():
    webhook = Webhook([SECRET, OTHER_SECRET])
    shown = repr(webhook) + str(webhook) + seen_by_a_tracker(vars(webhook)) + f"{webhook.fingerprints}"
    for secret in (SECRET, OTHER_SECRET):
        for spelling in spellings_of(secret):
            assert spelling not in shown


def test_a_webhook_does_not_even_keep_them():
    key = bytes(range(100, 132))
    webhook = Webhook("whsec_" + base64.b64encode(key).decode())
    reachable, seen = [webhook], set()
    while reachable:
        thing = reachable.pop()
        if id(thing) in seen or isinstance(thing, type | type(sys)):
            continue
        seen.add(id(thing))
        assert not (isinstance(thing, bytes) and key in thing)
        reachable += [each for each in gc.get_referents(thing) if not callable(each)]


def test_a_delivery_and_an_event_show_no_body():
    body = b'{"type":"user.created","data":{"id":"user_1","first_name":"Ada"}}'
    event = verify(signed_headers(body), body, secret=SECRET, clock=now)
    assert event.data.full_name == "Ada"
    assert "Ada" not in repr(event) + repr(event.delivery) + repr(event.data)
