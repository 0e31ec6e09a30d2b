"""The file of ``listen --save``: one delivery per line, readable only by its owner."""

from __future__ import annotations

import os
import re
import stat
from collections import deque
from io import FileIO

from ..._rejected import delivery_line
from ...errors import WebhookVerificationError
from .._options import UsageError, file_error
from .._terminal import print_status
from ..captures import Capture

#: The beginning of a line that only ``delivery_line`` writes, and what may follow.
_OWN_RECORD = re.compile(
    rb'\{"type": "event", "received_at": \d+\.\d+, "valid": (?:true|false), "code": (?:null|"\w+"), "svix_id": "[ -~]*'
)


def open_capture_file(path: str) -> FileIO:
    """Open the file to append, unbuffered; raise a UsageError if others could read it."""
    try:
        file = open(path, "a+b", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
    except (OSError, ValueError) as error:
        raise file_error(f"--save cannot be written: {path!r}", error) from None
    mode = os.fstat(file.fileno()).st_mode
    if os.name == "posix" and stat.S_ISREG(mode) and mode & 0o077:
        try:
            os.fchmod(file.fileno(), 0o600)
        except OSError:
            file.close()
            raise UsageError(
                f"--save: others can read {path!r}, and its permissions cannot be changed: pass another file"
            ) from None
        print_status("others could read the --save file: now only you can")
    _end_last_line(file)
    return file


def _end_last_line(file: FileIO) -> None:
    """Remove the last line if it is a truncated record, or add its newline if that is missing."""
    last = b""
    if os.fstat(file.fileno()).st_size:  # 0 for a terminal or a pipe, which cannot be read
        with open(file.name, "rb") as lines:
            last = deque(lines, maxlen=1)[0]
    if not last or last.endswith(b"\n"):
        return
    if _OWN_RECORD.fullmatch(last) and not last.endswith(b"}"):
        file.truncate(os.fstat(file.fileno()).st_size - len(last))
        print_status("the last line of the --save file was truncated, as when its writer was stopped: removed")
    else:
        file.write(b"\n")


def append_delivery(file: FileIO, capture: Capture, event_type: str, error: WebhookVerificationError | None) -> None:
    """Append a delivery in one write, or print why that fails. The type is empty without a valid signature."""
    line = delivery_line(capture.headers, capture.body, capture.received_at, error, capture.message_id, event_type)
    record = line.encode() + b"\n"
    try:
        written = file.write(record)
        if written < len(record):
            _remove_last(file, written)
            print_status("a delivery was not saved: no space left on the device")
    except OSError as problem:
        print_status(f"a delivery was not saved: {problem.strerror}")


def _remove_last(file: FileIO, count: int) -> None:
    """Remove the bytes that were just written, unless another process has appended to the file since."""
    end = file.tell()
    if os.fstat(file.fileno()).st_size == end:
        file.truncate(end - count)
