"""The bytes of a fuzzer as test input, and the exception for a violated property."""

import base64
import hmac
from collections.abc import Sequence
from typing import TypeVar

from helpers.signer import BODY, MESSAGE_ID, NOW, SECRET, key_of

KEY = key_of(SECRET)
T = TypeVar("T")


class BrokenError(Exception):
    """A property is violated. Not an AssertionError, which ``python -O`` would switch off."""


def require(condition: object, problem: str) -> None:
    """Raise BrokenError with *problem* unless the condition is true."""
    if not condition:
        raise BrokenError(problem)


class Tape:
    """Bytes read from the start; zeros follow their end, so that every input is valid."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @property
    def more(self) -> bool:
        return self.at < len(self.data)

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def take(self, size: int) -> bytes:
        self.at += size
        return self.data[self.at - size : self.at]

    def pick(self, options: Sequence[T]) -> T:
        return options[self.byte() % len(options)]

    def chunk(self) -> bytes:
        return self.take(self.byte())

    def text(self) -> str:
        """Any string: invalid UTF-8 becomes lone surrogates."""
        return self.chunk().decode("utf-8", "surrogateescape")

    def rest(self) -> bytes:
        return self.take(len(self.data))


def sign(body: bytes, message_id: str = MESSAGE_ID, timestamp: object = NOW, key: bytes = KEY) -> str:
    """Sign as signer.sign() does, in a third of the time, since the fuzzer calls it millions of times."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def signed_headers(body: bytes = BODY, timestamp: object = NOW, family: str = "svix") -> dict[str, str]:
    return {
        f"{family}-id": MESSAGE_ID,
        f"{family}-timestamp": str(timestamp),
        f"{family}-signature": sign(body, timestamp=timestamp),
    }
