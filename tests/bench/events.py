"""Compare typed events with json.loads, pydantic and msgspec, and check that the cost is linear.

    python tests/bench/events.py

pydantic and msgspec read the same bytes into models that are generated from the library's classes, with optional
fields. They check types; the library deliberately does not, because it must not reject a valid event.
"""

import gc
import json
import sys
from collections.abc import Callable
from functools import partial
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pydantic
from core import LIBRARY, SVIX, Table, medians, request_headers

from clerk_webhook_verify import Delivery
from clerk_webhook_verify.events import EVENT_TYPES, EventAttributes, Record
from clerk_webhook_verify.testing.samples import sample_payload

models: dict[tuple[str, type], Any] = {}


def model(kind: str, cls: type) -> Any:
    """Return the pydantic or msgspec model with the fields of an event class."""
    if (kind, cls) not in models:
        shape = {name: model_type(kind, hint) | None for name, hint in get_type_hints(cls).items()}
        if kind == "pydantic":
            fields = {name: (typed, None) for name, typed in shape.items()}
            models[kind, cls] = pydantic.create_model(cls.__name__, **fields)
        else:
            models[kind, cls] = msgspec.defstruct(cls.__name__, [(name, typed, None) for name, typed in shape.items()])
    return models[kind, cls]


def model_type(kind: str, hint: Any) -> Any:
    if get_origin(hint) is UnionType:
        return model_type(kind, get_args(hint)[0])
    if get_origin(hint) is tuple:
        return tuple[model_type(kind, get_args(hint)[0]), ...]
    return model(kind, hint) if isinstance(hint, type) and issubclass(hint, Record) else hint


def envelope(kind: str, data: type) -> Any:
    shape = {
        "type": str,
        "data": model(kind, data),
        "timestamp": int,
        "instance_id": str,
        "event_attributes": model(kind, EventAttributes),
    }
    if kind == "pydantic":
        return pydantic.create_model("Event", **{name: (typed, ...) for name, typed in shape.items()})
    return msgspec.defstruct("Event", list(shape.items()))


def largest_of_each_family() -> dict[str, bytes]:
    largest: dict[str, tuple[str, bytes]] = {}
    for event_type, event_class in EVENT_TYPES.items():
        body = json.dumps(sample_payload(event_type), separators=(",", ":"), ensure_ascii=False).encode()
        if len(body) > len(largest.get(event_class.__module__, ("", b""))[1]):
            largest[event_class.__module__] = event_type, body
    return dict(largest.values())


def readers_of(event_type: str, body: bytes) -> list[Callable[[], object]]:
    delivery = Delivery("msg_1", 1, body, "0")
    data = get_type_hints(EVENT_TYPES[event_type])["data"]
    validate = envelope("pydantic", data).model_validate_json
    decode = msgspec.json.Decoder(envelope("msgspec", data)).decode
    return [delivery.parse, lambda: json.loads(body), lambda: validate(body), lambda: decode(body)]


def decoding() -> None:
    print(f"{'parse, µs':<36} {'bytes':>6} {'library':>10} {'json.loads':>10} {'pydantic':>10} {'msgspec':>10}")
    for event_type, body in largest_of_each_family().items():
        figures = medians(*readers_of(event_type, body), calls=200, rounds=31)
        print(f"{event_type:<36} {len(body):>6} " + " ".join(f"{figure:>10.1f}" for figure in figures))


def the_most_nested(table: Table) -> None:
    body = json.dumps(sample_payload("paymentAttempt.updated"), separators=(",", ":"), ensure_ascii=False).encode()
    headers = request_headers(body)
    library, theirs = medians(
        lambda: LIBRARY.verify(headers, body), lambda: (SVIX.verify(body, headers), json.loads(body)), calls=200
    )
    table.head(f"verify to the typed event, {len(body):,} bytes of paymentAttempt.updated, the most nested")
    table.row("theirs: svix + json.loads", library, theirs, 1.35)


def unknown_keys(count: int) -> dict[str, Any]:
    return {f"key{number}": number for number in range(count)}


def addresses(count: int) -> dict[str, Any]:
    return {"email_addresses": sample_payload("user.created")["data"]["email_addresses"][:1] * count}


def growth() -> None:
    """With the collector off: full collections, which any parser of large JSON sets off, grow faster than the input."""
    print(f"\n{'parse, ms, beside json.loads':<36} {'25,000':>16} {'50,000':>16} {'100,000':>16}")
    gc.disable()
    for name, make in {"unknown keys": unknown_keys, "e-mail addresses": addresses}.items():
        figures = []
        for count in (25_000, 50_000, 100_000):
            body = json.dumps({"type": "user.created", "data": make(count)}).encode()
            figures.append(medians(Delivery("msg_1", 1, body, "0").parse, partial(json.loads, body), calls=1, rounds=5))
        print(f"{name:<36} " + " ".join(f"{library / 1e3:>7.1f} {theirs / 1e3:>8.1f}" for library, theirs in figures))
    gc.enable()


def main() -> int:
    table = Table()
    decoding()
    the_most_nested(table)
    growth()
    print(f"\n{table.over} over their limit")
    return 1 if table.over else 0


if __name__ == "__main__":
    sys.exit(main())
