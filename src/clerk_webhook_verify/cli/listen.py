"""``listen``: receive deliveries on this machine, behind a tunnel."""

from __future__ import annotations

import os
import re
import stat
from argparse import ArgumentParser, Namespace
from collections import deque
from contextlib import ExitStack
from functools import partial
from io import FileIO

from .._webhook import Webhook
from ._http import Target
from ._options import UsageError, add_secret_options, file_argument, file_error, secrets_from_args
from ._server import Receiver, fingerprints_of
from ._terminal import escape_control_chars, print_result, print_status

#: The beginning of a line that only ``delivery_line()`` writes, and what may follow.
_OWN_RECORD = re.compile(
    rb'\{"type": "event", "received_at": \d+\.\d+, "valid": (?:true|false), "code": (?:null|"\w+"), "svix_id": "[ -~]*'
)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Receives deliveries on this machine until Ctrl-C: verifies each, prints a line about it, stores it and\n"
        "forwards it to your app. Point a tunnel at it (Hookdeck, ngrok, Clerk's relay), and Clerk at the tunnel.\n"
        "Without --forward-to it responds with 204 to a valid delivery, and with 400 to a rejected one."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify listen --save capture.ndjson
  clerk-webhook-verify listen --port 4000 --forward-to http://localhost:3000/webhooks/clerk"""
    parser.add_argument("--port", type=int, default=3000, help="where to listen; 0: any free port (default: 3000)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1)")
    parser.add_argument("--path", default="/webhooks/clerk", help="where deliveries go (default: /webhooks/clerk)")
    parser.add_argument(
        "--forward-to", "--to", metavar="URL", help="forward valid deliveries there, and return its response"
    )
    parser.add_argument("--forward-unverified", action="store_true", help="with --forward-to: rejected ones too")
    parser.add_argument(
        "--save",
        type=file_argument,
        metavar="FILE",
        help="append each delivery, for verify, diagnose and replay; without Cookie and such",
    )
    add_secret_options(parser)


def run(arguments: Namespace) -> int:
    """Receive until Ctrl-C."""
    webhook = Webhook(secrets_from_args(arguments))
    target = None if arguments.forward_to is None else Target(arguments.forward_to)
    if target is None and arguments.forward_unverified:
        raise UsageError("--forward-unverified goes with --forward-to")
    if not re.fullmatch(r"/[!->@-~]*", arguments.path):
        raise UsageError("--path should begin with / and contain only ASCII without space and ?")
    with ExitStack() as opened:
        receiver = opened.enter_context(_bind(webhook, arguments.host, arguments.port, arguments.path))
        receiver.target, receiver.forward_unverified = target, arguments.forward_unverified
        receiver.as_json = arguments.json
        if arguments.save is not None:
            receiver.save = partial(_append_line, opened.enter_context(_open_capture_file(arguments.save)))
        if target is not None and target.port == receiver.server_port and receiver.is_reached_by(target):
            raise UsageError("--forward-to leads to listen itself: pass another --port")
        announce = print_status if arguments.json else print_result
        announce(f"listening on http://{escape_control_chars(arguments.host)}:{receiver.server_port}{receiver.path}")
        if target is not None:
            print_status(f"forwarding to {escape_control_chars(target.url)}; {fingerprints_of(webhook)}")
        receiver.serve_forever()
    return 1  # the standard output was closed; Ctrl-C is an exception


def _bind(webhook: Webhook, host: str, port: int, path: str) -> Receiver:
    """Return a receiver that is bound to its port: from now on, deliveries wait."""
    if not host:
        raise UsageError("--host is empty: for every address of this machine pass 0.0.0.0")
    if not 0 <= port <= 65_535:
        raise UsageError("--port takes 0 to 65535")
    try:
        return Receiver(webhook, host, port, path)
    except (OSError, TypeError) as error:  # TypeError: NUL in the name
        reason = getattr(error, "strerror", None) or "not a host name"
        raise UsageError(
            f"port {port} of {escape_control_chars(host)!r} is not available: {reason}: pass another --port"
        ) from None


def _open_capture_file(path: str) -> FileIO:
    """Open the file of ``--save`` to append, unbuffered; raise a UsageError if others could read it."""
    try:
        file = open(path, "a+b", buffering=0, opener=partial(os.open, mode=0o600))  # noqa: SIM115
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


def _append_line(file: FileIO, line: str) -> None:
    """Append a delivery in one write, or print why that fails."""
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
