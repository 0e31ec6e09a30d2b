"""``doctor``: good and bad deliveries to one's own endpoint, and what its answers mean."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from time import time
from typing import Any
from urllib.parse import urljoin

from ..testing import Fault, signed_request
from ._http import USER_AGENT, Answer, AnswerTimeoutError, Target, UnreachableError
from ._options import UsageError, add_secret_options, secrets_from_args
from ._terminal import colorize, escape_control_chars, print_json, print_result, print_status
from .send import sample_of_type

_Headers = list[tuple[str, str]]
_Answers = dict[str, Answer | UnreachableError]  # by the name of the check

GIVE_UP = 15.0  # seconds, as the sender does
SLOW = 5.0  # seconds
UNKNOWN_TYPE = "clerk_webhook_verify.doctor"

_ACCEPTED = {
    "unsigned": "accepts_unsigned",
    "forged": "accepts_forgery",
    "stale": "accepts_stale",
    "duplicate-header": "accepts_doubled_header",
}
#: What a status means that good and bad deliveries are answered with alike.
_ANSWERED_TO_ALL = {
    **dict.fromkeys((301, 302, 303, 307, 308), "redirected"),
    **dict.fromkeys((401, 403), "auth_in_front"),
    404: "not_found",
    **dict.fromkeys((405, 501), "method_not_allowed"),
    415: "unsupported_media_type",
    422: "body_model_first",
    500: "server_error",
}
#: What to do about each finding, the most urgent first.
_FIXES = {
    "accepts_unsigned": "ANYONE CAN SEND YOU EVENTS: nothing is verified. Before all else pass the request's headers "
    "and raw body to Webhook.verify, and answer 400 when it raises WebhookVerificationError.",
    "accepts_forgery": "ANYONE CAN SEND YOU EVENTS: no signature is checked. Before all else pass the request's "
    "headers and raw body to Webhook.verify, and answer 400 when it raises WebhookVerificationError.",
    "no_answer": "{reason}. Look for this request in the application's log: a crash closes the connection. Where the "
    "work takes long, answer at once and do it in the background: the sender gives up after 15 s.",
    "redirected": "The sender follows no redirect. Enter {location} in Clerk's dashboard as the endpoint's URL, slash "
    "and www included. If that is a page to log in, make the route public instead.",
    "csrf_protection": "CSRF protection refuses every delivery before it is verified. Exempt the route (Django: "
    "@csrf_exempt on the view).",
    "auth_in_front": "Something in front of the verification refuses everybody. Make the route public: no login, no "
    "CSRF protection (Django: @csrf_exempt), no firewall rule. If your own code answers a bad signature so, it has "
    "another secret than this command.",
    "not_found": "Nothing answers at this path. Compare it with the application's routes, their prefix and the slash "
    "at the end; behind a tunnel, see that it still runs.",
    "method_not_allowed": "The route does not take POST. Allow it (Flask: methods=['POST'], FastAPI: @app.post).",
    "unsupported_media_type": "The route does not take application/json. Accept it, and verify the raw body.",
    "body_model_first": "The framework validates the body before it is verified. Declare no body model: take the raw "
    "request, verify it, and use the event that comes back.",
    "rate_limited": "A rate limit refuses deliveries. Exempt the route: Clerk may send many at once.",
    "gateway_error": "A proxy, tunnel or platform answers in the application's place. See that the application runs, "
    "on the port that is expected, and does not crash.",
    "server_error": "The application fails at every delivery. Read its log: often CLERK_WEBHOOK_SIGNING_SECRET is not "
    "set where it runs, or something reads the body before the verification.",
    "handler_fails": "The application fails at a good delivery, which Clerk will send again and again. Read its log.",
    "signature_refused": "A good delivery is refused like a forged one: the endpoint has another secret than this "
    "command, verifies other bytes than arrived, or its clock is wrong. Capture a delivery there and run "
    "clerk-webhook-verify diagnose. If it refuses types that it does not know, try --type user.created.",
    "event_refused": "The signature seems to pass, as a forged delivery is answered otherwise, but the handler does "
    "not answer 2xx. Answer 204 to types that it does not handle, or try --type with one that it does.",
    "missing_headers_not_caught": "A request without the three headers crashes the application. Let Webhook.verify "
    "look them up, and answer 400 when it raises WebhookVerificationError.",
    "refusal_not_caught": "A refused delivery crashes the application. Answer 400 when Webhook.verify raises "
    "WebhookVerificationError.",
    "accepts_stale": "A delivery an hour old is accepted, so a recorded one can be played again. Check the timestamp, "
    "as Webhook.verify does with its tolerance of 300 s.",
    "accepts_doubled_header": "A delivery with two svix-id headers is accepted, of which a proxy and the application "
    "may read different ones. Pass all headers to Webhook.verify as they arrived, not as a dict.",
    "slow": "The answer takes longer than 5 s, and the sender gives up after 15 s. Answer at once and do the work in "
    "the background.",
}


def add_arguments(parser: ArgumentParser) -> None:
    """Bring the command's own options."""
    parser.description = (
        "Sends an unsigned, a forged, a stale, a duplicate-header and a good delivery to your own endpoint, reads the\n"
        "answers, and reports what to fix first. Exit code 0: all checks pass. They carry an event type that nobody\n"
        "knows, so that nothing real is created; good signatures go over plain http to this machine alone."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify doctor http://localhost:3000/webhooks/clerk
  clerk-webhook-verify doctor https://example.com/webhooks/clerk --secret-file secret.txt
  clerk-webhook-verify doctor http://localhost:3000/webhooks/clerk --type user.created"""
    parser.add_argument("url", metavar="URL", help="of the endpoint: https, or http on this machine")
    parser.add_argument(
        "--type", metavar="T", help="sign a sample of this real type, which the application will act upon"
    )
    add_secret_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: Namespace) -> int:
    """Play all deliveries, and print the check-list."""
    target = Target(arguments.url)
    if target.scheme == "http" and not target.is_loopback():
        raise UsageError("doctor sends good signatures, and over plain http to this machine alone: use an https URL")
    payload = _unknown_event() if arguments.type is None else sample_of_type(arguments.type)
    try:
        answers: _Answers = _answers(target, payload, secrets_from_args(arguments))
    except UnreachableError as error:
        if not arguments.json:
            print_status(str(error))
            return 1
        answers = {"unsigned": error}
    verdicts = [_verdict(check, answers, target) for check in answers]
    ok = all(verdict["ok"] for verdict in verdicts)
    if arguments.json:
        print_json({"ok": ok, "checks": verdicts})
    else:
        _show_check_list(verdicts)
    return 0 if ok else 1


def _unknown_event() -> dict[str, Any]:
    """Of a type that no handler acts upon."""
    return {"data": {"id": "doctor"}, "object": "event", "timestamp": int(time() * 1000), "type": UNKNOWN_TYPE}


def _answers(target: Target, payload: dict[str, Any], secrets: list[str] | None) -> _Answers:
    """The answer to each delivery.

    Raises:
        UnreachableError: None is answered, or the first one not in time: why wait for the others?
    """
    answers: _Answers = {}
    for check, headers, body in _deliveries(payload, secrets):
        try:
            answers[check] = target.post(headers, body, timeout=GIVE_UP)
        except UnreachableError as error:
            if isinstance(error, AnswerTimeoutError) and not answers:
                raise
            answers[check] = error
    errors = [answer for answer in answers.values() if isinstance(answer, UnreachableError)]
    if len(errors) == len(answers):
        raise errors[0]
    return answers


def _deliveries(payload: dict[str, Any], secrets: list[str] | None) -> Iterator[tuple[str, _Headers, bytes]]:
    def signed(fault: Fault | None = None) -> tuple[_Headers, bytes]:
        request = signed_request(payload, secret=secrets, fault=fault)
        return [USER_AGENT, *request.headers.items()], request.body

    headers, body = signed()
    yield "unsigned", [(name, value) for name, value in headers if not name.startswith("svix-")], body
    yield "forged", *signed("other_secret")
    yield "stale", *signed("stale")
    headers, body = signed()
    yield "duplicate-header", [*headers, *((name, value) for name, value in headers if name == "svix-id")], body
    yield "good", *signed()


def _verdict(check: str, answers: _Answers, target: Target) -> dict[str, Any]:
    answer, finding = answers[check], _finding(check, answers)
    facts: dict[str, Any] = {"status": None, "seconds": None}
    reason = location = ""
    if isinstance(answer, UnreachableError):
        reason = str(answer)
    else:
        facts = {"status": answer.status, "seconds": round(answer.seconds, 4)}
        location = _location(answer, target)
    fix = _FIXES[finding].format(reason=reason, location=location) if finding else None
    return {"check": check, "ok": finding is None, **facts, "finding": finding, "fix": fix}


def _finding(check: str, answers: _Answers) -> str | None:
    """What is wrong with the answer to one delivery: a key of :data:`_FIXES`, or None."""
    answer = answers[check]
    if isinstance(answer, UnreachableError):
        return "no_answer"
    if answer.status == 429:
        return "rate_limited"
    if (common := _common_finding(answers)) and answer.status == common[0]:
        return common[1]
    if answer.is_success:
        return _ACCEPTED.get(check, "slow" if answer.seconds > SLOW else None)
    if check == "good":
        return _refusal_of_good(answer, answers["forged"])
    if answer.status >= 500:
        return "missing_headers_not_caught" if check == "unsigned" else "refusal_not_caught"
    return None


def _common_finding(answers: _Answers) -> tuple[int, str] | None:
    """The status that good and bad deliveries are answered with alike, where it tells what stands in their way."""
    statuses = {getattr(answers[check], "status", None) for check in ("unsigned", "forged", "good")}
    good = answers["good"]
    if len(statuses) > 1 or not isinstance(good, Answer):
        return None
    if good.status in (400, 403) and b"CSRF " in good.body:  # as Django, DRF and Flask-WTF write
        return good.status, "csrf_protection"
    finding = _ANSWERED_TO_ALL.get(good.status, "gateway_error" if good.status > 500 else None)
    return (good.status, finding) if finding else None


def _refusal_of_good(good: Answer, forged: Answer | UnreachableError) -> str:
    if good.status >= 500:
        return "handler_fails"
    if isinstance(forged, Answer) and forged.status != good.status:
        return "event_refused"
    return "signature_refused"


def _location(answer: Answer, target: Target) -> str:
    """Where the answer redirects to, as a whole URL."""
    location = answer.header("location")
    if not location:
        return "the URL that it should name"
    try:
        return escape_control_chars(urljoin(target.url, location))
    except ValueError:  # no URL at all
        return escape_control_chars(location)


def _show_check_list(verdicts: list[dict[str, Any]]) -> None:
    for verdict in verdicts:
        mark = colorize("ok  ", "green") if verdict["ok"] else colorize("FAIL", "red")
        answered = "no answer" if verdict["status"] is None else f"{verdict['status']} in {verdict['seconds']:.3f} s"
        print_result(f"{mark}  {verdict['check']:<16}  {answered:<14}  {verdict['finding'] or ''}".rstrip())
    fixes = {verdict["finding"]: verdict["fix"] for verdict in verdicts}
    findings = [finding for finding in _FIXES if finding in fixes]
    for finding in findings:
        when = colorize("first", "red") if finding == findings[0] else "then"
        print_result(f"\n{when}: {finding}: {fixes[finding]}")
