"""A socket that is read until a deadline."""

from __future__ import annotations

import socket
from io import RawIOBase
from time import monotonic
from typing import Any


class DeadlineReader(RawIOBase):
    """Reads a socket until a deadline, which a client that sends a byte now and then cannot postpone."""

    def __init__(self, connection: socket.socket, seconds_per_wait: float, seconds: float) -> None:
        self._connection = connection
        self._seconds_per_wait = seconds_per_wait
        self.deadline = monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* with what has arrived."""
        left = self.deadline - monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._connection.settimeout(min(left, self._seconds_per_wait))
        return self._connection.recv_into(buffer)
