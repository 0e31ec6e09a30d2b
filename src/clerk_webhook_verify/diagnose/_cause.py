"""A cause: its code, its fix and the probe that finds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from ..errors import SignatureMismatchError, WebhookError
from ._delivery import RejectedDelivery

Confidence: TypeAlias = Literal["confirmed", "likely", "by_elimination"]

#: The surest first.
CONFIDENCES: tuple[Confidence, ...] = get_args(Confidence)


@dataclass(frozen=True)
class Finding:
    """What a probe found."""

    confidence: Confidence

    evidence: str
    """Never contains the secret, the expected signature or the body."""


#: Returns None if the cause does not explain why the delivery was rejected.
Probe: TypeAlias = Callable[[RejectedDelivery], Finding | None]


@dataclass(frozen=True)
class Cause:
    """One entry of a :class:`CauseTable`."""

    code: str
    """Stable, since people match on it."""

    fix: str

    probe: Probe

    explains: tuple[type[WebhookError], ...]
    """The errors of the strict check for which the probe runs."""


class CauseTable:
    """Causes in the order in which they are probed."""

    def __init__(self) -> None:
        self._causes: list[Cause] = []

    def __iter__(self) -> Iterator[Cause]:
        return iter(self._causes)

    def add(
        self, code: str, *, fix: str, explains: tuple[type[WebhookError], ...] = (SignatureMismatchError,)
    ) -> Callable[[Probe], Probe]:
        """Decorate the probe of a cause."""

        def register(probe: Probe) -> Probe:
            self._causes.append(Cause(code, fix, probe, explains))
            return probe

        return register
