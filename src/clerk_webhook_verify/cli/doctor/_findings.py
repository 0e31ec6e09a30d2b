"""Everything that ``doctor`` can find, with the fix and the rule of each.

To add a finding, add an entry to :data:`FINDINGS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from ._evidence import BAD, REAL_SIZE, RESERIALIZED, SHIFTED, Evidence

SLOW = 5.0  # seconds

#: Whether the response to the delivery with this name shows it.
_Rule = Callable[[Evidence, str], bool]

_VERIFY = (
    "pass the request's headers and raw body to Webhook.verify, and respond 400 when it raises WebhookVerificationError"
)
_TRUST_PROXY = (
    "TLS ends at a proxy, and the application does not know that the request was https. Let the proxy send "
    "X-Forwarded-Proto and the application trust it (Django: SECURE_PROXY_SSL_HEADER, Flask: ProxyFix, uvicorn: "
    "--proxy-headers --forwarded-allow-ips)."
)
_OWN_CODE = (
    " If your own code gives this response to a bad signature, it has another secret than this command (fingerprint "
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


def _clock_differs(evidence: Evidence, name: str) -> bool:
    if name not in ("stale", "good") or not evidence.rejects_good():
        return False
    if evidence.accepts("stale"):
        return True
    return name == "good" and (evidence.accepted_probe() in SHIFTED or evidence.names_clock())


def _redirects_to_itself(evidence: Evidence, name: str) -> bool:
    return _is_redirect(evidence, name) and _parts(evidence.location(name)) == _parts(evidence.target.url)


def _parts(url: str) -> tuple[str, str | None, int | None, str, str]:
    """Return scheme, host, port, path and query in one form, so that equal URLs are equal."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:  # not a URL
        return "", None, None, url, ""
    return parts.scheme, parts.hostname, port, unquote(parts.path) or "/", parts.query


def _accepts(delivery: str) -> _Rule:
    """Return the rule that the endpoint accepts a bad delivery."""
    return lambda evidence, name: name == delivery and evidence.accepts(name)


def _in_front(*statuses: int, text: str = "", headers: str = "") -> _Rule:
    """Return the rule that something in front responds, with one of the statuses or one of the patterns."""

    def rule(evidence: Evidence, name: str) -> bool:
        return evidence.is_common(name) and (
            evidence.status(name) in statuses
            or bool(text and re.search(text, evidence.text("good"), re.DOTALL))
            or bool(headers and re.search(headers, evidence.headers("good")))
        )

    return rule


def _rejects_arguments(pattern: str) -> _Rule:
    """Return the rule that a framework rejects the endpoint's arguments, before or after it verifies the delivery."""
    return lambda evidence, name: (
        evidence.status("good") in (400, 422)
        and not evidence.accepted_probe()
        and (name == "good" or evidence.is_common(name))
        and re.search(pattern, evidence.text("good")) is not None
    )


_is_redirect = _in_front(301, 302, 303, 307, 308)
_has_invalid_body = _rejects_arguments(
    r'"loc"\s*:\s*\[\s*"body"|validation (?:failed|error)|this field is required|missing data for required field'
)

#: The most urgent first. A delivery has the first one whose rule matches.
FINDINGS = [
    # What everything depends on: signatures are checked, and the endpoint responds.
    Finding(
        "accepts_unsigned",
        _accepts("unsigned"),
        f"ANYONE CAN SEND YOU EVENTS: nothing is verified. First, {_VERIFY}. If the application's log does not show "
        "the request, something in front responds: compare the URL with your routes.",
    ),
    Finding(
        "accepts_forgery",
        _accepts("forged"),
        f"ANYONE CAN SEND YOU EVENTS: no signature is checked. First, {_VERIFY}.",
    ),
    Finding(
        "page_answers",
        lambda evidence, name: evidence.is_page() and evidence.is_success(name),
        "Every delivery gets a web page with {reason}: a frontend's catch-all route, a placeholder or a login page. "
        "Clerk counts the events as delivered, but no handler gets them. Compare the URL with your handler's, and put "
        f"its route before the catch-all. If your handler returns this page, {_VERIFY}.",
    ),
    Finding(
        "rejects_with_2xx",
        lambda evidence, name: name in BAD and evidence.rejects_in_text(name),
        "The text rejects the delivery, but with {reason}. Clerk counts every 2xx as delivered and does not retry. "
        "Respond 400 when Webhook.verify raises WebhookVerificationError.",
    ),
    Finding(
        "waits_for_body",
        lambda evidence, name: name == "forged" and evidence.is_silent() and "unsigned" in evidence.responses,
        "The application rejects a delivery without the headers at once, but waits in vain for the body of one with "
        "all headers: {reason}. Usually a middleware, a logger or an agent has read the body. Verify first, or let the "
        "middleware pass it on unchanged.",
    ),
    Finding(
        "no_answer",
        lambda evidence, name: name != REAL_SIZE and name in evidence.errors,
        "{reason}. Look for this request in the application's log: a crash closes the connection. If the work takes "
        "long, do it in the background.",
    ),
    # Redirects, none of which the sender follows.
    Finding(
        "redirect_loop",
        _redirects_to_itself,
        f"The response redirects to the requested URL, {{location}}. Usually {_TRUST_PROXY}",
    ),
    Finding(
        "redirect_to_http",
        lambda evidence, name: (
            _is_redirect(evidence, name)
            and evidence.target.scheme == "https"
            and evidence.location(name).lower().startswith("http:")
        ),
        f"The response redirects from https to {{location}}: {_TRUST_PROXY} Then run doctor again, and never enter an "
        "http URL in Clerk's dashboard.",
    ),
    Finding(
        "redirected",
        _is_redirect,
        "The sender follows no redirect. Enter {location} in Clerk's dashboard as the endpoint's URL, slash and www "
        "included. If that is a login page, make the route public instead. To test over plain http, switch a redirect "
        "to https off (Django: SECURE_SSL_REDIRECT).",
    ),
    Finding(
        "slash_missing",
        _in_front(text=r"doesn.{1,6}t end in a slash"),  # Django in debug mode
        "The URL lacks the slash at the end of the application's route. Add it in Clerk's dashboard.",
    ),
    # What responds in front of the verification: a proxy, a gateway, a middleware, the framework.
    Finding(
        "airplay_receiver",
        _in_front(headers="server: airtunes|x-apple-processingtime:"),
        "macOS's AirPlay Receiver responds, not the application: it uses port 5000, Flask's default. Start the "
        "application on another port (flask run --port 3000), or switch off AirPlay Receiver in System Settings.",
    ),
    Finding(
        "host_not_allowed",
        _in_front(
            421,
            text=r"allowed hosts|disallowedhost|invalid (?:http )?host\W|request hostname is invalid"
            r"|blocked (?:hosts?|request)|host .{0,200}\bis not (?:trusted|allowed)|host does not match sni"
            r"|<h1>bad request \(400\)</h1>",
        ),
        "The URL's host name is not allowed. Allow it (Django: ALLOWED_HOSTS, Starlette: TrustedHostMiddleware, Flask: "
        "TRUSTED_HOSTS), or let the tunnel send an allowed name (ngrok http --host-header=rewrite). If it is allowed, "
        "read the log: Django responds the same when a view raises BadRequest or SuspiciousOperation.",
    ),
    Finding(
        "http_to_https_port",
        _in_front(
            text=r"plain http request was sent to https port|sent an http request to an https server"
            r"|speaking plain http to an ssl-enabled|combination of host and port requires tls"
        ),
        "The port expects https: use an https URL.",
    ),
    Finding(
        "csrf_protection",
        # Pages have a csrf-token in their head, and a field csrf_token in their forms.
        _in_front(text=r"csrf (?:verification|failed|(?:session )?tokens? (?:is|has|do|mismatch))|invalid csrf token"),
        "CSRF protection rejects every delivery. Exempt the route (Django: @csrf_exempt).",
    ),
    Finding(
        "api_gateway_route",
        _in_front(
            text=r"missing authentication token|^\s*{\s*\"message\"\s*:\s*\"forbidden\"\s*}\s*$"
            r"|no route matched with those values|user is not authorized to access this resource"
        ),
        "An API gateway responds{server}, not the application: it has no route for this path, stage and method, or one "
        "with an API key or an authorizer. The stage (/prod, /dev) is part of the path unless a custom domain maps it."
        + _OWN_CODE,
        is_vague=True,
    ),
    Finding(
        "cdn_rejects_post",
        _in_front(
            text=r"not configured to allow the http request method|<code>(?:accessdenied|methodnotallowed)</code>"
            r"|supports only cached? requests|specified method is not allowed against this resource"
        ),
        "A CDN or a storage bucket responds{server}, not the application. Let it pass POST with all headers and the "
        "body for this path (CloudFront: allowed HTTP methods, origin request policy AllViewer), or enter the "
        "application's own URL in Clerk's dashboard.",
    ),
    Finding(
        "invocation_not_public",
        _in_front(
            text=r"your client does not have permission to get url|function url authorization"
            r"|access is forbidden to invoker"
        ),
        "The platform responds{server}, not the application. Allow everyone to call it (Cloud Run and Cloud Functions: "
        "the role Invoker for allUsers; Lambda function URL: auth type NONE): the signature protects it.",
    ),
    Finding(
        "firewall_in_front",
        _in_front(
            text=r"attention required! \| cloudflare|just a moment\.\.\.|error code: 10\d\d|incapsula|sucuri"
            r"|mod ?security|security checkpoint|access denied.{0,2000}reference"
            r"|appropriate representation of the requested",
            headers="cf-mitigated:",
        ),
        "A firewall or bot protection responds{server}, not the application. Let it pass POST for this path, at least "
        "from the addresses of Svix: see docs/allowlist.md.",
    ),
    Finding(
        "gateway_error",
        _in_front(*range(502, 600), text=r"this web app is stopped|web app - unavail"),
        "A proxy, tunnel or platform responds{server}, not the application. Check that it runs, on the expected port, "
        "and does not crash.",
    ),
    Finding(
        "auth_in_front",
        _in_front(401, 403),
        "Something in front of the verification rejects every delivery{server}. Make the route public: no login, no "
        "CSRF protection (Django: @csrf_exempt), no firewall, no deployment protection of the platform." + _OWN_CODE,
        is_vague=True,
    ),
    Finding(
        "not_found",
        _in_front(404),
        "Nothing responds at this path. Compare it with the application's routes, their prefix and the slash at the "
        "end; behind a tunnel, check that it still runs.",
    ),
    Finding(
        "method_not_allowed",
        _in_front(405, 501),
        "The route does not take POST (Flask: methods=['POST'], FastAPI: @app.post), or a server of static files "
        "responds, not the application.",
    ),
    Finding(
        "unsupported_media_type",
        _in_front(415),
        "The route does not take application/json. Accept it, and verify the raw body.",
    ),
    Finding(
        "unresolved_parameter",
        _rejects_arguments(r'"loc"\s*:\s*\[\s*"(?:query|path|cookie|header",\s*"(?!svix|webhook))'),
        "The framework looks for a parameter of the endpoint in the URL, the headers or the cookies. FastAPI does so "
        "if it cannot resolve an annotation: with from __future__ import annotations, define the dependency at module "
        "level, and write event: Annotated[Event, Depends(clerk)].",
    ),
    Finding(
        "body_model_first",
        lambda evidence, name: (
            (evidence.is_common(name) and evidence.status(name) == 422) or _has_invalid_body(evidence, name)
        ),
        "The framework validates the body with a model of the endpoint, and rejects it. Declare no body model: verify "
        "the raw request, and use the event that comes back (FastAPI: event: Annotated[Event, Depends(clerk)]).",
        is_vague=True,
    ),
    Finding(
        "rate_limited",
        lambda evidence, name: evidence.status(name) == 429,
        "A rate limit rejects deliveries. Exempt the route.",
    ),
    Finding(
        "server_error",
        lambda evidence, name: (
            evidence.status(name) == 500 and (evidence.is_common(name) or evidence.is_rejection_of_adapter(name))
        ),
        "The application fails at every delivery. Read its log: often CLERK_WEBHOOK_SIGNING_SECRET is not set, or "
        "something reads the body before the verification.",
    ),
    Finding(
        "blocked_in_front",
        _in_front(*range(300, 400), *range(401, 500)),
        "Every delivery gets {reason}, also an unsigned one: a proxy, a middleware or the platform responds{server}, "
        "in front of the verification. Read its configuration and its log." + _OWN_CODE,
        is_vague=True,
    ),
    # The application rejects the good delivery, or fails.
    Finding(
        "handler_fails",
        lambda evidence, name: name == "good" and evidence.status(name) >= 500,
        "The application fails at a good delivery. Read its log.",
    ),
    Finding(
        "clock_differs",
        _clock_differs,
        "The signature matches, but the application's clock differs from this machine's: {clock}. Synchronize the one "
        "that is wrong (Linux: timedatectl set-ntp true; restart a container or virtual machine that was suspended), "
        "and compare Unix seconds, never local times.",
    ),
    Finding(
        "verifies_reserialized",
        lambda evidence, name: name == "good" and evidence.accepted_probe() in RESERIALIZED,
        "The application verifies other bytes than arrive: it rejects the good delivery and accepts its variation "
        "{probe}. The handler or a middleware parses the JSON and dumps it again, or decodes the body in another "
        "charset. Pass the raw body to Webhook.verify (Flask: request.get_data(), FastAPI: await request.body(), "
        "Django: request.body). If an adapter reads it, exempt this route from the middleware.",
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
        "The headers svix-id, svix-timestamp and svix-signature do not arrive as they were sent: a proxy or CDN "
        "removes, renames or repeats them. Let it pass all headers (CloudFront: origin request policy AllViewer). The "
        "application's log shows missing_header or malformed_header; if it shows signature_mismatch, they do arrive, "
        "and the secret is another one.",
    ),
    Finding(
        "other_secret",
        lambda evidence, name: name == "good" and evidence.accepted_probe().startswith("secret-"),
        "The application has another one of the secrets that you passed, not the first: {probe}. Pass only this "
        "endpoint's here, and set it in the application.",
    ),
    Finding(
        "event_refused",
        lambda evidence, name: name == "good" and evidence.rejects_good() and evidence.distinguishes_forged(),
        "The handler does not respond 2xx. The signature seems to pass, as a forged delivery gets another response. "
        "Respond 204 to types that it does not handle, or try --type with one that it does.",
        is_vague=True,
    ),
    Finding(
        "signature_refused",
        lambda evidence, name: name == "good" and evidence.rejects_good(),
        "A good delivery is rejected like a forged one. If the application's log shows another code than "
        "signature_mismatch for this message id, do what its message says. Otherwise, the application most likely has "
        "another secret than this command: compare the fingerprint {fingerprint} with those in the log. If it has this "
        "one, it verifies other bytes than arrive: capture a delivery there and run clerk-webhook-verify diagnose. If "
        "it rejects unknown types, try --type user.created.",
        is_vague=True,
    ),
    Finding(
        "refusal_not_caught",
        lambda evidence, name: name in BAD and evidence.status(name) >= 500,
        "A rejected delivery crashes the application. Let Webhook.verify look up the three headers, and respond 400 "
        "when it raises WebhookVerificationError.",
    ),
    # The application accepts a delivery that it should reject, or only short ones.
    Finding(
        "accepts_stale",
        _accepts("stale"),
        "A delivery an hour old is accepted, so a recorded one can be replayed. Check the timestamp, as Webhook.verify "
        "does with its tolerance of 300 s.",
    ),
    Finding(
        "accepts_doubled_header",
        _accepts("duplicate-header"),
        "A delivery with two svix-id headers is accepted: a proxy and the application may read different ones. Pass "
        "all headers to Webhook.verify unchanged, not as a dict.",
    ),
    Finding(
        "body_limit",
        lambda evidence, name: name == REAL_SIZE and not evidence.accepts(name),
        "A good delivery is accepted if it is short, but not if it has 64 KB, as with much metadata: {reason}{server}. "
        "Raise the limit of the application (max_body of the adapter, Flask: MAX_CONTENT_LENGTH, Django: "
        "DATA_UPLOAD_MAX_MEMORY_SIZE) and of the proxy (nginx: client_max_body_size; a firewall may reject more than "
        "8 KB).",
    ),
    Finding(
        "slow",
        lambda evidence, name: name == "good" and evidence.accepts(name) and evidence.response(name).seconds > SLOW,
        "The response takes longer than 5 s, and the sender gives up after 15 s. Do the work in the background.",
    ),
]
