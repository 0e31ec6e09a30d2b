"""``listen``: receive deliveries on this machine, behind a tunnel."""

from __future__ import annotations

import re
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack

from ..._webhook import Webhook
from .._http import Target
from .._options import UsageError, add_secret_options, check_no_secret, file_argument, secrets_from_args
from .._terminal import escape_control_chars, print_result, print_status
from ._capture_file import open_capture_file
from ._receiver import Receiver, fingerprints_of
from ._request import RequestHandler

_PATH = re.compile(r"/[!-~]*")


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
    parser.add_argument("--json", action="store_true", help="one JSON object per delivery")


def run(arguments: Namespace) -> int:
    """Receive until Ctrl-C."""
    webhook = Webhook(secrets_from_args(arguments))
    target = None if arguments.forward_to is None else Target(arguments.forward_to)
    if target is None and arguments.forward_unverified:
        raise UsageError("--forward-unverified goes with --forward-to")
    for option in "host", "path", "save", "forward_to":
        check_no_secret(getattr(arguments, option) or "", f"--{option.replace('_', '-')}")
    if not _PATH.fullmatch(arguments.path) or "?" in arguments.path:
        raise UsageError("--path should begin with / and contain only ASCII without space and ?")
    with ExitStack() as opened:
        receiver = opened.enter_context(_bind(arguments, webhook, target))
        if arguments.save is not None:
            receiver.capture_file = opened.enter_context(open_capture_file(arguments.save))
        if target is not None and target.port == receiver.server_port and receiver.is_reached_by(target):
            raise UsageError("--forward-to leads to listen itself: pass another --port")
        announce = print_status if arguments.json else print_result
        announce(f"listening on http://{escape_control_chars(arguments.host)}:{receiver.server_port}{receiver.path}")
        if target is not None:
            print_status(f"forwarding to {escape_control_chars(target.url)}; {fingerprints_of(webhook)}")
        receiver.serve_forever()
    return 1  # the standard output was closed; Ctrl-C is an exception


def _bind(arguments: Namespace, webhook: Webhook, target: Target | None) -> Receiver:
    """Return a receiver that is bound to its port: from now on, deliveries wait."""
    host, port = arguments.host, arguments.port
    if not host:
        raise UsageError("--host is empty: for every address of this machine pass 0.0.0.0")
    if not 0 <= port <= 65_535:
        raise UsageError("--port takes 0 to 65535")
    try:
        return Receiver(arguments, webhook, target, RequestHandler)
    except (OSError, TypeError) as error:  # TypeError: NUL in the name
        reason = getattr(error, "strerror", None) or "not a host name"
        raise UsageError(
            f"port {port} of {escape_control_chars(host)!r} is not available: {reason}: pass another --port"
        ) from None
