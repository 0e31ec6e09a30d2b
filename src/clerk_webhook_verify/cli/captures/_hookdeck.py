"""Hookdeck's events and requests, as its API and its command line show them: https://hookdeck.com/docs/api."""

from __future__ import annotations

from typing import Any

from ._capture import Capture, body_of, header_pairs, unix_seconds


def find_requests(export: dict[str, Any]) -> list[Any] | None:
    """Return the list of events or requests; None if it is something else."""
    models = export.get("models")
    return models if isinstance(models, list) else None


def read(record: dict[str, Any]) -> Capture | None:
    """Read ``{"created_at": ..., "data": {"headers": {...}, "body": ...}}``. Hookdeck parses a body of JSON.

    Raises:
        UsageError: It is broken. The text continues "request 3 ...".
    """
    data = record.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("headers"), dict) or "body" not in data:
        return None
    headers = header_pairs(data["headers"])
    return Capture(
        headers, body_of(data["body"], headers), unix_seconds(record.get("ingested_at") or record.get("created_at"))
    )
