"""``doctor``: test an endpoint with good and bad deliveries, and report what to fix."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Any

from ..._webhook import Webhook
from .._http import ResponseTimeoutError, UnreachableError, add_target_options, check_plain_http, target_from_args
from .._options import add_secret_options, secrets_from_args
from .._terminal import colorize, print_json, print_result, print_status, print_wrapped
from ..send import sample_of_type
from ._deliveries import BAD, REAL_SIZE_NAME, Deliveries, Trial, unknown_event
from ._evidence import Evidence
from ._findings import FINDINGS, find, waits_for_body

GIVE_UP = 15.0  # seconds for one response, as the sender does
TIME_LIMIT = 28.0  # seconds for all responses: the command ends within 30

_CHECKS = (*BAD, "good")
_JUDGED = (*_CHECKS, REAL_SIZE_NAME)  # the others help to explain these


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Sends an unsigned, a forged, a stale, a duplicate-header and a good delivery to your endpoint, and reports\n"
        "what to fix first. If the good one is rejected, it also sends variations of it, to find out why. It ends\n"
        "within 30 seconds. Exit code 0: all checks pass. The deliveries have an unknown event type, so your\n"
        "application creates nothing."
    )
    parser.epilog = """\
examples:
  clerk-webhook-verify doctor http://localhost:3000/webhooks/clerk
  clerk-webhook-verify doctor https://example.com/webhooks/clerk --secret-file secret.txt
  clerk-webhook-verify doctor http://localhost:3000/webhooks/clerk --type user.created"""
    add_target_options(parser)
    parser.add_argument(
        "--type", "--only", metavar="T", help="send a sample of this type, which the application will act upon"
    )
    add_secret_options(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: Namespace) -> int:
    """Send all deliveries, and print what the responses mean."""
    target = target_from_args(arguments)
    check_plain_http(target, arguments)
    payload = unknown_event() if arguments.type is None else sample_of_type(arguments.type)
    secrets = secrets_from_args(arguments)
    evidence = Evidence(target, Webhook(secrets).fingerprints[0])
    deadline = monotonic() + TIME_LIMIT
    deliveries = Deliveries(payload, secrets)
    trials = _send(deliveries.checks(), evidence, deadline)
    errors = [response for response in evidence.responses.values() if isinstance(response, UnreachableError)]
    if len(errors) == len(evidence.responses):
        if not arguments.json:
            print_status("; ".join([str(errors[0]), *_not_tried(evidence)]))
            return 1
        trials = trials[:1]
    elif "good" in evidence.responses:
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


def _send(trials: Iterable[Trial], evidence: Evidence, deadline: float) -> list[Trial]:
    """Send deliveries while there is time, and return those that were sent."""
    sent = []
    for trial in trials:
        seconds = min(GIVE_UP, deadline - monotonic())
        is_silent = isinstance(evidence.responses.get("unsigned"), ResponseTimeoutError)
        if seconds <= 0 or is_silent or waits_for_body(evidence, "forged"):
            evidence.not_tried.append(trial.name)
            continue
        try:
            evidence.responses[trial.name] = evidence.target.post(trial.headers, trial.body, timeout=seconds)
        except UnreachableError as error:
            if isinstance(error, ResponseTimeoutError) and seconds < GIVE_UP:
                evidence.not_tried.append(trial.name)
                continue
            evidence.responses[trial.name] = error
        sent.append(trial)
    return sent


def _further(deliveries: Deliveries, evidence: Evidence, *, acts: bool) -> Iterator[Trial]:
    """Yield a longer delivery, or if the good one was rejected, variations of it until one is accepted."""
    if evidence.accepts("good"):
        if not acts:  # otherwise the application would act twice, and might reject a duplicate
            yield deliveries.of_real_size()
        return
    finding = find(evidence, "good")
    if finding is None or not finding.is_vague:
        return
    for probe in deliveries.probes(evidence.clock_difference):
        evidence.probes.append(probe.name)
        yield probe
        if evidence.accepts(probe.name):
            return
    if evidence.is_rejection_of_adapter("good"):
        yield deliveries.oversized()


def _verdict(trial: Trial, evidence: Evidence) -> dict[str, Any]:
    response = evidence.response(trial.name)
    finding = find(evidence, trial.name) if trial.name in _JUDGED else None
    return {
        "check": trial.name,
        "ok": finding is None if trial.name in _JUDGED else evidence.accepts(trial.name),
        "status": response.status if response else None,
        "seconds": round(response.seconds, 4) if response else None,
        "finding": finding.code if finding else None,
        "fix": finding.fix.format(**evidence.facts(trial.name)) if finding else None,
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
        shown = "no response" if status is None else f"{status} in {verdict['seconds']:.3f} s"
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
