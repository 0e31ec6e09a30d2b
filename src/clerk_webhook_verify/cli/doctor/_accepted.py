"""Findings about an application that accepts a delivery that it should reject, or only short ones."""

from __future__ import annotations

from ._deliveries import REAL_SIZE, REAL_SIZE_NAME
from ._evidence import Evidence
from ._finding import FindingTable

SLOW = 5.0  # seconds

findings = FindingTable()


@findings.add(
    "accepts_stale",
    fix="A delivery an hour old is accepted, so a recorded one can be played again. Check the timestamp, as "
    "Webhook.verify does with its tolerance of 300 s.",
)
def accepts_stale(evidence: Evidence, name: str) -> bool:
    return name == "stale" and evidence.accepts(name)


@findings.add(
    "accepts_doubled_header",
    fix="A delivery with two svix-id headers is accepted. A proxy and the application may read different ones: pass "
    "all headers to Webhook.verify unchanged, not as a dict.",
)
def accepts_doubled_header(evidence: Evidence, name: str) -> bool:
    return name == "duplicate-header" and evidence.accepts(name)


@findings.add(
    "body_limit",
    fix=f"A good delivery is accepted if it is short, but not if it has {REAL_SIZE // 1024} KB, as a user with much "
    "metadata has: {reason}{server}. Raise the limit of the application (max_body of the adapter, Flask: "
    "MAX_CONTENT_LENGTH, Django: DATA_UPLOAD_MAX_MEMORY_SIZE) and of what is in front (nginx: client_max_body_size; a "
    "firewall may reject more than 8 KB).",
)
def body_limit(evidence: Evidence, name: str) -> bool:
    return name == REAL_SIZE_NAME and not evidence.accepts(name)


@findings.add(
    "slow",
    fix="The answer takes longer than 5 s, and the sender gives up after 15 s. Answer at once and do the work in the "
    "background.",
)
def slow(evidence: Evidence, name: str) -> bool:
    answer = evidence.answer(name)
    return name == "good" and answer is not None and evidence.accepts(name) and answer.seconds > SLOW
