"""Everything that ``doctor`` can find, the most urgent first.

To add a finding, decorate its rule: whether the answer to the delivery of that name shows it. Code, fix and rule stand
together. A fix may contain the names of :meth:`.Evidence.facts` in braces.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from .._http import UnreachableError
from ._deliveries import BAD, REAL_SIZE, REAL_SIZE_NAME, RESERIALIZED, SHIFTED
from ._evidence import Evidence, split_url
from ._finding import FindingTable

SLOW = 5.0  # seconds

_VERIFY = (
    "pass the request's headers and raw body to Webhook.verify, and answer 400 when it raises WebhookVerificationError"
)
_TRUST_PROXY = (
    "let the proxy send X-Forwarded-Proto and the application trust it (Django: SECURE_PROXY_SSL_HEADER, Flask: "
    "ProxyFix, uvicorn: --proxy-headers --forwarded-allow-ips)"
)

FINDINGS = FindingTable()


# --- Nothing is verified, or nothing is reached ---


@FINDINGS.add(
    "accepts_unsigned",
    fix=f"ANYONE CAN SEND YOU EVENTS: nothing is verified. Before all else {_VERIFY}. If the application's log does "
    "not show this request, something in front answers in its place: compare the URL with the application's routes.",
)
def accepts_unsigned(evidence: Evidence, name: str) -> bool:
    return name == "unsigned" and evidence.accepts(name)


@FINDINGS.add("accepts_forgery", fix=f"ANYONE CAN SEND YOU EVENTS: no signature is checked. Before all else {_VERIFY}.")
def accepts_forgery(evidence: Evidence, name: str) -> bool:
    return name == "forged" and evidence.accepts(name)


@FINDINGS.add(
    "page_answers",
    fix="A web page answers {status} to every delivery, so Clerk counts events as delivered that no handler has seen. "
    "Often it is the catch-all route of a frontend, a placeholder or a page to log in. Compare host, port and path of "
    "the URL with your handler's, and put its route before the catch-all. If your own handler returns this page, it "
    f"verifies nothing: {_VERIFY}.",
)
def page_answers(evidence: Evidence, name: str) -> bool:
    return evidence.is_page() and evidence.is_success(name)


@FINDINGS.add(
    "rejects_with_2xx",
    fix="The text rejects the delivery, but the status is {status}. Clerk counts every 2xx as delivered and does not "
    "retry, so a valid event that is rejected by mistake is lost. Answer 400 when Webhook.verify raises "
    "WebhookVerificationError.",
)
def rejects_with_2xx(evidence: Evidence, name: str) -> bool:
    return name in BAD and evidence.rejects_in_text(name)


@FINDINGS.add(
    "no_answer",
    fix="{reason}. Look for this request in the application's log: a crash closes the connection. If the work takes "
    "long, answer at once and do it in the background: the sender gives up after 15 s.",
)
def no_answer(evidence: Evidence, name: str) -> bool:
    return name != REAL_SIZE_NAME and isinstance(evidence.answers[name], UnreachableError)


# --- Something in front of the verification answers ---


@FINDINGS.add(
    "redirect_loop",
    fix="The answer redirects to {location}, which is the URL that was requested. Usually TLS ends at a proxy, and an "
    f"application that redirects http to https does not know that it was requested by https: {_TRUST_PROXY}.",
)
def redirect_loop(evidence: Evidence, name: str) -> bool:
    return _is_redirect(evidence, name) and _parts(evidence.location(name)) == _parts(evidence.target.url)


@FINDINGS.add(
    "redirect_to_http",
    fix="The answer redirects from https to {location}: TLS ends at a proxy, and the application does not know that it "
    f"was requested by https. To fix it, {_TRUST_PROXY}. The sender follows no redirect: Clerk's dashboard must have "
    "the final URL, {https_location}, and never an http URL.",
)
def redirect_to_http(evidence: Evidence, name: str) -> bool:
    return (
        _is_redirect(evidence, name)
        and evidence.target.scheme == "https"
        and _parts(evidence.location(name))[0] == "http"
    )


@FINDINGS.add(
    "redirect_to_https",
    fix="The application redirects http to https. Clerk's dashboard must have the https URL: run doctor with "
    "{location}. To test over plain http, switch the redirect off (Django: SECURE_SSL_REDIRECT).",
)
def redirect_to_https(evidence: Evidence, name: str) -> bool:
    scheme, host, _, *rest = _parts(evidence.location(name))
    own_scheme, own_host, _, *own_rest = _parts(evidence.target.url)
    return (
        _is_redirect(evidence, name)
        and (own_scheme, scheme) == ("http", "https")
        and ((host, rest) == (own_host, own_rest))
    )


@FINDINGS.add(
    "redirected",
    fix="The sender follows no redirect. Enter {location} in Clerk's dashboard as the endpoint's URL, slash and www "
    "included. If that is a page to log in, make the route public instead.",
)
def redirected(evidence: Evidence, name: str) -> bool:
    return _is_redirect(evidence, name)


@FINDINGS.add(
    "slash_missing",
    fix="The application's route ends in a slash, and the URL does not. Add it in Clerk's dashboard.",
)
def slash_missing(evidence: Evidence, name: str) -> bool:
    return _says(evidence, name, r"doesn.{1,6}t end in a slash")  # Django in debug mode


@FINDINGS.add(
    "airplay_receiver",
    fix="macOS's AirPlay Receiver answers on this port, not your application. It uses port 5000, which is Flask's "
    "default, and port 7000. Start the application on another port (flask run --port 3000), or switch off AirPlay "
    "Receiver in System Settings > General > AirDrop & Handoff.",
)
def airplay_receiver(evidence: Evidence, name: str) -> bool:
    airplay = evidence.header(name, "server").startswith("AirTunes") or evidence.header(name, "x-apple-processingtime")
    return evidence.is_common(name) and bool(airplay)


@FINDINGS.add(
    "host_not_allowed",
    fix="The host name {host} is rejected before the delivery is verified. Allow it: Django ALLOWED_HOSTS, Starlette "
    "TrustedHostMiddleware(allowed_hosts=...), Flask TRUSTED_HOSTS; or let the tunnel send the name that is allowed "
    "(ngrok http --host-header=rewrite). If it is allowed: Django answers so too when a view raises BadRequest or "
    "SuspiciousOperation, so read the application's log.",
)
def host_not_allowed(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 421) or _says(
        evidence,
        name,
        r"allowed_hosts|disallowedhost|invalid (?:http_)?host\W|request hostname is invalid|blocked (?:hosts?|request)"
        r"|host .{0,200}\bis not (?:trusted|allowed)|host does not match sni|<h1>bad request \(400\)</h1>",
    )


@FINDINGS.add(
    "http_to_https_port",
    fix="The URL begins with http, but the port expects https. Use {https_url}.",
)
def http_to_https_port(evidence: Evidence, name: str) -> bool:
    return _says(
        evidence,
        name,
        r"plain http request was sent to https port|sent an http request to an https server"
        r"|speaking plain http to an ssl-enabled|combination of host and port requires tls",
    )


@FINDINGS.add(
    "csrf_protection",
    fix="CSRF protection rejects every delivery before it is verified. Exempt the route (Django: @csrf_exempt on the "
    "view).",
)
def csrf_protection(evidence: Evidence, name: str) -> bool:
    answer = evidence.answer(name)
    words = b"CSRF "  # as Django, DRF and Flask-WTF write; pages have csrf-token in their head
    return evidence.is_common(name, 400, 403) and answer is not None and words in answer.body


@FINDINGS.add(
    "api_gateway_route",
    fix="An API gateway answers{server}, not the application: it has no route for this path, stage and method. Compare "
    "the URL with the gateway's: the stage (/prod, /dev) is part of the path unless a custom domain maps it, and the "
    "route must allow POST without an API key or an authorizer. If your own code answers so, it has another secret "
    "than this command (fingerprint {fingerprint}).",
    is_vague=True,
)
def api_gateway_route(evidence: Evidence, name: str) -> bool:
    return _says(
        evidence,
        name,
        r"missing authentication token|^\s*{\s*\"message\"\s*:\s*\"forbidden\"\s*}\s*$"
        r"|no route matched with those values|user is not authorized to access this resource",
    )


@FINDINGS.add(
    "cdn_rejects_post",
    fix="A CDN or a storage bucket answers{server}, not the application. Let it pass POST with all headers and the "
    "body for this path (CloudFront: allowed HTTP methods, origin request policy AllViewer), or enter the "
    "application's own URL in Clerk's dashboard.",
)
def cdn_rejects_post(evidence: Evidence, name: str) -> bool:
    return _says(
        evidence,
        name,
        r"not configured to allow the http request method|<code>(?:accessdenied|methodnotallowed)</code>"
        r"|supports only cached? requests|specified method is not allowed against this resource",
    )


@FINDINGS.add(
    "invocation_not_public",
    fix="The platform answers{server}, not the application: only its own users may call this service. Allow everybody "
    "to call it (Cloud Run and Cloud Functions: the role Invoker for allUsers; Lambda function URL: auth type NONE); "
    "the signature protects it.",
)
def invocation_not_public(evidence: Evidence, name: str) -> bool:
    return _says(
        evidence,
        name,
        r"your client does not have permission to get url|function url authorization|access is forbidden to invoker",
    )


@FINDINGS.add(
    "firewall_in_front",
    fix="A firewall or bot protection answers{server}, not the application. Let it pass POST for this path, at least "
    "from the addresses of Svix: see docs/allowlist.md.",
)
def firewall_in_front(evidence: Evidence, name: str) -> bool:
    challenge = evidence.is_common(name) and evidence.header(name, "cf-mitigated")
    return bool(challenge) or _says(
        evidence,
        name,
        r"attention required! \| cloudflare|just a moment\.\.\.|error code: 10\d\d|incapsula|sucuri|mod_?security"
        r"|security checkpoint|access denied.{0,2000}reference|appropriate representation of the requested resource",
    )


@FINDINGS.add(
    "gateway_error",
    fix="A proxy, tunnel or platform answers in the application's place{server}. Check that the application runs, on "
    "the port that is expected, and does not crash.",
)
def gateway_error(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, *range(502, 600)) or _says(
        evidence, name, r"this web app is stopped|web app - unavail"
    )


@FINDINGS.add(
    "auth_in_front",
    fix="Something in front of the verification rejects every delivery{server}. Make the route public: no login, no "
    "CSRF protection (Django: @csrf_exempt), no firewall rule, no deployment protection of the platform. If your own "
    "code answers a bad signature so, it has another secret than this command (fingerprint {fingerprint}).",
    is_vague=True,
)
def auth_in_front(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 401, 403)


@FINDINGS.add(
    "not_found",
    fix="Nothing answers at this path. Compare it with the application's routes, their prefix and the slash at the "
    "end; behind a tunnel, check that it still runs.",
)
def not_found(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 404)


@FINDINGS.add(
    "method_not_allowed",
    fix="The route does not take POST. Allow it (Flask: methods=['POST'], FastAPI: @app.post). A server of static "
    "files answers so too: then the request did not reach the application.",
)
def method_not_allowed(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 405, 501)


@FINDINGS.add(
    "unsupported_media_type",
    fix="The route does not take application/json. Accept it, and verify the raw body.",
)
def unsupported_media_type(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 415)


@FINDINGS.add(
    "unresolved_parameter",
    fix="The framework reads a parameter of the endpoint from the URL, a header or a cookie, and does not find it. "
    "FastAPI does so if it cannot resolve an annotation: with from __future__ import annotations, define the "
    "dependency at module level, and write event: Annotated[Event, Depends(clerk)].",
)
def unresolved_parameter(evidence: Evidence, name: str) -> bool:
    return _is_invalid(evidence, name, r'"loc"\s*:\s*\[\s*"(?:query|path|cookie|header",\s*"(?!svix|webhook))')


@FINDINGS.add(
    "body_model_first",
    fix="The framework validates the body before it is verified. Declare no body model: take the raw request, verify "
    "it, and use the event that comes back.",
    is_vague=True,
)
def body_model_first(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 422) or _is_invalid(
        evidence,
        name,
        r'"loc"\s*:\s*\[\s*"body"|validation (?:failed|error)|this field is required|missing data for required field',
    )


@FINDINGS.add("rate_limited", fix="A rate limit rejects deliveries. Exempt the route: Clerk may send many at once.")
def rate_limited(evidence: Evidence, name: str) -> bool:
    return evidence.status(name) == 429


@FINDINGS.add(
    "server_error",
    fix="The application fails at every delivery. Read its log: often CLERK_WEBHOOK_SIGNING_SECRET is not set where it "
    "runs, or something reads the body before the verification.",
)
def server_error(evidence: Evidence, name: str) -> bool:
    of_adapter = evidence.status(name) == 500 and evidence.is_rejection_of_adapter(name)
    return evidence.is_common(name, 500) or of_adapter


@FINDINGS.add(
    "blocked_in_front",
    fix="Every delivery gets {status}, also an unsigned one: something in front of the verification answers{server}, "
    "such as a proxy, a middleware or the platform. Read its configuration and its log. If your own code answers a bad "
    "signature so, it has another secret than this command (fingerprint {fingerprint}).",
    is_vague=True,
)
def blocked_in_front(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, *range(300, 400), *range(401, 500))


# --- The application rejects the good delivery, or fails ---


@FINDINGS.add(
    "handler_fails",
    fix="The application fails at a good delivery, which Clerk retries for more than a day. Read its log.",
)
def handler_fails(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.status(name) >= 500


@FINDINGS.add(
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


@FINDINGS.add(
    "verifies_reserialized",
    fix="The application verifies other bytes than arrive. It rejects the good delivery and accepts the same one "
    "{probe}: it parses the JSON and dumps it again, or decodes the body in another charset. Pass the raw body to "
    "Webhook.verify (Flask: request.get_data(), FastAPI and Starlette: await request.body(), Django: request.body).",
)
def verifies_reserialized(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.accepted_probe() in RESERIALIZED


@FINDINGS.add(
    "reads_webhook_names",
    fix="The good delivery is accepted with the headers webhook-id, webhook-timestamp and webhook-signature, but Clerk "
    "sends svix-id, svix-timestamp and svix-signature. These do not arrive, or are not read: check that no proxy "
    "removes or renames them, and pass all headers to Webhook.verify.",
)
def reads_webhook_names(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.accepted_probe() == "webhook-names"


@FINDINGS.add(
    "headers_do_not_arrive",
    fix="The headers svix-id, svix-timestamp and svix-signature do not arrive as they were sent: a proxy or CDN in "
    "front of the application removes, renames or repeats them. Let it pass all headers (CloudFront: origin request "
    "policy AllViewer), and read them by these names. The application's log says missing_header or malformed_header "
    "for the good delivery, and which headers there are. If it says signature_mismatch and you have raised max_body, "
    "they do arrive, and the secret is another one.",
)
def headers_do_not_arrive(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.rejects_good() and evidence.misses_headers()


@FINDINGS.add(
    "other_secret",
    fix="The application has another one of the secrets that you passed, not the first: {probe}. Remove those that are "
    "not this endpoint's.",
)
def other_secret(evidence: Evidence, name: str) -> bool:
    return name == "good" and (evidence.accepted_probe() or "").startswith("secret-")


@FINDINGS.add(
    "event_refused",
    fix="The signature seems to pass, as a forged delivery is answered otherwise, but the handler does not answer 2xx. "
    "Answer 204 to types that it does not handle, or try --type with one that it does.",
    is_vague=True,
)
def event_refused(evidence: Evidence, name: str) -> bool:
    return name == "good" and evidence.rejects_good() and evidence.differs("forged", "good")


@FINDINGS.add(
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


@FINDINGS.add(
    "missing_headers_not_caught",
    fix="A request without the three headers crashes the application. Let Webhook.verify look them up, and answer 400 "
    "when it raises WebhookVerificationError.",
)
def missing_headers_not_caught(evidence: Evidence, name: str) -> bool:
    return name == "unsigned" and evidence.status(name) >= 500


@FINDINGS.add(
    "refusal_not_caught",
    fix="A rejected delivery crashes the application. Answer 400 when Webhook.verify raises WebhookVerificationError.",
)
def refusal_not_caught(evidence: Evidence, name: str) -> bool:
    return name in BAD and evidence.status(name) >= 500


# --- The application accepts a delivery that it should reject, or only short ones ---


@FINDINGS.add(
    "accepts_stale",
    fix="A delivery an hour old is accepted, so a recorded one can be played again. Check the timestamp, as "
    "Webhook.verify does with its tolerance of 300 s.",
)
def accepts_stale(evidence: Evidence, name: str) -> bool:
    return name == "stale" and evidence.accepts(name)


@FINDINGS.add(
    "accepts_doubled_header",
    fix="A delivery with two svix-id headers is accepted. A proxy and the application may read different ones: pass "
    "all headers to Webhook.verify unchanged, not as a dict.",
)
def accepts_doubled_header(evidence: Evidence, name: str) -> bool:
    return name == "duplicate-header" and evidence.accepts(name)


@FINDINGS.add(
    "body_limit",
    fix=f"A good delivery is accepted if it is short, but not if it has {REAL_SIZE // 1024} KB, as a user with much "
    "metadata has: {reason}{server}. Raise the limit of the application (max_body of the adapter, Flask: "
    "MAX_CONTENT_LENGTH, Django: DATA_UPLOAD_MAX_MEMORY_SIZE) and of what is in front (nginx: client_max_body_size; a "
    "firewall may reject more than 8 KB).",
)
def body_limit(evidence: Evidence, name: str) -> bool:
    return name == REAL_SIZE_NAME and not evidence.accepts(name)


@FINDINGS.add(
    "slow",
    fix="The answer takes longer than 5 s, and the sender gives up after 15 s. Answer at once and do the work in the "
    "background.",
)
def slow(evidence: Evidence, name: str) -> bool:
    answer = evidence.answer(name)
    return name == "good" and answer is not None and evidence.accepts(name) and answer.seconds > SLOW


def _is_redirect(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 301, 302, 303, 307, 308)


def _parts(url: str) -> tuple[str, str, int | None, str, str]:
    """Return scheme, host, port, path and query in one form, so that equal URLs are equal."""
    parts = split_url(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port, unquote(parts.path) or "/", parts.query


def _is_invalid(evidence: Evidence, name: str, pattern: str) -> bool:
    """Whether a framework rejects the arguments of the endpoint, before or after it verifies the delivery."""
    if evidence.status("good") not in (400, 422) or not (name == "good" or evidence.is_common(name)):
        return False
    return re.search(pattern, evidence.text("good")) is not None


def _says(evidence: Evidence, name: str, pattern: str) -> bool:
    """Whether good and bad deliveries get an answer alike, whose text in lower case has the pattern."""
    return evidence.is_common(name) and re.search(pattern, evidence.text("good"), re.DOTALL) is not None
