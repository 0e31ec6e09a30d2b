"""Findings about an application that rejects the good delivery, or fails."""

from __future__ import annotations

from ._deliveries import BAD, RESERIALIZED, SHIFTED
from ._evidence import Evidence
from ._finding import FindingTable

findings = FindingTable()


@findings.add(
    "handler_fails",
    fix="The application fails at a good delivery, which Clerk retries for more than a day. Read its log.",
)
def handler_fails(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.status(name) >= 500


@findings.add(
    "clock_differs",
    fix="The signature matches, but the application's clock differs from this machine's: {clock}. Synchronize the one "
    "that is wrong (Linux: timedatectl set-ntp true; restart a container or virtual machine that was suspended), and "
    "compare timestamps as Unix seconds, never as local time.",
)
def clock_differs(evidence: Evidence, name: str) -> bool:
    if not evidence.rejects_good():
        return False
    if name == "stale":
        return evidence.accepts("stale")
    return name == "good" and (
        evidence.accepts("stale") or evidence.accepted_probe() in SHIFTED or evidence.names_clock()
    )


@findings.add(
    "verifies_reserialized",
    fix="The application verifies other bytes than arrive. It rejects the good delivery and accepts the same one "
    "{probe}: the handler, or a middleware before it, parses the JSON and dumps it again, or decodes the body in "
    "another charset. Pass the raw body to Webhook.verify (Flask: request.get_data(), FastAPI and Starlette: await "
    "request.body(), Django: request.body). If an adapter reads it, exempt this route from the middleware.",
)
def verifies_reserialized(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.accepted_probe() in RESERIALIZED


@findings.add(
    "reads_webhook_names",
    fix="The good delivery is accepted with the headers webhook-id, webhook-timestamp and webhook-signature, but Clerk "
    "sends svix-id, svix-timestamp and svix-signature. These do not arrive, or are not read: check that no proxy "
    "removes or renames them, and pass all headers to Webhook.verify.",
)
def reads_webhook_names(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.accepted_probe() == "webhook-names"


@findings.add(
    "headers_do_not_arrive",
    fix="The headers svix-id, svix-timestamp and svix-signature do not arrive as they were sent: a proxy or CDN in "
    "front of the application removes, renames or repeats them. Let it pass all headers (CloudFront: origin request "
    "policy AllViewer), and read them by these names. The application's log says missing_header or malformed_header "
    "for the good delivery, and which headers there are. If it says signature_mismatch and you have raised max_body, "
    "they do arrive, and the secret is another one.",
)
def headers_do_not_arrive(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.rejects_good() and evidence.misses_headers()


@findings.add(
    "other_secret",
    fix="The application has another one of the secrets that you passed, not the first: {probe}. Remove those that are "
    "not this endpoint's.",
)
def other_secret(evidence: Evidence, name: str) -> bool:
    return name == "good" and (evidence.accepted_probe() or "").startswith("secret-")


@findings.add(
    "event_refused",
    fix="The signature seems to pass, as a forged delivery is answered otherwise, but the handler does not answer 2xx. "
    "Answer 204 to types that it does not handle, or try --type with one that it does.",
    is_vague=True,
)
def event_refused(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.rejects_good() and evidence.differs("forged", "good")


@findings.add(
    "signature_refused",
    fix="A good delivery is rejected like a forged one. Most likely the application has another secret than this "
    "command, whose fingerprint is {fingerprint}: compare it with those in the application's log. If the log says "
    "otherwise for this message id: after missing_header, look for a proxy that removes headers; after "
    "timestamp_too_old or timestamp_too_new, at the clock; after a code that begins with body_, for middleware that "
    "reads the body first. If the secret is the same, the application verifies other bytes than arrived: capture a "
    "delivery there and run clerk-webhook-verify diagnose. If it rejects types that it does not know, try --type "
    "user.created.",
    is_vague=True,
)
def signature_refused(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.rejects_good()


@findings.add(
    "missing_headers_not_caught",
    fix="A request without the three headers crashes the application. Let Webhook.verify look them up, and answer 400 "
    "when it raises WebhookVerificationError.",
)
def missing_headers_not_caught(evidence: Evidence, name: str) -> bool:
    return name == "unsigned" and evidence.status(name) >= 500


@findings.add(
    "refusal_not_caught",
    fix="A rejected delivery crashes the application. Answer 400 when Webhook.verify raises WebhookVerificationError.",
)
def refusal_not_caught(evidence: Evidence, name: str) -> bool:
    return name in BAD and evidence.status(name) >= 500
