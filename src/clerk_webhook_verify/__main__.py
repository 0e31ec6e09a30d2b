"""``python -m clerk_webhook_verify``: the command line."""

from .cli import main

raise SystemExit(main())
