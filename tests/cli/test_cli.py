"""The command line, except for the commands that have their own test file."""

import base64
import importlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
import time
from typing import get_args

import pytest
from helpers.marks import needs_posix
from helpers.signer import BODY, NOW, OTHER_SECRET, SECRET, signed_headers

from clerk_webhook_verify import Webhook, cli
from clerk_webhook_verify.cli import demo, main
from clerk_webhook_verify.cli._terminal import colorize
from clerk_webhook_verify.events import EventType


class TestDemo:
    def test_accepts_every_type_and_rejects_every_forgery(self, capsys):
        assert main(["demo"]) == 0
        printed = capsys.readouterr().out
        for event_type in get_args(EventType):
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
        assert int(counted[2]) == len(get_args(EventType)) + 3

    def test_an_unexpected_verdict_is_reported_and_exits_1(self, capsys, monkeypatch):
        body = b'{"type":"x","data":{}}'

        def attempts(webhook: Webhook):
            yield demo._Attempt(
                "unexpectedly accepted", [*webhook.signed_headers(body).items()], body, "signature_mismatch", 400
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


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Writes a file and gives its name; the secret is in the environment."""
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)

    def write(content: bytes | str, name: str = "stored") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return f"@{path}"

    return write


def record(headers=None, body=BODY, **more) -> str:
    """One line of NDJSON."""
    headers = signed_headers(body, timestamp=int(time.time())) if headers is None else headers
    return json.dumps({"type": "event", "headers": headers, "body_b64": base64.b64encode(body).decode(), **more}) + "\n"


def outcome(capsys, *arguments: str) -> tuple[int, str, str]:
    code = main(list(arguments))
    printed = capsys.readouterr()
    for text in (printed.out, printed.err):
        assert SECRET not in text
        assert "Traceback" not in text
    return code, printed.out, printed.err


class TestUse:
    """What is common to all commands."""

    def test_help_names_all_commands_and_each_has_examples(self, capsys):
        for arguments in (["--help"], *([name, "--help"] for name in cli._COMMANDS)):
            with pytest.raises(SystemExit) as caught:
                main(arguments)
            assert caught.value.code == 0
            printed = capsys.readouterr().out
            if len(arguments) == 1:
                assert all(f"    {name} " in printed for name in cli._COMMANDS)
            elif arguments[0] != "demo":
                assert re.search(rf"examples?:\n  clerk-webhook-verify {arguments[0]}", printed)

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ([], "COMMAND"),
            (["verfy"], "verfy"),
            (["verify"], "give either --delivery, or --payload"),
            (["verify", "--delivery", "@a", "--payload", "@b"], "give either --delivery, or --payload"),
            (["verify", "--delivery", "@a", "--id", "msg_1"], "go with --payload"),
            (["verify", "--payload", "@a", "--id"], "expected one argument"),
            (["verify", "--deliv", "@a"], "--deliv"),
            (["verify", "--payload", "@/no/such/file", "--id", "a"], "No such file"),
            (["verify", "--payload", "body.json"], "takes @FILE or -"),
            (["verify", "--payload", "whsec_abc"], "--payload contains a signing secret: put it into a file"),
            (["verify", "--payload", "@whsec_abc"], "--payload contains a signing secret"),
            (["verify", "--payload", "@\0"], "not a file name"),
            (["verify", "whsec_abc"], "signing secret in arguments: use --secret-file"),
            (["verify", "--payload", "-", "--secret-file", "-"], "only one input can be -"),
            (["verify", "--payload", "@a", "--tolerance", "-1"], "--tolerance"),
            (["verify", "--payload", "@a", "--at", "inf"], "--at"),
            (["verify", "--payload", "@a", "--secret", "whsec_abc"], "decodes to 2 bytes"),
            (["sign", "--payload", "@a", "--timestamp", "soon"], "--timestamp"),
            (["events", "user.creatd"], "did you mean user.created"),
            (["events", "whsec_abc"], "the event type contains a signing secret"),
            (["events", "7"], "see clerk-webhook-verify events"),
            (["secret", "show"], "generate"),
        ],
        ids=repr,
    )
    def test_invalid_arguments_are_reported_in_one_line(self, capsys, monkeypatch, arguments, expected):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        code, out, err = outcome(capsys, *arguments)
        assert (code, out) == (2, "")
        assert expected in err
        assert err.count("\n") == 1
        assert "whsec_abc" not in err

    def test_exits_2_without_a_secret(self, capsys, monkeypatch, stored):
        monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
        monkeypatch.delenv("CLERK_WEBHOOK_SECRET", raising=False)
        for command in ("verify", "diagnose", "sign"):
            code, out, err = outcome(capsys, command, "--payload", stored(BODY))
            assert (code, out) == (2, "")
            assert "CLERK_WEBHOOK_SIGNING_SECRET is not set" in err

    def test_the_secret_from_a_file_from_standard_input_and_from_the_command_line(self, capsys, monkeypatch, stored):
        delivery = stored(record())
        monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
        secret_file = stored(f"{OTHER_SECRET}\n{SECRET}\n", "secret")[1:]
        assert outcome(capsys, "verify", "--delivery", delivery, "--secret-file", secret_file)[0] == 0
        assert outcome(capsys, "verify", "--delivery", delivery, "--secret", OTHER_SECRET, "--secret", SECRET)[0] == 0
        assert outcome(capsys, "verify", "--delivery", delivery, "--secret", OTHER_SECRET)[0] == 1
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SECRET.encode())))
        assert outcome(capsys, "verify", "--delivery", delivery, "--secret-file", "-")[0] == 0
        code, _, err = outcome(capsys, "verify", "--delivery", delivery, "--secret-file", stored("", "empty")[1:])
        assert code == 2
        assert "is empty" in err

    def test_an_unreadable_secret_file(self, capsys, stored, tmp_path):
        code, _, err = outcome(capsys, "verify", "--delivery", stored(record()), "--secret-file", str(tmp_path))
        assert code == 2
        assert "--secret-file cannot be read" in err

    def test_exits_130_when_interrupted(self, capsys, monkeypatch):
        def interrupted(arguments):
            raise KeyboardInterrupt

        monkeypatch.setattr("clerk_webhook_verify.cli.secret.run", interrupted)
        assert outcome(capsys, "secret", "generate") == (130, "", "")

    @needs_posix
    def test_exits_1_when_stdout_is_closed(self, monkeypatch):
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "w") as stdout:
            monkeypatch.setattr(sys, "stdout", stdout)
            assert main(["secret", "generate"]) == 1

    def test_output_is_escaped_for_the_encoding_of_the_terminal(self):
        argument = "user.créé".encode()  # bytes, since the tests may run in a locale that has no such letter
        command = [sys.executable, "-m", "clerk_webhook_verify", "events", argument]
        environment = os.environ | {"PYTHONIOENCODING": "ascii"}
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
        assert done.returncode == 2
        assert b"Traceback" not in done.stderr

    def test_colors_only_on_a_terminal_without_no_color(self, monkeypatch, capsys):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        assert colorize("x", "red") == "\x1b[31mx\x1b[0m"
        monkeypatch.setenv("NO_COLOR", "1")
        assert colorize("x", "red") == "x"


class TestVerify:
    def test_a_genuine_delivery(self, capsys, stored):
        headers = signed_headers(BODY, timestamp=int(time.time()))
        code, out, err = outcome(capsys, "verify", "--delivery", stored(record(headers)))
        assert (code, err) == (0, "")
        assert out.startswith("genuine: user.created, message id msg_")
        code, out, err = outcome(capsys, "verify", "--json", "--delivery", stored(record(headers)))
        assert (code, err) == (0, "")
        assert json.loads(out) == {
            "valid": True,
            "type": "user.created",
            "message_id": headers["svix-id"],
            "timestamp": int(headers["svix-timestamp"]),
            "secret_fingerprint": Webhook(SECRET).fingerprints[0],
        }

    def test_the_parts_of_a_delivery(self, capsys, stored, monkeypatch):
        headers = signed_headers(BODY, timestamp=int(time.time()))
        parts = [
            *("--id", headers["svix-id"], "--timestamp", headers["svix-timestamp"]),
            *("--signature", headers["svix-signature"]),
        ]
        assert outcome(capsys, "verify", "--payload", stored(BODY), *parts)[0] == 0
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BODY)))
        assert outcome(capsys, "verify", "--payload", "-", *parts)[0] == 0
        code, out, _ = outcome(capsys, "verify", "--payload", stored(BODY), *parts[:4])
        assert code == 1
        assert out.startswith("refused: missing_header: the request has no svix-signature")

    def test_an_old_delivery_is_genuine_at_its_own_time(self, capsys, stored):
        delivery = stored(record(signed_headers(BODY)))
        code, out, _ = outcome(capsys, "verify", "--delivery", delivery)
        assert code == 1
        assert "timestamp_too_old: the delivery is genuine but was signed" in out
        assert out.endswith(f"; --at {NOW} judges it as of its own time\n")
        assert outcome(capsys, "verify", "--delivery", delivery, "--at", str(NOW))[0] == 0
        assert outcome(capsys, "verify", "--delivery", delivery, "--at", str(NOW + 301))[0] == 1
        assert outcome(capsys, "verify", "--delivery", delivery, "--at", str(NOW + 301), "--tolerance", "301")[0] == 0

    def test_all_of_several_are_checked(self, capsys, stored):
        lines = record() + record(body=b"{}") + record(signed_headers(b"another"))
        code, out, _ = outcome(capsys, "verify", "--delivery", stored(lines))
        assert code == 1
        assert [line.split(":")[:3] for line in out.splitlines()] == [
            ["line 1", " genuine", " user.created, message id msg_p5jXN8AQM9LWM0D4loKWxJek, signed at "
             + out.split("signed at ")[1].split(",")[0] + ", secret " + Webhook(SECRET).fingerprints[0]],
            ["line 2", " refused", " invalid_payload"],
            ["line 3", " refused", " signature_mismatch"],
        ]  # fmt: skip
        code, out, _ = outcome(capsys, "verify", "--json", "--delivery", stored(lines))
        assert [json.loads(line).get("code") for line in out.splitlines()] == [
            None, "invalid_payload", "signature_mismatch",
        ]  # fmt: skip

    def test_text_from_outside_is_escaped(self, capsys, stored):
        body = '{"type":"\x1b[2Jüser","data":{}}'.replace("\x1b", "\\u001b").encode()
        code, out, _ = outcome(capsys, "verify", "--delivery", stored(record(body=body)))
        assert code == 0
        assert "genuine: \\x1b[2Jüser" in out


class TestDiagnose:
    def test_a_genuine_delivery(self, capsys, stored):
        code, out, _ = outcome(capsys, "diagnose", "--delivery", stored(record()))
        assert (code, out) == (0, "valid: the signature matches and the timestamp is current\n")

    def test_a_missing_header_needs_no_elimination(self, capsys, stored):
        code, out, _ = outcome(capsys, "diagnose", "--payload", stored(BODY))
        assert code == 1
        assert out.startswith("rejected: missing_header (confirmed)\n  evidence: there is no svix-id")
        assert "ruled out" not in out

    def test_cause_evidence_and_fix(self, capsys, stored):
        headers = signed_headers(BODY, timestamp=int(time.time()))
        delivery = stored(record(headers, body=BODY + b"\n"))
        code, out, _ = outcome(capsys, "diagnose", "--delivery", delivery)
        assert code == 1
        assert out.splitlines()[0] == "rejected: trailing_newline (confirmed)"
        assert "evidence: the signature matches without the trailing newline" in out
        assert "fix: verify the" in out
        assert "ruled out: asymmetric_only" in out
        code, out, _ = outcome(capsys, "diagnose", "--json", "--delivery", delivery)
        assert code == 1
        answer = json.loads(out)
        assert (answer["valid"], answer["cause"], answer["confidence"]) == (False, "trailing_newline", "confirmed")
        assert answer.keys() == {"valid", "cause", "confidence", "evidence", "fix", "ruled_out"}
        assert "empty_body" in answer["ruled_out"]

    def test_several_secrets(self, capsys, stored):
        delivery = stored(record())
        assert outcome(capsys, "diagnose", "--delivery", delivery, "--secret", OTHER_SECRET, "--secret", SECRET)[0] == 0
        code, out, _ = outcome(capsys, "diagnose", "--delivery", delivery, "--secret", OTHER_SECRET)
        assert (code, out.splitlines()[0]) == (1, "rejected: wrong_secret (by_elimination)")

    def test_the_headers_of_another_delivery_in_the_file(self, capsys, stored):
        first = signed_headers(BODY, timestamp=int(time.time()))
        second = signed_headers(b"another", message_id="msg_2", timestamp=int(time.time()) - 20_000)
        for name, what in (("svix-id", "id"), ("svix-timestamp", "timestamp")):
            mixed = first | {name: second[name]}
            lines = record(mixed) + record(first, body=b"")
            code, out, _ = outcome(capsys, "diagnose", "--delivery", stored(lines))
            assert code == 1
            assert out.startswith("line 1: rejected: other_attempt (confirmed)")
            assert f"with the {what} of another delivery" in out
        swapped = first | {name: second[name] for name in ("svix-id", "svix-timestamp")}
        lines = record(swapped) + record(first, body=b"")
        assert (
            "with the id and timestamp of another delivery"
            in outcome(capsys, "diagnose", "--delivery", stored(lines))[1]
        )

    def test_reports_whether_an_old_delivery_was_old_when_captured(self, capsys, stored):
        for received_at, expected in (
            (NOW + 5.5, "; when it was captured, its timestamp was current"),
            (NOW + 4000, "; when it was captured, it was already 4000 s old"),
            (None, "evidence: "),
        ):
            delivery = stored(record(signed_headers(BODY), received_at=received_at))
            code, out, _ = outcome(capsys, "diagnose", "--delivery", delivery)
            assert code == 1
            assert out.startswith("rejected: timestamp_too_old (confirmed)")
            assert expected in " ".join(out.split())
        assert outcome(capsys, "diagnose", "--delivery", delivery, "--at", str(NOW))[0] == 0


class TestSign:
    def test_verify_accepts_what_it_signs(self, capsys, stored):
        payload = stored(BODY)
        code, out, _ = outcome(capsys, "sign", "--payload", payload)
        assert code == 0
        headers = dict(line.split(": ") for line in out.splitlines())
        assert [*headers] == ["svix-id", "svix-timestamp", "svix-signature"]
        assert Webhook(SECRET).verify(headers, BODY).type == "user.created"
        code, out, _ = outcome(capsys, "sign", "--json", "--payload", payload, "--id", "msg_7", "--timestamp", str(NOW))
        assert json.loads(out) == signed_headers(BODY, message_id="msg_7")

    def test_a_curl_command_is_ready_to_run_and_to_verify(self, capsys, stored, monkeypatch):
        _, out, _ = outcome(capsys, "sign", "--payload", stored(BODY, "it's.json"), "--curl", "http://localhost/it's")
        words = shlex.split(out.replace("\\\n", " "))
        assert words[:3] == ["curl", "--request", "POST"]
        assert words[-1] == "http://localhost/it's"
        assert words[words.index("--data-binary") + 1].endswith("it's.json")
        headers = dict(word.split(": ") for word in words if word.startswith("svix-"))
        assert Webhook(SECRET).verify(headers, BODY).type == "user.created"
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BODY)))
        assert "--data-binary '@-'" in outcome(capsys, "sign", "--payload", "-", "--curl", "http://localhost/")[1]

    @pytest.mark.parametrize("wrong", [["--id", "a.b"], ["--timestamp", "-1"]])
    def test_rejects_an_invalid_id_or_timestamp(self, capsys, stored, wrong):
        code, _, err = outcome(capsys, "sign", "--payload", stored(BODY), *wrong)
        assert code == 2
        assert "must be" in err


class TestEventsAndSecret:
    def test_the_list_and_a_sample(self, capsys):
        code, out, _ = outcome(capsys, "events")
        assert code == 0
        assert re.search(r"^user.created\n    .*\bemail_addresses\b", out, re.MULTILINE)
        listed = json.loads(outcome(capsys, "events", "--json")[1])
        assert listed.keys() == set(get_args(EventType))
        assert "email_addresses" in listed["user.created"]
        assert json.loads(outcome(capsys, "events", "user.created")[1])["type"] == "user.created"

    def test_generates_a_new_secret_each_time(self, capsys):
        secrets = set()
        for _ in range(3):
            assert main(["secret", "generate"]) == 0
            secrets.add(capsys.readouterr().out.strip())
        assert len(secrets) == 3
        assert all(Webhook(secret) for secret in secrets)
