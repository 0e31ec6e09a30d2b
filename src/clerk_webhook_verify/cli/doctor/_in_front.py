"""Findings about what answers in front of the verification: a proxy, a gateway, a middleware, the framework."""

from __future__ import annotations

import re

from ._evidence import Evidence
from ._finding import FindingTable, says

findings = FindingTable()


@findings.add(
    "airplay_receiver",
    fix="macOS's AirPlay Receiver answers on this port, not your application. It uses port 5000, which is Flask's "
    "default, and port 7000. Start the application on another port (flask run --port 3000), or switch off AirPlay "
    "Receiver in System Settings > General > AirDrop & Handoff.",
)
def airplay_receiver(evidence: Evidence, name: str) -> bool:
    airplay = evidence.header(name, "server").startswith("AirTunes") or evidence.header(name, "x-apple-processingtime")
    return evidence.is_common(name) and bool(airplay)


@findings.add(
    "host_not_allowed",
    fix="The host name {host} is rejected before the delivery is verified. Allow it: Django ALLOWED_HOSTS, Starlette "
    "TrustedHostMiddleware(allowed_hosts=...), Flask TRUSTED_HOSTS; or let the tunnel send the name that is allowed "
    "(ngrok http --host-header=rewrite). If it is allowed: Django answers so too when a view raises BadRequest or "
    "SuspiciousOperation, so read the application's log.",
)
def host_not_allowed(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 421) or says(
        evidence,
        name,
        r"allowed_hosts|disallowedhost|invalid (?:http_)?host\W|request hostname is invalid|blocked (?:hosts?|request)"
        r"|host .{0,200}\bis not (?:trusted|allowed)|host does not match sni|<h1>bad request \(400\)</h1>",
    )


@findings.add(
    "http_to_https_port",
    fix="The URL begins with http, but the port expects https. Use {https_url}.",
)
def http_to_https_port(evidence: Evidence, name: str) -> bool:
    return says(
        evidence,
        name,
        r"plain http request was sent to https port|sent an http request to an https server"
        r"|speaking plain http to an ssl-enabled|combination of host and port requires tls",
    )


@findings.add(
    "csrf_protection",
    fix="CSRF protection rejects every delivery before it is verified. Exempt the route (Django: @csrf_exempt on the "
    "view).",
)
def csrf_protection(evidence: Evidence, name: str) -> bool:
    answer = evidence.answer(name)
    words = b"CSRF "  # as Django, DRF and Flask-WTF write; pages have csrf-token in their head
    return evidence.is_common(name, 400, 403) and answer is not None and words in answer.body


@findings.add(
    "api_gateway_route",
    fix="An API gateway answers{server}, not the application: it has no route for this path, stage and method. Compare "
    "the URL with the gateway's: the stage (/prod, /dev) is part of the path unless a custom domain maps it, and the "
    "route must allow POST without an API key or an authorizer. If your own code answers so, it has another secret "
    "than this command (fingerprint {fingerprint}).",
    is_vague=True,
)
def api_gateway_route(evidence: Evidence, name: str) -> bool:
    return says(
        evidence,
        name,
        r"missing authentication token|^\s*{\s*\"message\"\s*:\s*\"forbidden\"\s*}\s*$"
        r"|no route matched with those values|user is not authorized to access this resource",
    )


@findings.add(
    "cdn_rejects_post",
    fix="A CDN or a storage bucket answers{server}, not the application. Let it pass POST with all headers and the "
    "body for this path (CloudFront: allowed HTTP methods, origin request policy AllViewer), or enter the "
    "application's own URL in Clerk's dashboard.",
)
def cdn_rejects_post(evidence: Evidence, name: str) -> bool:
    return says(
        evidence,
        name,
        r"not configured to allow the http request method|<code>(?:accessdenied|methodnotallowed)</code>"
        r"|supports only cached? requests|specified method is not allowed against this resource",
    )


@findings.add(
    "invocation_not_public",
    fix="The platform answers{server}, not the application: only its own users may call this service. Allow everybody "
    "to call it (Cloud Run and Cloud Functions: the role Invoker for allUsers; Lambda function URL: auth type NONE); "
    "the signature protects it.",
)
def invocation_not_public(evidence: Evidence, name: str) -> bool:
    return says(
        evidence,
        name,
        r"your client does not have permission to get url|function url authorization|access is forbidden to invoker",
    )


@findings.add(
    "firewall_in_front",
    fix="A firewall or bot protection answers{server}, not the application. Let it pass POST for this path, at least "
    "from the addresses of Svix: see docs/allowlist.md.",
)
def firewall_in_front(evidence: Evidence, name: str) -> bool:
    challenge = evidence.is_common(name) and evidence.header(name, "cf-mitigated")
    return bool(challenge) or says(
        evidence,
        name,
        r"attention required! \| cloudflare|just a moment\.\.\.|error code: 10\d\d|incapsula|sucuri|mod_?security"
        r"|security checkpoint|access denied.{0,2000}reference|appropriate representation of the requested resource",
    )


@findings.add(
    "gateway_error",
    fix="A proxy, tunnel or platform answers in the application's place{server}. Check that the application runs, on "
    "the port that is expected, and does not crash.",
)
def gateway_error(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, *range(502, 600)) or says(
        evidence, name, r"this web app is stopped|web app - unavail"
    )


@findings.add(
    "auth_in_front",
    fix="Something in front of the verification rejects every delivery{server}. Make the route public: no login, no "
    "CSRF protection (Django: @csrf_exempt), no firewall rule, no deployment protection of the platform. If your own "
    "code answers a bad signature so, it has another secret than this command (fingerprint {fingerprint}).",
    is_vague=True,
)
def auth_in_front(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 401, 403)


@findings.add(
    "not_found",
    fix="Nothing answers at this path. Compare it with the application's routes, their prefix and the slash at the "
    "end; behind a tunnel, check that it still runs.",
)
def not_found(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 404)


@findings.add(
    "method_not_allowed",
    fix="The route does not take POST. Allow it (Flask: methods=['POST'], FastAPI: @app.post). A server of static "
    "files answers so too: then the request did not reach the application.",
)
def method_not_allowed(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 405, 501)


@findings.add(
    "unsupported_media_type",
    fix="The route does not take application/json. Accept it, and verify the raw body.",
)
def unsupported_media_type(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 415)


@findings.add(
    "unresolved_parameter",
    fix="The framework reads a parameter of the endpoint from the URL, a header or a cookie, and does not find it. "
    "FastAPI does so if it cannot resolve an annotation: with from __future__ import annotations, define the "
    "dependency at module level, and write event: Annotated[Event, Depends(clerk)].",
)
def unresolved_parameter(evidence: Evidence, name: str) -> bool:
    return _is_invalid(evidence, name, r'"loc"\s*:\s*\[\s*"(?:query|path|cookie|header",\s*"(?!svix|webhook))')


@findings.add(
    "body_model_first",
    fix="The framework validates the body with a model or a schema of the endpoint, and rejects it. Declare no body "
    "model: take the raw request, verify it, and use the event that comes back (FastAPI: only the parameter event: "
    "Annotated[Event, Depends(clerk)]).",
    is_vague=True,
)
def body_model_first(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 422) or _is_invalid(
        evidence,
        name,
        r'"loc"\s*:\s*\[\s*"body"|validation (?:failed|error)|this field is required|missing data for required field',
    )


@findings.add("rate_limited", fix="A rate limit rejects deliveries. Exempt the route: Clerk may send many at once.")
def rate_limited(evidence: Evidence, name: str) -> bool:
    return evidence.status(name) == 429


@findings.add(
    "server_error",
    fix="The application fails at every delivery. Read its log: often CLERK_WEBHOOK_SIGNING_SECRET is not set where it "
    "runs, or something reads the body before the verification.",
)
def server_error(evidence: Evidence, name: str) -> bool:
    of_adapter = evidence.status(name) == 500 and evidence.is_rejection_of_adapter(name)
    return evidence.is_common(name, 500) or of_adapter


@findings.add(
    "blocked_in_front",
    fix="Every delivery gets {status}, also an unsigned one: something in front of the verification answers{server}, "
    "such as a proxy, a middleware or the platform. Read its configuration and its log. If your own code answers a bad "
    "signature so, it has another secret than this command (fingerprint {fingerprint}).",
    is_vague=True,
)
def blocked_in_front(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, *range(300, 400), *range(401, 500))


def _is_invalid(evidence: Evidence, name: str, pattern: str) -> bool:
    """Whether a framework rejects the arguments of the endpoint, before or after it verifies the delivery."""
    if evidence.status("good") not in (400, 422) or not (name == "good" or evidence.is_common(name)):
        return False
    return re.search(pattern, evidence.text("good")) is not None
