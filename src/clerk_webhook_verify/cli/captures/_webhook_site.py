"""webhook.site's requests, ``https://webhook.site/token/ID/requests``: https://docs.webhook.site/api/requests.html."""

from __future__ import annotations

from typing import Any

from ._capture import Capture, body_of, header_pairs, unix_seconds


def find_requests(export: dict[str, Any]) -> list[Any] | None:
    """Return the list of requests; None if it is something else."""
    data = export.get("data")
    return data if isinstance(data, list) else None


def read(record: dict[str, Any]) -> Capture | None:
    """Read ``{"content": "...", "headers": {"svix-id": ["..."]}, "created_at": "2026-01-31 12:00:00"}``.

    Raises:
        UsageError: It is broken. The text continues "request 3 ...".
    """
    if "content" not in record or not isinstance(record.get("headers"), dict):
        return None
    headers = header_pairs(record["headers"])
    return Capture(headers, body_of(record["content"], headers), unix_seconds(record.get("created_at")))
