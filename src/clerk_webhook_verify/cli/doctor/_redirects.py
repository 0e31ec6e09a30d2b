"""Findings about redirects, none of which the sender follows."""

from __future__ import annotations

from urllib.parse import unquote

from ._evidence import Evidence, split_url
from ._finding import FindingTable, says

_TRUST_PROXY = (
    "let the proxy send X-Forwarded-Proto and the application trust it (Django: SECURE_PROXY_SSL_HEADER, Flask: "
    "ProxyFix, uvicorn: --proxy-headers --forwarded-allow-ips)"
)

findings = FindingTable()


@findings.add(
    "redirect_loop",
    fix="The answer redirects to {location}, which is the URL that was requested. Usually TLS ends at a proxy, and an "
    f"application that redirects http to https does not know that it was requested by https: {_TRUST_PROXY}.",
)
def redirect_loop(evidence: Evidence, name: str) -> bool:
    return _is_redirect(evidence, name) and _parts(evidence.location(name)) == _parts(evidence.target.url)


@findings.add(
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


@findings.add(
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


@findings.add(
    "redirected",
    fix="The sender follows no redirect. Enter {location} in Clerk's dashboard as the endpoint's URL, slash and www "
    "included. If that is a page to log in, make the route public instead.",
)
def redirected(evidence: Evidence, name: str) -> bool:
    return _is_redirect(evidence, name)


@findings.add(
    "slash_missing",
    fix="The application's route ends in a slash, and the URL does not. Add it in Clerk's dashboard.",
)
def slash_missing(evidence: Evidence, name: str) -> bool:
    return says(evidence, name, r"doesn.{1,6}t end in a slash")  # Django in debug mode


def _is_redirect(evidence: Evidence, name: str) -> bool:
    return evidence.is_common(name, 301, 302, 303, 307, 308)


def _parts(url: str) -> tuple[str, str, int | None, str, str]:
    """Return scheme, host, port, path and query in one form, so that equal URLs are equal."""
    parts = split_url(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port, unquote(parts.path) or "/", parts.query
