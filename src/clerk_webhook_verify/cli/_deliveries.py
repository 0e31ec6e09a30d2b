"""Options for stored deliveries: a file of them, or the parts of one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from ._options import UsageError, check_no_secret, file_argument, read_file
from .captures import Capture as Capture, read_captures

INPUTS = """\
A delivery is read from FILE, also written @FILE, or - for the standard input:

  NDJSON      stored by listen --save or Clerk's own command, one per line
  raw HTTP    POST /webhooks/clerk HTTP/1.1, headers, an empty line, the body
  curl        a command copied from a dashboard or browser, on Windows too;
              it is never run
  HAR         exported by a browser, a proxy or an inspector
  other JSON  from ngrok, Hookdeck or webhook.site, or a Lambda event"""


def add_capture_options(parser: ArgumentParser) -> None:
    """Add a file of stored deliveries, as ``FILE`` or ``--delivery``."""
    parser.add_argument(
        "file", nargs="?", type=file_argument, metavar="FILE|-", help="stored deliveries, the same as --delivery"
    )
    parser.add_argument("--delivery", type=file_argument, metavar="FILE|-", help="stored deliveries")


def captures_from_args(arguments: Namespace) -> list[Capture]:
    """Return the deliveries in the file that the arguments name, at least one."""
    files = [file for file in (arguments.file, arguments.delivery) if file is not None]
    if len(files) != 1:
        raise UsageError("pass the stored deliveries once, as FILE or as --delivery FILE")
    return read_captures(read_file(files[0], "--delivery" if arguments.delivery else "FILE"))


def add_delivery_options(parser: ArgumentParser) -> None:
    """Add ``FILE`` and ``--delivery``, and ``--payload`` with the three headers."""
    add_capture_options(parser)
    group = parser.add_argument_group("the parts of one delivery")
    group.add_argument("--payload", type=file_argument, metavar="FILE|-", help="only the raw body, byte for byte")
    group.add_argument("--id", metavar="MSG", help="with --payload: the header svix-id")
    group.add_argument("--timestamp", metavar="UNIX", help="with --payload: the header svix-timestamp")
    group.add_argument("--signature", metavar="SIG", help="with --payload: the header svix-signature")


def deliveries_from_args(arguments: Namespace) -> list[Capture]:
    """Return the deliveries that the arguments name, at least one."""
    parts = {name: getattr(arguments, name) for name in ("id", "timestamp", "signature")}
    for name, value in parts.items():
        check_no_secret(value or "", f"--{name}")
    is_stored = arguments.delivery is not None or arguments.file is not None
    if is_stored == (arguments.payload is not None):
        raise UsageError("pass either --delivery, or --payload with --id, --timestamp and --signature")
    if is_stored:
        if any(value is not None for value in parts.values()):
            raise UsageError("--id, --timestamp and --signature go with --payload; --delivery has its own headers")
        return captures_from_args(arguments)
    body = read_file(arguments.payload, "--payload")
    return [Capture([(f"svix-{name}", value) for name, value in parts.items() if value is not None], body)]
