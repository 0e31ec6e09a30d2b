"""Everything that ``doctor`` can find, with the fix and the rule of each.

To add a finding, add an entry to :data:`FINDINGS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

from .._http import ResponseTimeoutError, UnreachableError
from ._deliveries import BAD, REAL_SIZE, REAL_SIZE_NAME, RESERIALIZED, SHIFTED
from ._evidence import Evidence, split_url

SLOW = 5.0  # seconds

#: Whether the response to the delivery with this name shows it.
_Rule: TypeAlias = Callable[[Evidence, str], bool]

_VERIFY = (
    "pass the request's headers and raw body to Webhook.verify, and respond 400 when it raises WebhookVerificationError"
)
_TRUST_PROXY = (
    "let the proxy send X-Forwarded-Proto and the application trust it (Django: SECURE_PROXY_SSL_HEADER, Flask: "
    "ProxyFix, uvicorn: --proxy-headers --forwarded-allow-ips)"
)
_OWN_CODE = (
    "If your own code gives this response to a bad signature, it has another secret than this command (fingerprint "
    "{fingerprint})."
)


@dataclass(frozen=True)
class Finding:
    """One entry of :data:`FINDINGS`."""

    code: str
    """Stable, since people match on it."""
    rule: _Rule
    fix: str
    """May contain the keys of :meth:`.Evidence.facts` in braces."""
    is_vague: bool = False
    """Whether it can have several causes. Variations of the good delivery then find out which."""


def find(evidence: Evidence, name: str) -> Finding | None:
    """Return the most urgent finding about a delivery; None if the response is as expected."""
    return next((finding for finding in FINDINGS if finding.rule(evidence, name)), None)


def waits_for_body(evidence: Evidence, name: str) -> bool:
    """Whether the endpoint rejects a delivery without headers, but gives no response to one with all headers."""
    names = {"forged", name} if name in ("forged", "stale", "good") else {"unsigned"}
    return evidence.response("unsigned") is not None and all(
        evidence.status(each) == 408 or isinstance(evidence.responses.get(each), ResponseTimeoutError) for each in names
    )


def _clock_differs(evidence: Evidence, name: str) -> bool:
    if not evidence.rejects_good():
        return False
    if name == "stale":
        return evidence.accepts("stale")
    return name == "good" and (
        evidence.accepts("stale") or evidence.accepted_probe() in SHIFTED or evidence.names_clock()
    )


def _is_slow(evidence: Evidence, name: str) -> bool:
    response = evidence.response(name)
    return name == "good" and response is not None and evidence.accepts(name) and response.seconds > SLOW


def _is_redirect(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 301, 302, 303, 307, 308)


def _redirects_to_http(evidence: Evidence, name: str) -> bool:
    schemes = (evidence.target.scheme, _parts(evidence.location(name))[0])
    return _is_redirect(evidence, name) and schemes == ("https", "http")


def _redirects_to_https(evidence: Evidence, name: str) -> bool:
    scheme, host, _, *rest = _parts(evidence.location(name))
    own_scheme, own_host, _, *own_rest = _parts(evidence.target.url)
    is_same = (host, rest) == (own_host, own_rest)
    return _is_redirect(evidence, name) and (own_scheme, scheme) == ("http", "https") and is_same


def _parts(url: str) -> tuple[str, str, int | None, str, str]:
    """Return scheme, host, port, path and query in one form, so that equal URLs are equal."""
    parts = split_url(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port, unquote(parts.path) or "/", parts.query


def _is_airplay(evidence: Evidence, name: str) -> bool:
    server = evidence.header(name, "server")
    airplay = server.startswith("AirTunes") or evidence.header(name, "x-apple-processingtime")
    return evidence.is_common(name) and bool(airplay)


def _is_csrf_protection(evidence: Evidence, name: str) -> bool:
    response = evidence.response(name)
    words = b"CSRF "  # as Django, DRF and Flask-WTF write; pages have csrf-token in their head
    return evidence.is_common(name, 400, 403) and response is not None and words in response.body


def _is_firewall(evidence: Evidence, name: str) -> bool:
    if evidence.is_common(name) and evidence.header(name, "cf-mitigated"):
        return True
    return evidence.says(
        name,
        r"attention required! \| cloudflare|just a moment\.\.\.|error code: 10\d\d|incapsula|sucuri|mod_?security"
        r"|security checkpoint|access denied.{0,2000}reference|appropriate representation of the requested resource",
    )


def _is_server_error(evidence: Evidence, name: str) -> bool:
    is_of_adapter = evidence.status(name) == 500 and evidence.is_rejection_of_adapter(name)
    return evidence.is_common(name, 500) or is_of_adapter


def _invalid_arguments(evidence: Evidence, name: str, pattern: str) -> bool:
    """Whether a framework rejects the arguments of the endpoint, before or after it verifies the delivery."""
    if evidence.status("good") not in (400, 422) or not (name == "good" or evidence.is_common(name)):
        return False
    return re.search(pattern, evidence.text("good")) is not None


def _is_body_model(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 422) or _invalid_arguments(
        evidence,
        name,
        r'"loc"\s*:\s*\[\s*"body"|validation (?:failed|error)|this field is required|missing data for required field',
    )


def _accepts(delivery: str) -> _Rule:
    """Return the rule that the endpoint accepts a bad delivery."""
    return lambda evidence, name: name == delivery and evidence.accepts(name)


def _responds(*statuses: int) -> _Rule:
    """Return the rule that good and bad deliveries get the same one of some statuses."""
    return lambda evidence, name: evidence.is_common(name, *statuses)


def _says(pattern: str) -> _Rule:
    """Return the rule that good and bad deliveries get the same response, and its text matches."""
    return lambda evidence, name: evidence.says(name, pattern)


#: The most urgent first. A delivery has the first one whose rule matches.
FINDINGS = [
    # What everything depends on: signatures are checked, and the endpoint responds.
    Finding(
        "accepts_unsigned",
        _accepts("unsigned"),
        f"ANYONE CAN SEND YOU EVENTS: nothing is verified. First, {_VERIFY}. If the application's log does "
        "not show this request, something in front responds in its place: compare the URL with your routes.",
    ),
    Finding(
        "accepts_forgery",
        _accepts("forged"),
        f"ANYONE CAN SEND YOU EVENTS: no signature is checked. First, {_VERIFY}.",
    ),
    Finding(
        "page_answers",
        lambda evidence, name: evidence.is_page() and evidence.is_success(name),
        "A web page responds {status} to every delivery, so Clerk counts events as delivered that no handler has seen. "
        "Often it is a frontend's catch-all route, a placeholder or a login page. Compare host, port and path of the "
        "URL with your handler's, and put its route before the catch-all. If your handler returns this page, it "
        f"verifies nothing: {_VERIFY}.",
    ),
    Finding(
        "rejects_with_2xx",
        lambda evidence, name: name in BAD and evidence.rejects_in_text(name),
        "The text rejects the delivery, but the status is {status}. Clerk counts every 2xx as delivered and does not "
        "retry, so a valid event that is rejected by mistake is lost. Respond 400 when Webhook.verify raises "
        "WebhookVerificationError.",
    ),
    Finding(
        "waits_for_body",
        waits_for_body,
        "The application rejects a delivery without the headers at once, but waits in vain for the body of one with "
        "all headers: {reason}. Usually a middleware, a logger or an agent reads the body first and does not pass it "
        "on. Verify before anything else reads the body, or let the middleware pass it on unchanged. The application's "
        "log shows body_timeout or body_incomplete.",
    ),
    Finding(
        "no_answer",
        lambda evidence, name: name != REAL_SIZE_NAME and isinstance(evidence.responses[name], UnreachableError),
        "{reason}. Look for this request in the application's log: a crash closes the connection. If the work takes "
        "long, respond at once and do it in the background: the sender gives up after 15 s.",
    ),
    # Redirects, none of which the sender follows.
    Finding(
        "redirect_loop",
        lambda evidence, name: (
            _is_redirect(evidence, name) and _parts(evidence.location(name)) == _parts(evidence.target.url)
        ),
        "The response redirects to the requested URL, {location}. Usually TLS ends at a proxy, and an application that "
        f"redirects http to https does not know that the request was https: {_TRUST_PROXY}.",
    ),
    Finding(
        "redirect_to_http",
        _redirects_to_http,
        "The response redirects from https to {location}: TLS ends at a proxy, and the application does not know that "
        f"the request was https. To fix it, {_TRUST_PROXY}. The sender follows no redirect: Clerk's dashboard must "
        "have the final URL, {https_location}, and never an http URL.",
    ),
    Finding(
        "redirect_to_https",
        _redirects_to_https,
        "The application redirects http to https. Clerk's dashboard must have the https URL: run doctor with "
        "{location}. To test over plain http, switch the redirect off (Django: SECURE_SSL_REDIRECT).",
    ),
    Finding(
        "redirected",
        _is_redirect,
        "The sender follows no redirect. Enter {location} in Clerk's dashboard as the endpoint's URL, slash and www "
        "included. If that is a login page, make the route public instead.",
    ),
    Finding(
        "slash_missing",
        _says(r"doesn.{1,6}t end in a slash"),  # Django in debug mode
        "The application's route ends in a slash, and the URL does not. Add it in Clerk's dashboard.",
    ),
    # What responds in front of the verification: a proxy, a gateway, a middleware, the framework.
    Finding(
        "airplay_receiver",
        _is_airplay,
        "macOS's AirPlay Receiver responds on this port, not your application. It uses port 5000, which is Flask's "
        "default, and port 7000. Start the application on another port (flask run --port 3000), or switch off AirPlay "
        "Receiver in System Settings > General > AirDrop & Handoff.",
    ),
    Finding(
        "host_not_allowed",
        lambda evidence, name: (
            evidence.is_common(name, 421)
            or evidence.says(
                name,
                r"allowed_hosts|disallowedhost|invalid (?:http_)?host\W|request hostname is invalid"
                r"|blocked (?:hosts?|request)|host .{0,200}\bis not (?:trusted|allowed)|host does not match sni"
                r"|<h1>bad request \(400\)</h1>",
            )
        ),
        "The host name {host} is rejected before the delivery is verified. Allow it: Django ALLOWED_HOSTS, Starlette "
        "TrustedHostMiddleware(allowed_hosts=...), Flask TRUSTED_HOSTS; or let the tunnel send an allowed name (ngrok "
        "http --host-header=rewrite). If it is allowed: Django responds the same when a view raises BadRequest or "
        "SuspiciousOperation, so read the application's log.",
    ),
    Finding(
        "http_to_https_port",
        _says(
            r"plain http request was sent to https port|sent an http request to an https server"
            r"|speaking plain http to an ssl-enabled|combination of host and port requires tls"
        ),
        "The URL begins with http, but the port expects https. Use {https_url}.",
    ),
    Finding(
        "csrf_protection",
        _is_csrf_protection,
        "CSRF protection rejects every delivery before it is verified. Exempt the route (Django: @csrf_exempt on the "
        "view).",
    ),
    Finding(
        "api_gateway_route",
        _says(
            r"missing authentication token|^\s*{\s*\"message\"\s*:\s*\"forbidden\"\s*}\s*$"
            r"|no route matched with those values|user is not authorized to access this resource"
        ),
        "An API gateway responds{server}, not the application: it has no route for this path, stage and method. "
        "Compare the URL with the gateway's: the stage (/prod, /dev) is part of the path unless a custom domain maps "
        "it, and the route must allow POST without an API key or an authorizer. " + _OWN_CODE,
        is_vague=True,
    ),
    Finding(
        "cdn_rejects_post",
        _says(
            r"not configured to allow the http request method|<code>(?:accessdenied|methodnotallowed)</code>"
            r"|supports only cached? requests|specified method is not allowed against this resource"
        ),
        "A CDN or a storage bucket responds{server}, not the application. Let it pass POST with all headers and the "
        "body for this path (CloudFront: allowed HTTP methods, origin request policy AllViewer), or enter the "
        "application's own URL in Clerk's dashboard.",
    ),
    Finding(
        "invocation_not_public",
        _says(
            r"your client does not have permission to get url|function url authorization"
            r"|access is forbidden to invoker"
        ),
        "The platform responds{server}, not the application: only its own users may call this service. Allow everyone "
        "to call it (Cloud Run and Cloud Functions: the role Invoker for allUsers; Lambda function URL: auth type "
        "NONE); the signature protects it.",
    ),
    Finding(
        "firewall_in_front",
        _is_firewall,
        "A firewall or bot protection responds{server}, not the application. Let it pass POST for this path, at least "
        "from the addresses of Svix: see docs/allowlist.md.",
    ),
    Finding(
        "gateway_error",
        lambda evidence, name: (
            evidence.is_common(name, *range(502, 600))
            or evidence.says(name, r"this web app is stopped|web app - unavail")
        ),
        "A proxy, tunnel or platform responds in the application's place{server}. Check that the application runs, on "
        "the port that is expected, and does not crash.",
    ),
    Finding(
        "auth_in_front",
        _responds(401, 403),
        "Something in front of the verification rejects every delivery{server}. Make the route public: no login, no "
        "CSRF protection (Django: @csrf_exempt), no firewall rule, no deployment protection of the platform. "
        + _OWN_CODE,
        is_vague=True,
    ),
    Finding(
        "not_found",
        _responds(404),
        "Nothing responds at this path. Compare it with the application's routes, their prefix and the slash at the "
        "end; behind a tunnel, check that it still runs.",
    ),
    Finding(
        "method_not_allowed",
        _responds(405, 501),
        "The route does not take POST. Allow it (Flask: methods=['POST'], FastAPI: @app.post). A server of static "
        "files gives the same response: then the request did not reach the application.",
    ),
    Finding(
        "unsupported_media_type",
        _responds(415),
        "The route does not take application/json. Accept it, and verify the raw body.",
    ),
    Finding(
        "unresolved_parameter",
        lambda evidence, name: _invalid_arguments(
            evidence, name, r'"loc"\s*:\s*\[\s*"(?:query|path|cookie|header",\s*"(?!svix|webhook))'
        ),
        "The framework reads a parameter of the endpoint from the URL, a header or a cookie, and does not find it. "
        "FastAPI does so if it cannot resolve an annotation: with from __future__ import annotations, define the "
        "dependency at module level, and write event: Annotated[Event, Depends(clerk)].",
    ),
    Finding(
        "body_model_first",
        _is_body_model,
        "The framework validates the body with a model or a schema of the endpoint, and rejects it. Declare no body "
        "model: take the raw request, verify it, and use the event that comes back (FastAPI: only the parameter event: "
        "Annotated[Event, Depends(clerk)]).",
        is_vague=True,
    ),
    Finding(
        "rate_limited",
        lambda evidence, name: evidence.status(name) == 429,
        "A rate limit rejects deliveries. Exempt the route: Clerk may send many at once.",
    ),
    Finding(
        "server_error",
        _is_server_error,
        "The application fails at every delivery. Read its log: often CLERK_WEBHOOK_SIGNING_SECRET is not set where it "
        "runs, or something reads the body before the verification.",
    ),
    Finding(
        "blocked_in_front",
        _responds(*range(300, 400), *range(401, 500)),
        "Every delivery gets {status}, also an unsigned one: something in front of the verification responds{server}, "
        "such as a proxy, a middleware or the platform. Read its configuration and its log. " + _OWN_CODE,
        is_vague=True,
    ),
    # The application rejects the good delivery, or fails.
    Finding(
        "handler_fails",
        lambda evidence, name: name == "good" and evidence.status(name) >= 500,
        "The application fails at a good delivery, which Clerk retries for more than a day. Read its log.",
    ),
    Finding(
        "clock_differs",
        _clock_differs,
        "The signature matches, but the application's clock differs from this machine's: {clock}. Synchronize the one "
        "that is wrong (Linux: timedatectl set-ntp true; restart a container or virtual machine that was suspended), "
        "and compare timestamps as Unix seconds, never as local time.",
    ),
    Finding(
        "verifies_reserialized",
        lambda evidence, name: name == "good" and evidence.accepted_probe() in RESERIALIZED,
        "The application verifies other bytes than arrive. It rejects the good delivery and accepts the same one "
        "{probe}: the handler, or a middleware before it, parses the JSON and dumps it again, or decodes the body in "
        "another charset. Pass the raw body to Webhook.verify (Flask: request.get_data(), FastAPI and Starlette: await "
        "request.body(), Django: request.body). If an adapter reads it, exempt this route from the middleware.",
    ),
    Finding(
        "reads_webhook_names",
        lambda evidence, name: name == "good" and evidence.accepted_probe() == "webhook-names",
        "The good delivery is accepted with the headers webhook-id, webhook-timestamp and webhook-signature, but Clerk "
        "sends svix-id, svix-timestamp and svix-signature. These do not arrive, or are not read: check that no proxy "
        "removes or renames them, and pass all headers to Webhook.verify.",
    ),
    Finding(
        "headers_do_not_arrive",
        lambda evidence, name: name == "good" and evidence.rejects_good() and evidence.misses_headers(),
        "The headers svix-id, svix-timestamp and svix-signature do not arrive as they were sent: a proxy or CDN in "
        "front of the application removes, renames or repeats them. Let it pass all headers (CloudFront: origin "
        "request policy AllViewer), and read them by these names. The application's log shows missing_header or "
        "malformed_header for the good delivery, and which headers there are. If it shows signature_mismatch and you "
        "have raised max_body, they do arrive, and the secret is another one.",
    ),
    Finding(
        "other_secret",
        lambda evidence, name: name == "good" and (evidence.accepted_probe() or "").startswith("secret-"),
        "The application has another one of the secrets that you passed, not the first: {probe}. Set this endpoint's "
        "secret in the application and restart it, and pass only that one here.",
    ),
    Finding(
        "event_refused",
        lambda evidence, name: name == "good" and evidence.rejects_good() and evidence.differs("forged", "good"),
        "The signature seems to pass, as a forged delivery gets another response, but the handler does not respond "
        "2xx. Respond 204 to types that it does not handle, or try --type with one that it does.",
        is_vague=True,
    ),
    Finding(
        "signature_refused",
        lambda evidence, name: name == "good" and evidence.rejects_good(),
        "A good delivery is rejected like a forged one. Most likely the application has another secret than this "
        "command, whose fingerprint is {fingerprint}: compare it with those in the application's log. If the log shows "
        "another code for this message id: after missing_header, look for a proxy that removes headers; after "
        "timestamp_too_old or timestamp_too_new, check the clock; after a code that begins with body_, look for "
        "middleware that reads the body first. If the secret is the same, the application verifies other bytes than "
        "arrived: capture a delivery there and run clerk-webhook-verify diagnose. If it rejects unknown types, try "
        "--type user.created.",
        is_vague=True,
    ),
    Finding(
        "missing_headers_not_caught",
        lambda evidence, name: name == "unsigned" and evidence.status(name) >= 500,
        "A request without the three headers crashes the application. Let Webhook.verify look them up, and respond 400 "
        "when it raises WebhookVerificationError.",
    ),
    Finding(
        "refusal_not_caught",
        lambda evidence, name: name in BAD and evidence.status(name) >= 500,
        "A rejected delivery crashes the application. Respond 400 when Webhook.verify raises WebhookVerificationError.",
    ),
    # The application accepts a delivery that it should reject, or only short ones.
    Finding(
        "accepts_stale",
        _accepts("stale"),
        "A delivery an hour old is accepted, so a recorded one can be played again. Check the timestamp, as "
        "Webhook.verify does with its tolerance of 300 s.",
    ),
    Finding(
        "accepts_doubled_header",
        _accepts("duplicate-header"),
        "A delivery with two svix-id headers is accepted. A proxy and the application may read different ones: pass "
        "all headers to Webhook.verify unchanged, not as a dict.",
    ),
    Finding(
        "body_limit",
        lambda evidence, name: name == REAL_SIZE_NAME and not evidence.accepts(name),
        f"A good delivery is accepted if it is short, but not if it has {REAL_SIZE // 1024} KB, as a user with much "
        "metadata has: {reason}{server}. Raise the limit of the application (max_body of the adapter, Flask: "
        "MAX_CONTENT_LENGTH, Django: DATA_UPLOAD_MAX_MEMORY_SIZE) and of the proxy in front (nginx: "
        "client_max_body_size; a firewall may reject more than 8 KB).",
    ),
    Finding(
        "slow",
        _is_slow,
        "The response takes longer than 5 s, and the sender gives up after 15 s. Respond at once and do the work in "
        "the background.",
    ),
]
