"""Does the command do what its help says?"""

import importlib
import re
import subprocess
import sys

import pytest

from clerk_webhook_verify import Webhook
from clerk_webhook_verify.cli import demo, main
from clerk_webhook_verify.events._catalog import EVENTS


class TestDemo:
    def test_every_type_is_accepted_and_every_forgery_refused(self, capsys):
        assert main(["demo"]) == 0
        printed = capsys.readouterr().out
        for event_type in EVENTS:
            assert re.search(
                rf"^{re.escape(event_type)} +accepted +\w+, \d+ of \d+ fields filled$", printed, re.MULTILINE
            )
        for code in (
            "signature_mismatch", "timestamp_too_old", "timestamp_too_new", "malformed_header", "missing_header",
            "invalid_payload", "body_too_large",
        ):  # fmt: skip
            assert code in printed
        counted = re.search(
            r"(\d+) deliveries: (\d+) accepted, (\d+) refused, 0 not as it should be$", printed.rstrip()
        )
        assert int(counted[1]) == int(counted[2]) + int(counted[3])
        assert int(counted[2]) == len(EVENTS) + 3

    def test_a_verdict_that_is_not_as_it_should_be_is_told_and_fails(self, capsys, monkeypatch):
        body = b'{"type":"x","data":{}}'

        def attempts(webhook: Webhook):
            yield demo._Attempt(
                "accepted by mistake", [*webhook.signed_headers(body).items()], body, "signature_mismatch", 400
            )

        monkeypatch.setattr(demo, "_attempts", attempts)
        assert main(["demo"]) == 1
        printed = capsys.readouterr().out
        assert "<- wrong: signature_mismatch and 400 were due" in printed
        assert printed.rstrip().endswith("1 deliveries: 1 accepted, 0 refused, 1 not as it should be")


@pytest.mark.parametrize("command", [[sys.executable, "-m", "clerk_webhook_verify"], ["clerk-webhook-verify"]])
def test_it_runs_as_a_module_and_as_a_command(command):
    if command == ["clerk-webhook-verify"]:
        command = [f"{sys.exec_prefix}/bin/clerk-webhook-verify"]
    done = subprocess.run([*command, "demo"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 not as it should be" in done.stdout


def test_the_module_exits_with_the_commands_code(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["clerk_webhook_verify", "demo"])
    with pytest.raises(SystemExit) as caught:
        importlib.import_module("clerk_webhook_verify.__main__")
    assert caught.value.code == 0
    assert capsys.readouterr().out


def test_without_a_command_it_says_how_to_use_it(capsys):
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
    assert "usage: clerk-webhook-verify" in capsys.readouterr().err
