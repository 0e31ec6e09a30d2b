"""For the tests of your handlers: sample payloads, typed events, signed requests and a clock that stands still.

Nothing here needs a network, a test runner or another package.
"""

from __future__ import annotations

import json
import time
from base64 import b64encode
from dataclasses import asdict, dataclass, fields, is_dataclass
from difflib import get_close_matches
from itertools import count
from os import urandom
from threading import Barrier, Thread
from typing import Any, Literal, TypeVar, get_args

from ._delivery import Delivery
from ._samples import sample_payload
from ._secret import Secret
from ._webhook import Webhook
from .events import Event
from .events._catalog import EVENTS, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .events import EventType
    from .idempotency import Store

#: What :func:`signed_request` can get wrong. Every one of them is refused.
Fault = Literal[
    "tampered",  # the body was changed after it was signed
    "reserialized",  # the body was parsed and dumped again
    "stale",  # genuine, an hour old
    "future",  # genuine, from an hour ahead
    "other_secret",  # signed under a secret that the receiver does not have
    "several_signatures",  # several, of several versions and secrets, and none of them fits
    "asymmetric_only",  # no v1 signature, only one of another version
    "other_message_id",  # the id of another message
    "milliseconds",  # the timestamp is not in seconds
    "missing_header",  # no signature header
    "duplicate_header",  # the id twice, under two spellings
    "mixed_families",  # the signature under the name of the other family
    "empty_body",  # the body was lost on the way
    "not_json",  # genuine, but no event
]

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class SignedRequest:
    """What to send: exactly these headers and exactly these bytes, with any client."""

    headers: dict[str, str]
    body: bytes


class FrozenClock:
    """A clock for ``Webhook(clock=...)`` that moves only when it is told to.

    Args:
        now: Unix seconds; None is now.
    """

    def __init__(self, now: float | None = None) -> None:
        self.now = float(int(time.time()) if now is None else now)  #: Unix seconds.

    def __call__(self) -> float:
        """The time that it stands at, in Unix seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on, or back where *seconds* is negative."""
        self.now += seconds


def generate_secret() -> str:
    """A fresh signing secret of 24 random bytes, as Clerk's dashboard would show it."""
    return "whsec_" + b64encode(urandom(24)).decode()


def sample(event_type: EventType, /, **overrides: object) -> dict[str, Any]:
    """A realistic payload, as Clerk would send it.

    Args:
        event_type: ``user.created`` or any other type that this version knows.
        overrides: Replace fields of ``data``, in the form that JSON has them.
    Returns:
        A fresh dict: ``type``, ``data``, ``timestamp`` and the rest of the envelope.
    Raises:
        ValueError: Nobody knows that type; names those that come near.
        TypeError: An override names no field of that type's data; names those that come near.

    >>> sample("user.created", first_name="Grace")["data"]["first_name"]
    'Grace'
    """
    if event_type not in EVENTS:
        raise ValueError(f"there is no event type {event_type!r}{_near(event_type, EVENTS)}")
    names = [field.name for field in fields(load(load(EVENTS[event_type][1]).__annotations__["data"]))]
    for name in overrides:
        if name not in names:
            raise TypeError(f"the data of {event_type} has no field {name!r}{_near(name, names)}")
    payload = sample_payload(event_type)
    payload["data"].update(overrides)
    return payload


def make_event(event_class: type[E], /, **overrides: object) -> E:
    """A typed event with realistic data, for a handler that is called with one.

    Args:
        event_class: ``UserCreated`` or any other class of :mod:`.events` that stands for a type.
        overrides: Replace fields of ``data``, in the form that JSON has them or as data classes.
    Raises:
        TypeError: The class stands for no type, or an override names no field of its data.

    >>> from .events import UserCreated
    >>> make_event(UserCreated, first_name="Grace").data.first_name
    'Grace'
    """
    event_type = next((each for each, (_, name) in EVENTS.items() if name == event_class.__name__), None)
    if event_type is None:
        raise TypeError(f"{event_class.__name__} stands for no event type: pass a class such as UserCreated")
    return _delivered(sample(event_type, **overrides)).parse()  # type: ignore[arg-type,return-value]


def signed_request(
    type_or_payload: EventType | dict[str, Any] | bytes,
    /,
    *,
    secret: Secret | None = None,
    message_id: str | None = None,
    timestamp: int | None = None,
    family: Literal["svix", "webhook"] = "svix",
    fault: Fault | None = None,
) -> SignedRequest:
    """A signed delivery: headers and body together, since a client that dumps JSON itself would break the signature.

    Args:
        type_or_payload: An event type for its :func:`sample`, a payload, or the raw body.
        secret: Signs; of several the first. None reads the environment, as ``Webhook()`` does.
        message_id: None makes a fresh one.
        timestamp: Unix seconds; None is now.
        family: Which names the headers have: Clerk's ``svix-*``, or ``webhook-*`` of Standard Webhooks.
        fault: What to get wrong, so that a receiver must refuse it: one of :data:`Fault`.
    Raises:
        ValueError: There is no such type, family or fault.
        InvalidSecretError: There is no secret, or it is none.
    """
    if family not in ("svix", "webhook"):
        raise ValueError(f"there is no header family {family!r}: svix or webhook")
    if fault is not None and fault not in get_args(Fault):
        raise ValueError(f"there is no fault {fault!r}{_near(fault, get_args(Fault))}")
    if isinstance(type_or_payload, bytes):
        body = type_or_payload
    else:
        body = _encoded(sample(type_or_payload) if isinstance(type_or_payload, str) else type_or_payload)
    if fault == "not_json":
        body = body[:-1]
    signer = Webhook(generate_secret() if fault == "other_secret" else secret)
    now = int(time.time()) if timestamp is None else timestamp
    signed_at = now + {"stale": -3600, "future": 3600}.get(fault or "", 0)
    headers = signer.signed_headers(body, message_id=message_id, timestamp=signed_at)
    headers = {name.replace("svix", family): value for name, value in headers.items()}
    body = _break(headers, body, family, fault)
    return SignedRequest({"content-type": "application/json", **headers}, body)


def _break(headers: dict[str, str], body: bytes, family: str, fault: Fault | None) -> bytes:
    """Get *fault* wrong in a request that is signed already; gives the body to send."""
    signature = headers[f"{family}-signature"]
    if fault == "tampered":
        return body + b" "
    if fault == "reserialized":
        return json.dumps(json.loads(body), indent=1).encode()
    if fault == "empty_body":
        return b""
    if fault == "several_signatures":
        stranger = Webhook(generate_secret()).sign("msg_1", 0, body)
        headers[f"{family}-signature"] = f"{stranger} v1a,{signature[3:]} {signature[:-2]}"
    elif fault == "asymmetric_only":
        headers[f"{family}-signature"] = f"v1a,{signature[3:]}"
    elif fault == "other_message_id":
        headers[f"{family}-id"] += "x"
    elif fault == "milliseconds":
        headers[f"{family}-timestamp"] += "000"
    elif fault == "missing_header":
        del headers[f"{family}-signature"]
    elif fault == "duplicate_header":
        headers[f"{family}-id".title()] = headers[f"{family}-id"]
    elif fault == "mixed_families":
        headers["webhook-signature" if family == "svix" else "svix-signature"] = headers.pop(f"{family}-signature")
    return body


def _encoded(payload: object) -> bytes:
    """JSON as Clerk writes it: compact, in UTF-8."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"a payload holds what JSON can hold, not {type(value).__name__}")


def _delivered(payload: dict[str, Any]) -> Delivery:
    return Delivery("msg_sample", payload["timestamp"] // 1000, _encoded(payload), "000000000000")


def _near(name: str, names: Any) -> str:
    near = get_close_matches(name, names, n=3)
    return f": did you mean {' or '.join(near)}?" if near else ""


def check_store(make_store: Callable[[], Store]) -> None:
    """Hold a store of your own to the contract of :class:`clerk_webhook_verify.idempotency.Store`.

    It takes about a second, and leaves some keys behind that begin with ``check:``.

    Args:
        make_store: Returns the store: the same one, or another one that remembers in the same place.
    Raises:
        AssertionError: The store breaks the contract; says how.
    """
    from .idempotency import Outcome  # which loads asyncio and sqlite3: most tests need neither

    store, run = make_store(), urandom(8).hex()
    long, short, ages = 60.0, 0.05, 3600.0
    keys = (f"check:{run}:{number}" for number in count())

    def check(holds: bool, what: str) -> None:
        if not holds:
            raise AssertionError(f"the store breaks its contract: {what}")

    key = next(keys)
    check(store.claim(key, "a", long) is None, "a key that nobody has must be taken")
    check(store.claim(key, "b", long) is Outcome.IN_PROGRESS, "a key that another has must be IN_PROGRESS")
    check(make_store().claim(key, "b", long) is Outcome.IN_PROGRESS, "all stores must remember in the same place")
    check(store.claim(next(keys), "b", long) is None, "keys must not be in each other's way")
    check(store.complete(key, "b", ages) is False, "who does not have a key must not complete it")
    store.release(key, "b")
    check(store.claim(key, "b", long) is Outcome.IN_PROGRESS, "who does not have a key must not release it")
    check(store.complete(key, "a", ages) is True, "the owner must complete its key")
    check(store.claim(key, "b", long) is Outcome.DUPLICATE, "what is done must be a DUPLICATE")
    store.release(key, "a")
    check(store.claim(key, "b", long) is Outcome.DUPLICATE, "what is done must stay so when its owner releases it")
    check(store.complete(key, "b", ages) is False, "what is done must not be completed by another")
    store.forget(key)
    check(store.claim(key, "b", long) is None, "what is forgotten must be free")
    store.release(key, "b")
    check(store.claim(key, "c", long) is None, "what its owner released must be free")
    store.forget(key)
    check(store.complete(key, "c", ages) is True, "who had a key that nobody has now must complete it")
    check(store.claim(key, "d", long) is Outcome.DUPLICATE, "what was completed so must be a DUPLICATE")

    late, lost, kept = next(keys), next(keys), next(keys)
    for each in (late, lost):
        check(store.claim(each, "a", short) is None, "a key that nobody has must be taken")
    store.claim(kept, "a", long)
    store.complete(kept, "a", short)
    time.sleep(4 * short)
    check(store.complete(late, "a", ages) is True, "a late owner must complete a key that nobody took")
    check(store.claim(late, "b", long) is Outcome.DUPLICATE, "what was completed late must be a DUPLICATE")
    check(store.claim(lost, "b", long) is None, "a key whose lease ran out must be free")
    check(store.complete(lost, "a", ages) is False, "a late owner must not complete what another took")
    store.release(lost, "a")
    check(store.claim(lost, "c", long) is Outcome.IN_PROGRESS, "a late owner must not release what another took")
    check(store.claim(kept, "b", long) is None, "a done mark must end with its retention")

    contested = [next(keys) for _ in range(50)]
    winners: list[str] = []
    start = Barrier(8)

    def race(owner: str) -> None:
        own = make_store()
        start.wait()
        winners.extend(each for each in contested if own.claim(each, owner, long) is None)

    threads = [Thread(target=race, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check(sorted(winners) == sorted(contested), "of several that race for a key exactly one must get it")
