"""Findings about what everything depends on: signatures are checked, and the endpoint answers."""

from __future__ import annotations

from .._http import AnswerTimeoutError, UnreachableError
from ._deliveries import BAD, REAL_SIZE_NAME
from ._evidence import Evidence
from ._finding import FindingTable

_VERIFY = (
    "pass the request's headers and raw body to Webhook.verify, and answer 400 when it raises WebhookVerificationError"
)

findings = FindingTable()


@findings.add(
    "accepts_unsigned",
    fix=f"ANYONE CAN SEND YOU EVENTS: nothing is verified. Before all else {_VERIFY}. If the application's log does "
    "not show this request, something in front answers in its place: compare the URL with the application's routes.",
)
def accepts_unsigned(evidence: Evidence, name: str) -> bool:
    return name == "unsigned" and evidence.accepts(name)


@findings.add("accepts_forgery", fix=f"ANYONE CAN SEND YOU EVENTS: no signature is checked. Before all else {_VERIFY}.")
def accepts_forgery(evidence: Evidence, name: str) -> bool:
    return name == "forged" and evidence.accepts(name)


@findings.add(
    "page_answers",
    fix="A web page answers {status} to every delivery, so Clerk counts events as delivered that no handler has seen. "
    "Often it is the catch-all route of a frontend, a placeholder or a page to log in. Compare host, port and path of "
    "the URL with your handler's, and put its route before the catch-all. If your own handler returns this page, it "
    f"verifies nothing: {_VERIFY}.",
)
def page_answers(evidence: Evidence, name: str) -> bool:
    return evidence.is_page() and evidence.is_success(name)


@findings.add(
    "rejects_with_2xx",
    fix="The text rejects the delivery, but the status is {status}. Clerk counts every 2xx as delivered and does not "
    "retry, so a valid event that is rejected by mistake is lost. Answer 400 when Webhook.verify raises "
    "WebhookVerificationError.",
)
def rejects_with_2xx(evidence: Evidence, name: str) -> bool:
    return name in BAD and evidence.rejects_in_text(name)


@findings.add(
    "waits_for_body",
    fix="The application rejects a delivery without the headers at once, but waits in vain for the body of one with "
    "all headers: {reason}. Usually a middleware, a logger or an agent reads the body first and does not pass it on. "
    "Verify before anything else reads the body, or let the middleware pass it on unchanged. The application's log "
    "says body_timeout or body_incomplete.",
)
def waits_for_body(evidence: Evidence, name: str) -> bool:
    names = {"forged", name} if name in ("forged", "stale", "good") else {"unsigned"}
    return evidence.answer("unsigned") is not None and all(
        evidence.status(each) == 408 or isinstance(evidence.answers.get(each), AnswerTimeoutError) for each in names
    )


@findings.add(
    "no_answer",
    fix="{reason}. Look for this request in the application's log: a crash closes the connection. If the work takes "
    "long, answer at once and do it in the background: the sender gives up after 15 s.",
)
def no_answer(evidence: Evidence, name: str) -> bool:
    return name != REAL_SIZE_NAME and isinstance(evidence.answers[name], UnreachableError)
