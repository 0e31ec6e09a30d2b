"""``doctor``: test an endpoint with good and bad deliveries, and report what to fix."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from time import monotonic, time
from typing import Any

from ..._receiver import MAX_BODY
from ..._webhook import Webhook
from ...testing import Family, generate_secret, signed_request
from .._http import (
    USER_AGENT,
    ResponseTimeoutError,
    UnreachableError,
    add_target_options,
    check_plain_http,
    target_from_args,
)
from .._options import add_secret_options, secrets_from_args
from .._terminal import colorize, print_json, print_result, print_status, print_wrapped
from ..events import sample_of_type
from ._evidence import BAD, REAL_SIZE, Evidence
from ._findings import FINDINGS, find

GIVE_UP = 15.0  # seconds for one response, as the sender does
TIME_LIMIT = 28.0  # seconds for all responses: the command ends within 30

_CHECKS = (*BAD, "good")
_JUDGED = (*_CHECKS, REAL_SIZE)  # the others help to explain these


@dataclass(frozen=True)
class _Trial:
    """A delivery to send."""

    name: str
    headers: list[tuple[str, str]]
    body: bytes
    log: str
    """What an adapter logs for it: an error code, or ``verified``."""

    @property
    def message_id(self) -> str | None:
        return next((value for name, value in self.headers if name.endswith("-id")), None)


@dataclass(frozen=True, repr=False)
class _Deliveries:
    """Creates each delivery when it is sent: its timestamp must be current."""

    payload: dict[str, Any]
    secrets: list[str] | None

    def checks(self) -> Iterator[_Trial]:
        """Yield the bad deliveries, and a good one."""
        unsigned = self._signed("unsigned", log="missing_header")
        unsigned.headers[:] = [pair for pair in unsigned.headers if not pair[0].startswith("svix-")]
        yield unsigned
        yield self._signed("forged", secret=generate_secret(), log="signature_mismatch")
        yield self._signed("stale", shift=-3600, log="timestamp_too_old")
        duplicate = self._signed("duplicate-header", log="malformed_header")
        duplicate.headers.extend([pair for pair in duplicate.headers if pair[0] == "svix-id"])
        yield duplicate
        yield self._signed("good")

    def probes(self, clock_difference: int) -> Iterator[_Trial]:
        """Yield variations of the good delivery: the one that is accepted shows why the good one is rejected."""
        # In ASCII with sorted keys, so that each of these forms changes only its spaces.
        plain = json.loads(json.dumps(self.payload, ensure_ascii=False, sort_keys=True).encode("ascii", "replace"))
        yield self._signed("reserialized", json.dumps(plain).encode())
        yield self._signed("ascii", json.dumps(plain, separators=(",", ":")).encode())
        yield self._signed("indented", json.dumps(plain, indent=2).encode())
        yield self._signed("10-min-old", shift=-600, log="timestamp_too_old")
        yield self._signed("10-min-ahead", shift=600, log="timestamp_too_new")
        yield self._signed("1-hour-ahead", shift=3600, log="timestamp_too_new")
        if clock_difference:
            yield self._signed("at-server-time", shift=clock_difference)
        yield self._signed("webhook-names", family="webhook")
        for number, secret in enumerate((self.secrets or [])[1:], 2):
            yield self._signed(f"secret-{number}", secret=secret)

    def padded(self, name: str, length: int, log: str = "verified") -> _Trial:
        """Return a good delivery that is longer than *length* bytes."""
        data = {**self.payload["data"], "public_metadata": {"padding": "x" * length}}
        return self._signed(name, {**self.payload, "data": data}, log=log)

    def _signed(
        self,
        name: str,
        payload: dict[str, Any] | bytes | None = None,
        *,
        secret: str | None = None,
        shift: int = 0,
        family: Family = "svix",
        log: str = "verified",
    ) -> _Trial:
        request = signed_request(
            self.payload if payload is None else payload,
            secret=self.secrets if secret is None else secret,
            timestamp=int(time()) + shift,
            family=family,
        )
        return _Trial(name, [USER_AGENT, *request.headers.items()], request.body, log)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Sends an unsigned, a forged, a stale, a duplicate-header and a good delivery to your endpoint, and reports\n"
        "what to fix first. If the good one is rejected, variations of it show why. The command ends within 30\n"
        "seconds. Exit code 0: all checks pass. The deliveries have an unknown event type, so your application\n"
        "creates nothing."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify doctor http://localhost:3000/webhooks/clerk
  clerk-webhook-verify doctor https://example.com/webhooks/clerk --secret-file secret.txt"""
    add_target_options(parser)
    parser.add_argument(
        "--type", "--only", metavar="T", help="send a sample of this type, which the application will act upon"
    )
    add_secret_options(parser)


def run(arguments: Namespace) -> int:
    """Send all deliveries, and print what the responses mean."""
    target = target_from_args(arguments)
    check_plain_http(target, arguments)
    payload = _unknown_event() if arguments.type is None else sample_of_type(arguments.type)
    secrets = secrets_from_args(arguments)
    evidence = Evidence(target, Webhook(secrets).fingerprints[0])
    deadline = monotonic() + TIME_LIMIT
    deliveries = _Deliveries(payload, secrets)
    trials = _send(deliveries.checks(), evidence, deadline)
    if not evidence.responses and not arguments.json:
        print_status("; ".join([str(evidence.errors["unsigned"]), *_not_tried(evidence)]))
        return 1
    if "good" in evidence.responses:
        evidence.read_clock()
        trials += _send(_further(deliveries, evidence, acts=arguments.type is not None), evidence, deadline)
    verdicts = [_verdict(trial, evidence) for trial in trials]
    ok = not evidence.not_tried and not any(verdict["finding"] for verdict in verdicts)
    if arguments.json:
        checks = [verdict for verdict in verdicts if verdict["check"] in _CHECKS]
        probes = [verdict for verdict in verdicts if verdict["check"] not in _CHECKS]
        print_json({"ok": ok, "checks": checks, "probes": probes, "not_tried": evidence.not_tried})
    else:
        _print_verdicts(verdicts, evidence)
    return 0 if ok else 1


def _unknown_event() -> dict[str, Any]:
    """Return a payload that no handler acts upon, and that re-serialization changes."""
    return {
        "data": {"id": "doctor", "first_name": "Zoë", "public_metadata": {"plan": "pro", "country": "ES"}},
        "object": "event",
        "timestamp": int(time() * 1000),
        "type": "clerk_webhook_verify.doctor",
    }


def _send(trials: Iterable[_Trial], evidence: Evidence, deadline: float) -> list[_Trial]:
    """Send deliveries while there is time, and return those that were sent."""
    sent = []
    for trial in trials:
        seconds = min(GIVE_UP, deadline - monotonic())
        if seconds <= 0 or evidence.is_silent():
            evidence.not_tried.append(trial.name)
            continue
        try:
            evidence.responses[trial.name] = evidence.target.post(trial.headers, trial.body, timeout=seconds)
        except UnreachableError as error:
            if isinstance(error, ResponseTimeoutError) and seconds < GIVE_UP:
                evidence.not_tried.append(trial.name)
                continue
            evidence.errors[trial.name] = error
        sent.append(trial)
    return sent


def _further(deliveries: _Deliveries, evidence: Evidence, *, acts: bool) -> Iterator[_Trial]:
    """Yield a longer delivery, or if the good one was rejected, variations of it until one is accepted."""
    if evidence.accepts("good"):
        if not acts:  # otherwise the application would act twice, and might reject a duplicate
            yield deliveries.padded(REAL_SIZE, 65_536)  # three times 8 KB, the metadata that Clerk stores, and the user
    elif (finding := find(evidence, "good")) and finding.is_vague:
        for probe in deliveries.probes(evidence.clock_difference):
            evidence.probes.append(probe.name)
            yield probe
            if evidence.accepts(probe.name):
                return
        if evidence.is_rejection_of_adapter("good"):
            yield deliveries.padded("oversized", MAX_BODY, log="body_too_large")


def _verdict(trial: _Trial, evidence: Evidence) -> dict[str, Any]:
    response = evidence.responses.get(trial.name)
    finding = find(evidence, trial.name) if trial.name in _JUDGED else None
    return {
        "check": trial.name,
        "ok": finding is None if trial.name in _JUDGED else evidence.accepts(trial.name),
        "status": response and response.status,
        "seconds": response and round(response.seconds, 4),
        "finding": finding and finding.code,
        "fix": finding and finding.fix.format(**evidence.facts(trial.name)),
        "message_id": trial.message_id,
        "log": trial.log,
    }


def _not_tried(evidence: Evidence) -> list[str]:
    return [f"not tried, for lack of time: {', '.join(evidence.not_tried)}"] if evidence.not_tried else []


def _print_verdicts(verdicts: list[dict[str, Any]], evidence: Evidence) -> None:
    for verdict in verdicts:
        name, status, result = verdict["check"], verdict["status"], verdict["finding"] or ""
        if name in _JUDGED:
            mark = colorize("ok  ", "green") if verdict["ok"] else colorize("FAIL", "red")
        else:
            mark, result = "    ", "accepted" if verdict["ok"] else "rejected"
        shown = f"{status} in {verdict['seconds']:.3f} s" if status else "no response"
        print_result(f"{mark}  {name:<16}  {shown:<14}  {result}".rstrip())
    for line in _not_tried(evidence):
        print_result(line)
    fixes = {verdict["finding"]: verdict["fix"] for verdict in verdicts}
    codes = [finding.code for finding in FINDINGS if finding.code in fixes]
    for code in codes:
        when = colorize("first", "red") if code == codes[0] else "then"
        print_result("")
        print_wrapped(f"{when}: {code}: {fixes[code]}")
    print_result("\nthe application's log should show, with an adapter of this library:")
    for verdict in verdicts:
        print_result(f"{verdict['check']:<16}  {verdict['log']:<18}  {verdict['message_id'] or ''}".rstrip())
    print_wrapped("If one of them is missing in the log, the delivery did not reach the adapter.")
