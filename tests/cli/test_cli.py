"""The command line, except for the commands that have their own test file."""

import base64
import contextlib
import importlib
import io
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import time
from typing import get_args
from unittest.mock import Mock

import pytest
from helpers.marks import needs_posix, slow
from helpers.signer import BODY, NOW, OTHER_SECRET, SECRET, signed_headers

from clerk_webhook_verify import Webhook, __version__, cli
from clerk_webhook_verify.cli import demo, main
from clerk_webhook_verify.cli._http import Response, Target
from clerk_webhook_verify.cli._terminal import colorize
from clerk_webhook_verify.events import EventType
from clerk_webhook_verify.testing import Fault, signed_request


class TestDemo:
    def test_accepts_every_type_and_rejects_every_forgery(self, capsys):
        assert main(["demo"]) == 0
        printed = capsys.readouterr().out
        for event_type in get_args(EventType):
            assert re.search(rf"^{re.escape(event_type)} +accepted +[A-Z]\w+$", printed, re.MULTILINE)
        for code in (
            "signature_mismatch", "timestamp_too_old", "timestamp_too_new", "malformed_header", "missing_header",
            "invalid_payload", "body_too_large",
        ):  # fmt: skip
            assert code in printed
        counted = re.search(r"(\d+) deliveries: (\d+) accepted, (\d+) rejected, 0 not as expected$", printed.rstrip())
        assert int(counted[1]) == int(counted[2]) + int(counted[3])
        assert int(counted[2]) == len(get_args(EventType)) + 3

    def test_an_unexpected_verdict_is_reported_and_exits_1(self, capsys, monkeypatch):
        def without_fault(payload, *, fault=None, **options):
            return signed_request(payload, **options)

        monkeypatch.setattr(demo, "signed_request", without_fault)
        assert main(["demo"]) == 1
        printed = capsys.readouterr().out
        assert re.search(r"^other_secret +accepted .*   <- expected: rejected$", printed, re.MULTILINE)
        assert printed.rstrip().endswith(f" {len(get_args(Fault))} not as expected")


@pytest.mark.parametrize("command", [[sys.executable, "-m", "clerk_webhook_verify"], ["clerk-webhook-verify"]])
def test_it_runs_as_a_module_and_as_a_command(command):
    if command == ["clerk-webhook-verify"]:
        command = [f"{sys.exec_prefix}/bin/clerk-webhook-verify"]
    done = subprocess.run([*command, "demo"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 not as expected" in done.stdout


def test_the_module_exits_with_the_commands_code(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["clerk_webhook_verify", "demo"])
    with pytest.raises(SystemExit) as caught:
        importlib.import_module("clerk_webhook_verify.__main__")
    assert caught.value.code == 0
    assert capsys.readouterr().out


@pytest.fixture
def stored(tmp_path, monkeypatch):
    """Write a file and return its name; the secret is in the environment."""
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
    """Behavior of all commands."""

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
            (["verfy"], "verfy"),
            (["--verbose", "verify"], "--verbose"),
            (["verify"], "pass the stored deliveries once, as FILE or as --delivery FILE"),
            (["verify", "--delivery", "@a", "--payload", "@b"], "pass either stored deliveries, or --payload"),
            (["verify", "--delivery", "@a", "--id", "msg_1"], "go with --payload"),
            (["verify", "--payload", "@a", "--id"], "expected one argument"),
            (["verify", "--deliv", "@a"], "--deliv"),
            (["verify", "--payload", "@/no/such/file", "--id", "a"], "No such file"),
            (["verify", "a", "--delivery", "b"], "pass the stored deliveries once, as FILE or as --delivery FILE"),
            (["verify", "a", "--id", "msg_1"], "go with --payload"),
            (["verify", "--payload", '{"type": "user.created"}'], "--payload takes a file: write the text into one"),
            (["verify", "--payload", "@[1]"], "--payload takes a file: write the text into one"),
            (["verify", "--payload", "whsec_abc"], "signing secret in arguments: use --secret-file"),
            (["verify", "--payload", "@whsec_abc"], "signing secret in arguments"),
            (["verify", "--payload", "@\0"], "not a file name"),
            (["verify", "whsec_abc"], "signing secret in arguments"),
            (["verify", "a", "whsec_abc"], "signing secret in arguments: use --secret-file"),
            (["verify", "a", "whsec_+abc"], "signing secret in arguments"),
            (["verify", "--secret-file", "whsec_/abc"], "signing secret in arguments"),
            (["whsec_/abc"], "signing secret in arguments"),
            (["replay", "--delivery", "a", "http://localhost/whsec_abc"], "signing secret in arguments"),
            (["verify", "--payload", "a", "--signature", "whsec_abc"], "signing secret in arguments"),
            (["sign", "--payload", "a", "--id", "whsec_abc"], "signing secret in arguments"),
            (["send", "http://localhost/whsec_abc"], "signing secret in arguments"),
            (["verify", "--payload", "-", "--secret-file", "-"], "only one input can be -"),
            (["verify", "--payload", "@-", "--secret-file", "@-"], "only one input can be -"),
            (["verify", "--payload", "@a", "--tolerance", "-1"], "argument --tolerance: takes seconds, 0 or more;"),
            (["verify", "--payload", "@a", "--tolerance", "x"], "argument --tolerance: takes seconds, 0 or more;"),
            (["verify", "--payload", "@a", "--at", "inf"], "argument --at: takes Unix seconds, or now;"),
            (["verify", "--payload", "@a", "--at", "today"], "argument --at: takes Unix seconds, or now;"),
            (["verify", "--payload", "@a", "--secret", "whsec_abc"], "decodes to 2 bytes"),
            (["sign", "--payload", "@a", "--timestamp", "soon"], "--timestamp"),
            (["events", "user.creatd"], "did you mean user.created"),
            (["events", "whsec_abc"], "signing secret in arguments"),
            (["events", "7"], "see clerk-webhook-verify events"),
            (["events", "user.created", "--plain"], "pass one of TYPE, --type TYPE, --plain and --json"),
            (["events", "user.created", "--only", "user.deleted"], "pass one of TYPE, --type TYPE, --plain and"),
            (["secret", "show"], "generate"),
            (["secret"], "required: action"),
            (["secret", "generate", "--secret", "whsec_abc"], "--secret, --secret-file and --json go with"),
            (["secret", "fingerprint", "--output", "a"], "--output and --env go with secret generate"),
            (["secret", "fingerprint", "--secret", "whsec_abc"], "decodes to 2 bytes"),
            (["secret", "generate", "--output", "/no/whsec_abc"], "signing secret in arguments"),
            (["secret", "generate", "--output", "/no/such/folder/file"], "--output cannot be written: '/no/such"),
            (["secret", "generate", "--output", "a\0b"], "not a file name"),
        ],
        ids=repr,
    )
    def test_invalid_arguments_are_reported_in_one_line(self, capsys, monkeypatch, arguments, expected):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        code, out, err = outcome(capsys, *arguments)
        assert (code, out) == (2, "")
        assert expected in err
        assert err.count("\n") == 1
        assert "abc" not in err

    def test_help_is_printed_without_arguments(self, capsys):
        code, out, err = outcome(capsys)
        assert (code, err) == (0, "")
        assert out.startswith("usage: clerk-webhook-verify")
        assert all(f"    {name} " in out for name in cli._COMMANDS)

    def test_version_option_prints_the_version(self, capsys):
        with pytest.raises(SystemExit) as caught:
            main(["--version"])
        assert caught.value.code == 0
        assert capsys.readouterr().out == f"clerk-webhook-verify {__version__}\n"

    @pytest.mark.parametrize(
        "arguments",
        [
            ["verify", "--delivery", "a", "--delivery", "b"],
            ["verify", "--payload", "a", "--id", "b", "--id", "b"],
            ["sign", "--payload", "a", "--timestamp", "1", "--timestamp", "2"],
            ["diagnose", "--tolerance=5", "--tolerance", "6"],
            ["send", "--to", "http://localhost/", "--to", "http://localhost/"],
            ["replay", "file", "--to", "http://localhost/", "--to", "http://localhost/"],
            ["listen", "--port", "0", "--port", "3000"],
            ["events", "--type", "user.created", "--only", "user.deleted"],
            ["secret", "generate", "--output", "a", "--output", "b"],
        ],
        ids=" ".join,
    )
    def test_an_option_that_is_given_twice_is_rejected(self, capsys, arguments):
        code, out, err = outcome(capsys, *arguments)
        assert (code, out) == (2, "")
        assert f"{arguments[-2]} is given twice" in err

    def test_every_command_reads_a_file_with_and_without_an_at_sign(self, capsys, stored):
        capture, body, secret = stored(record()), stored(BODY, "body"), stored(SECRET, "secret")
        for file in (capture, capture[1:]):
            for command in ("verify", "diagnose"):
                assert outcome(capsys, command, "--delivery", file)[0] == 0
                assert outcome(capsys, command, file)[0] == 0
            assert outcome(capsys, "replay", file, "--to", "http://127.0.0.1:0/")[0] == 1
        for file in (body, body[1:]):
            assert outcome(capsys, "verify", "--payload", file)[0] == 1
            assert outcome(capsys, "sign", "--payload", file)[0] == 0
            assert outcome(capsys, "send", "http://127.0.0.1:0/", "--payload", file)[0] == 1
        for file in (secret, secret[1:]):
            assert outcome(capsys, "verify", capture, "--secret-file", file)[0] == 0

    def test_options_may_be_between_the_other_arguments(self, capsys, stored):
        file = stored(record())
        assert outcome(capsys, "replay", file, "--resign", "http://127.0.0.1:0/")[0] == 1
        assert outcome(capsys, "verify", "--json", file, "--tolerance", "300")[0] == 0

    def test_messages_name_options_and_no_parameters_of_the_library(self, capsys, stored, monkeypatch):
        delivery = stored(record(signed_headers(BODY)))
        for more in ([], ["--json"]):
            out = outcome(capsys, "verify", delivery, *more)[1]
            assert "clock=" not in out
            assert "--at" in out
        monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
        for arguments in (["verify", delivery], ["sign", "--payload", delivery], ["send", "http://localhost/"]):
            code, _, err = outcome(capsys, *arguments)
            assert code == 2
            assert "secret=" not in err
            assert "--secret-file" in err

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
        first, second = stored(OTHER_SECRET, "first"), stored(SECRET, "second")
        assert outcome(capsys, "verify", delivery, "--secret-file", first, "--secret-file", second)[0] == 0

    def test_a_file_may_have_a_name_that_looks_like_a_secret(self, capsys, stored):
        delivery, secret = stored(record(), "whsec_capture.ndjson"), stored(SECRET, "whsec_staging.txt")
        assert outcome(capsys, "verify", delivery, "--secret-file", secret)[0] == 0

    def test_an_unreadable_secret_file(self, capsys, stored, tmp_path):
        code, _, err = outcome(capsys, "verify", "--delivery", stored(record()), "--secret-file", str(tmp_path))
        assert code == 2
        assert "--secret-file cannot be read" in err

    @pytest.mark.parametrize(
        "text",
        [
            "CLERK_WEBHOOK_SIGNING_SECRET={0}",
            "CLERK_WEBHOOK_SECRET={0}\n",
            "# Clerk\nA=1\nexport CLERK_WEBHOOK_SIGNING_SECRET={0} # staging\r\nB='2'\r\n",
            'A="x\ny"\n  CLERK_WEBHOOK_SIGNING_SECRET = "{0}"  # staging',
            "CLERK_WEBHOOK_SIGNING_SECRET='{0}'\nCLERK_WEBHOOK_SECRET={1}",
            "CLERK_WEBHOOK_SECRET={1}\nCLERK_WEBHOOK_SIGNING_SECRET=`{0}`",
            "CLERK_WEBHOOK_SIGNING_SECRET={1}\nCLERK_WEBHOOK_SIGNING_SECRET={0}",
            'CLERK_WEBHOOK_SIGNING_SECRET="{1}, {0}"',
            "# Clerk's\n{0} # staging\n",
        ],
    )
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_the_secret_from_a_dotenv_file(self, capsys, stored, monkeypatch, text, encoding):
        delivery = stored(record())
        monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
        file = stored(text.format(SECRET, OTHER_SECRET).encode(encoding), ".env")
        assert outcome(capsys, "verify", delivery, "--secret-file", file)[0] == 0

    def test_a_padded_secret_on_its_own_line_is_not_a_variable(self, capsys, stored):
        padded = "whsec_" + base64.b64encode(b"k" * 25).decode()
        assert padded.endswith("==")
        delivery = stored(record(signed_headers(BODY, secret=padded, timestamp=int(time.time()))))
        assert outcome(capsys, "verify", delivery, "--secret-file", stored(padded, "secret"))[0] == 0

    @pytest.mark.parametrize(
        "text",
        [
            "A=1\nB=2",
            "",
            "CLERK_WEBHOOK_SIGNING_SECRET=",
            "CLERK_WEBHOOK_SIGNING_SECRET='' # unset",
            "CLERK_WEBHOOK_SIGNING_SECRET=# unset",
            "# nothing\n\n",
        ],
    )
    def test_a_file_without_a_secret_is_reported(self, capsys, stored, text):
        code, _, err = outcome(capsys, "verify", stored(record()), "--secret-file", stored(text, ".env"))
        assert code == 2
        assert "no signing secret in the file of --secret-file: add CLERK_WEBHOOK_SIGNING_SECRET=whsec_..." in err

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (json.dumps({"a": "b", "CLERK_WEBHOOK_SIGNING_SECRET": SECRET}, indent=1), "is JSON"),
            (f"CLERK_WEBHOOK_SIGNING_SECRET={json.dumps({'a': 'b', 'c': SECRET})}", "is JSON"),
            (f"CLERK_WEBHOOK_SIGNING_SECRET: {SECRET}\n", "is a line of a .env file"),
            ("op://production/clerk/secret # 1Password", "is an unresolved reference to a secret"),
            ("CLERK_WEBHOOK_SIGNING_SECRET=/run/secrets/clerk", "is a path"),
            (base64.b64encode(SECRET.encode()).decode(), "is a signing secret in base64"),
        ],
    )
    def test_reports_what_a_secret_file_contains_instead(self, capsys, stored, text, expected):
        code, _, err = outcome(capsys, "verify", stored(record()), "--secret-file", stored(text, "secret"))
        assert code == 2
        assert err.startswith(f"clerk-webhook-verify: the signing secret {expected}")

    @pytest.mark.parametrize("command", [name for name in cli._COMMANDS if name != "demo"])
    def test_a_misplaced_secret_is_not_printed_or_sent(self, capsys, monkeypatch, stored, command):
        """Another one than that of the environment, in place of every option's value and of a file or URL."""
        secret = f"whsec_+/{'A' * 30}"
        used = []
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        monkeypatch.setattr(Target, "post", lambda *sent, **options: used.append(sent) or Response(204, [], b"", 0.1))
        monkeypatch.setattr("socketserver.BaseServer.serve_forever", lambda receiver: None)
        with contextlib.suppress(SystemExit):
            main([command, "--help"])
        options = set(re.findall(r"(--[a-z-]+) [A-Z{]", capsys.readouterr().out)) - {"--secret"}
        assert options >= {"--secret-file"} or command == "events"
        delivery, body = stored(record()), stored(BODY.decode(), "body")
        valid = {
            "sign": ["--payload", body],
            "send": ["http://127.0.0.1/"],
            "doctor": ["http://127.0.0.1/"],
            "listen": ["--port", "0"],
            "replay": [delivery, "http://127.0.0.1/"],
            "secret": ["generate"],
        }.get(command, [])
        for value in secret, f"@{secret}", f"http://127.0.0.1/{secret}":
            for arguments in [value], *([option, value] for option in sorted(options)):
                for others in valid, [], ["--payload", body], ["--delivery", delivery]:
                    main([command, *others, *arguments])
                    printed = capsys.readouterr()
                    assert secret not in printed.out + printed.err
        assert not any(secret in repr([vars(each), sent]) for each, *sent in used)
        main([command, *valid])
        assert bool(used) is (command in {"send", "doctor", "replay"}), "these send, if the secret is in its place"

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

    @needs_posix
    @pytest.mark.parametrize(
        ("command", "code"),
        [
            *slow(
                ("events >&-", 0),
                ("secret generate >&- 2>&-", 0),
                ("verify /no/such/file 2>&-", 2),
                ("verify - <&-", 2),
            ),
            ("sign --payload - <&- >&- 2>&-", 0),
        ],
    )
    def test_a_process_without_standard_streams_has_no_traceback_and_its_exit_code(self, command, code):
        program = f"exec {shlex.quote(sys.executable)} -m clerk_webhook_verify {command}"
        environment = os.environ | {"CLERK_WEBHOOK_SIGNING_SECRET": SECRET}
        done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=False, env=environment)
        assert done.returncode == code
        assert done.stdout == ""
        assert "Traceback" not in done.stderr

    def test_a_closed_stream_is_replaced_by_the_null_device(self, monkeypatch):
        for name in ("stdin", "stdout", "stderr"):
            with monkeypatch.context() as patched:
                patched.setattr(sys, name, None)
                assert main(["verify", "-"]) == 2
                with getattr(sys, name) as stream:
                    assert stream.name == os.devnull

    @pytest.mark.parametrize("arguments", [[], ["events"], ["secret", "generate"], ["events", "--json"], ["demo"]])
    def test_a_full_disk_is_reported_in_one_line(self, capsys, monkeypatch, arguments):
        stdout = Mock(encoding="utf-8", write=Mock(side_effect=OSError(28, "No space left on device")))
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(arguments) == 1
        expected = "clerk-webhook-verify: the output cannot be written: No space left on device\n"
        assert capsys.readouterr().err == expected

    @pytest.mark.parametrize("problem", [OSError(28, "No space left on device"), BrokenPipeError()], ids=repr)
    def test_a_status_message_that_cannot_be_printed_changes_nothing(self, capsys, monkeypatch, tmp_path, problem):
        monkeypatch.setattr(sys, "stderr", Mock(encoding="utf-8", write=Mock(side_effect=problem)))
        assert main(["secret", "generate", "--output", str(tmp_path / "secret")]) == 0
        assert main(["verify", "/no/such/file"]) == 2
        assert (tmp_path / "secret").read_text().startswith("whsec_")

    @pytest.mark.parametrize(
        "arguments", [["--a\x1b[2J"], ["events", "--a\x9b"], ["verify", "a", "b\x1b]0;x\x07", "c"]]
    )
    def test_control_characters_in_arguments_are_escaped(self, capsys, arguments):
        code, _, err = outcome(capsys, *arguments)
        assert code == 2
        assert err.removesuffix("\n").isprintable()

    def test_output_is_escaped_for_the_encoding_of_the_terminal(self):
        argument = "user.créé".encode()  # bytes, since the tests may run in a locale that has no such letter
        command = [sys.executable, "-m", "clerk_webhook_verify", "events", argument]
        environment = os.environ | {"PYTHONIOENCODING": "ascii"}
        done = subprocess.run(command, capture_output=True, check=False, env=environment)
        assert done.returncode == 2
        assert b"Traceback" not in done.stderr

    def test_output_wraps_to_the_width_of_a_terminal(self, capsys, monkeypatch, stored):
        headers = signed_headers(BODY, secret=OTHER_SECRET, timestamp=int(time.time()))
        delivery = stored(record(headers))
        commands = [
            ["events"],
            ["verify", delivery],
            ["diagnose", delivery, "--budget", "0"],
            ["verify", "--help"],
            ["replay", "--help"],
        ]
        for columns in ("50", "70", "200"):
            monkeypatch.setenv("COLUMNS", columns)
            for arguments in commands:
                with monkeypatch.context() as patched:
                    patched.setattr(sys.stdout, "isatty", lambda: True, raising=False)
                    with contextlib.suppress(SystemExit):
                        main(arguments)
                lines = capsys.readouterr().out.split("examples:")[0].splitlines()
                wide = [line for line in lines if not line.startswith("  ") or "--help" not in arguments]
                assert lines
                assert all(len(line) <= int(columns) or " " not in line.strip() for line in wide)
        main(["verify", delivery])
        assert capsys.readouterr().out.count("\n") == 1
        main(["diagnose", delivery, "--budget", "60"])
        assert [line[:12] for line in capsys.readouterr().out.splitlines()] == [
            "rejected: wr", "  evidence: ", "  fix: use t", "  ruled out:"
        ]  # fmt: skip

    def test_colors_only_on_a_terminal_without_no_color(self, monkeypatch, capsys):
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        assert colorize("x", "red") == "\x1b[31mx\x1b[0m"
        monkeypatch.setenv("NO_COLOR", "1")
        assert colorize("x", "red") == "x"


class TestVerify:
    def test_a_valid_delivery(self, capsys, stored):
        headers = signed_headers(BODY, timestamp=int(time.time()))
        code, out, err = outcome(capsys, "verify", "--delivery", stored(record(headers)))
        assert (code, err) == (0, "")
        assert out.startswith("valid: user.created, message id msg_")
        code, out, err = outcome(capsys, "verify", "--json", "--delivery", stored(record(headers)))
        assert (code, err) == (0, "")
        assert json.loads(out) == {
            "valid": True,
            "type": "user.created",
            "message_id": headers["svix-id"],
            "timestamp": int(headers["svix-timestamp"]),
            "secret_fingerprint": Webhook(SECRET).fingerprints[0],
        }

    def test_verify_accepts_a_delivery_in_parts(self, capsys, stored, monkeypatch):
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
        assert out.startswith("rejected: missing_header: missing header(s) svix-signature")

    def test_an_old_delivery_is_valid_at_its_own_time(self, capsys, stored):
        delivery = stored(record(signed_headers(BODY)))
        code, out, _ = outcome(capsys, "verify", "--delivery", delivery)
        assert code == 1
        assert "timestamp_too_old: valid signature, but timestamp is " in out
        assert out.endswith(f"; --at {NOW} judges it as of its own time\n")
        assert outcome(capsys, "verify", "--delivery", delivery, "--at", str(NOW))[0] == 0
        assert outcome(capsys, "verify", "--delivery", delivery, "--at", str(NOW + 301))[0] == 1
        assert outcome(capsys, "verify", "--delivery", delivery, "--at", str(NOW + 301), "--tolerance", "301")[0] == 0

    @pytest.mark.parametrize(
        ("received_at", "at", "code"),
        [
            (NOW + 5.5, None, 0),
            (NOW + 300, None, 0),
            (NOW + 301, None, 1),
            (NOW - 301, None, 1),
            (None, None, 1),
            (NOW, "now", 1),
            (NOW + 4000, str(NOW), 0),
        ],
    )
    def test_a_delivery_is_judged_as_of_its_arrival_by_default(self, capsys, stored, received_at, at, code):
        delivery = stored(record(signed_headers(BODY), received_at=received_at))
        arguments = ["verify", delivery, *(["--at", at] if at else [])]
        assert outcome(capsys, *arguments)[0] == code

    def test_each_of_several_is_judged_as_of_its_own_arrival(self, capsys, stored):
        later = signed_headers(BODY, timestamp=NOW + 5000)
        lines = [
            record(signed_headers(BODY), received_at=NOW), record(later, received_at=NOW + 5000),
            record(later, received_at=NOW), record(signed_headers(BODY), received_at=NOW + 5000),
        ]  # fmt: skip
        code, out, _ = outcome(capsys, "verify", stored("".join(lines)))
        assert code == 1
        assert [line.split(": ")[1:3] for line in out.splitlines()][2:] == [
            ["rejected", "timestamp_too_new"], ["rejected", "timestamp_too_old"],
        ]  # fmt: skip
        assert out.count(": valid: ") == 2
        assert "timestamp is 5000 s old" in out
        assert out.endswith(f"; that was its age when it arrived; --at {NOW} judges it as of its own time\n")

    def test_verify_checks_each_of_several_deliveries(self, capsys, stored):
        lines = record() + record(body=b"{}") + record(signed_headers(b"another"))
        code, out, _ = outcome(capsys, "verify", "--delivery", stored(lines))
        assert code == 1
        assert [line.split(":")[:3] for line in out.splitlines()] == [
            ["line 1", " valid", " user.created, message id msg_p5jXN8AQM9LWM0D4loKWxJek, signed at "
             + out.split("signed at ")[1].split(",")[0] + ", secret " + Webhook(SECRET).fingerprints[0]],
            ["line 2", " rejected", " invalid_payload"],
            ["line 3", " rejected", " signature_mismatch"],
        ]  # fmt: skip
        code, out, _ = outcome(capsys, "verify", "--json", "--delivery", stored(lines))
        assert [json.loads(line).get("code") for line in out.splitlines()] == [
            None, "invalid_payload", "signature_mismatch",
        ]  # fmt: skip

    def test_text_from_outside_is_escaped(self, capsys, stored):
        body = '{"type":"\x1b[2Jüser","data":{}}'.replace("\x1b", "\\u001b").encode()
        code, out, _ = outcome(capsys, "verify", "--delivery", stored(record(body=body)))
        assert code == 0
        assert "valid: \\x1b[2Jüser" in out


class TestDiagnose:
    def test_a_valid_delivery(self, capsys, stored):
        code, out, _ = outcome(capsys, "diagnose", "--delivery", stored(record()))
        assert (code, out) == (0, "valid: the signature matches and the timestamp is current\n")

    def test_a_missing_header_needs_no_elimination(self, capsys, stored):
        code, out, _ = outcome(capsys, "diagnose", "--payload", stored(BODY))
        assert code == 1
        assert out.startswith("rejected: missing_header (confirmed)\n  evidence: there is no svix-id")
        assert "ruled out" not in out

    def test_diagnose_prints_cause_evidence_and_fix(self, capsys, stored):
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
        assert answer.keys() == {"valid", "cause", "confidence", "evidence", "fix", "ruled_out", "not_tried"}
        assert "empty_body" in answer["ruled_out"]

    def test_diagnose_accepts_several_secrets(self, capsys, stored):
        delivery = stored(record())
        assert outcome(capsys, "diagnose", "--delivery", delivery, "--secret", OTHER_SECRET, "--secret", SECRET)[0] == 0
        code, out, _ = outcome(capsys, "diagnose", "--delivery", delivery, "--secret", OTHER_SECRET)
        assert (code, out.splitlines()[0]) == (1, "rejected: wrong_secret (by_elimination)")

    def test_the_headers_of_another_delivery_in_the_file(self, capsys, stored):
        first = signed_headers(BODY, timestamp=int(time.time()))
        second = signed_headers(b"another", message_id="msg_2", timestamp=int(time.time()) - 20_000)
        for name, what in (("svix-id", "id"), ("svix-timestamp", "timestamp")):
            mixed = first | {name: second[name]}
            lines = record(mixed) + record(first)
            code, out, _ = outcome(capsys, "diagnose", "--delivery", stored(lines))
            assert code == 1
            assert out.startswith("line 1: rejected: other_attempt (confirmed)")
            assert f"with the {what} of another delivery" in out
        swapped = first | {name: second[name] for name in ("svix-id", "svix-timestamp")}
        lines = record(swapped) + record(first)
        assert (
            "with the id and timestamp of another delivery"
            in outcome(capsys, "diagnose", "--delivery", stored(lines))[1]
        )

    @pytest.mark.parametrize(
        ("received_at", "at", "expected"),
        [
            (NOW + 5.5, [], "valid: "),
            (NOW + 5.5, ["--at", "now"], f"; --at {NOW} judges it as of its own time"),
            (NOW + 4000, [], f"; that was its age when it arrived; --at {NOW} judges it as of its own time"),
            (None, ["--at", str(NOW)], "valid: "),
            (None, [], "rejected: timestamp_too_old (confirmed)"),
        ],
    )
    def test_a_delivery_is_judged_as_of_its_arrival_by_default(self, capsys, stored, received_at, at, expected):
        delivery = stored(record(signed_headers(BODY), received_at=received_at))
        code, out, _ = outcome(capsys, "diagnose", delivery, *at)
        assert code == (0 if expected == "valid: " else 1)
        assert expected in " ".join(out.split()) + " "


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
        assert "--data-binary @-" in outcome(capsys, "sign", "--payload", "-", "--curl", "http://localhost/")[1]

    @pytest.mark.parametrize("wrong", [["--id", "a.b"], ["--timestamp", "-1"], ["--timestamp", "9" * 13]])
    def test_rejects_an_invalid_id_or_timestamp(self, capsys, stored, wrong):
        code, _, err = outcome(capsys, "sign", "--payload", stored(BODY), *wrong)
        assert code == 2
        assert f"argument {wrong[0]}: must be" in err


class TestEventsAndSecret:
    def test_events_lists_all_types_and_prints_a_sample(self, capsys):
        code, out, _ = outcome(capsys, "events")
        assert code == 0
        assert re.search(r"^user.created\n    .*\bemail_addresses\b", out, re.MULTILINE)
        listed = json.loads(outcome(capsys, "events", "--json")[1])
        assert listed.keys() == set(get_args(EventType))
        assert "email_addresses" in listed["user.created"]
        assert json.loads(outcome(capsys, "events", "user.created")[1])["type"] == "user.created"
        assert json.loads(outcome(capsys, "events", "--type", "user.created")[1])["type"] == "user.created"

    def test_the_plain_list_has_one_type_per_line(self, capsys):
        code, out, _ = outcome(capsys, "events", "--plain")
        assert code == 0
        assert set(out.splitlines()) == set(get_args(EventType))

    def test_generates_a_new_secret_each_time(self, capsys):
        secrets = set()
        for _ in range(3):
            assert main(["secret", "generate"]) == 0
            secrets.add(capsys.readouterr().out.strip())
        assert len(secrets) == 3
        assert all(Webhook(secret) for secret in secrets)

    def test_writes_a_new_secret_into_a_file_that_only_its_owner_can_read(self, capsys, tmp_path):
        mask = os.umask(0)
        try:
            for number, more in enumerate([[], ["--env"]]):
                file = tmp_path / str(number)
                assert main(["secret", "generate", "--output", str(file), *more]) == 0
                assert stat.S_IMODE(file.stat().st_mode) == 0o600
                printed = capsys.readouterr()
                assert (printed.out, "whsec_" in printed.err) == ("", False)
                assert main(["secret", "fingerprint", "--secret-file", str(file)]) == 0
                assert capsys.readouterr().out.strip() in printed.err
        finally:
            os.umask(mask)
        assert Webhook((tmp_path / "0").read_text().strip())
        assert (tmp_path / "1").read_text().startswith("CLERK_WEBHOOK_SIGNING_SECRET=whsec_")

    def test_never_overwrites_a_file(self, capsys, tmp_path):
        (tmp_path / ".env").write_text("A=1\n")
        code, _, err = outcome(capsys, "secret", "generate", "--output", str(tmp_path / ".env"))
        assert code == 2
        assert "exists: choose another name, or delete it first" in err
        assert (tmp_path / ".env").read_text() == "A=1\n"

    def test_prints_a_line_for_a_dotenv_file(self, capsys):
        assert main(["secret", "generate", "--env"]) == 0
        assert capsys.readouterr().out.startswith("CLERK_WEBHOOK_SIGNING_SECRET=whsec_")

    def test_prints_the_fingerprints_of_secrets(self, capsys, stored):
        both = Webhook([SECRET, OTHER_SECRET]).fingerprints
        assert outcome(capsys, "secret", "fingerprint") == (0, f"{both[0]}\n", "")
        file = stored(f"{SECRET}\n{OTHER_SECRET}\n")
        assert outcome(capsys, "secret", "fingerprint", "--secret-file", file) == (0, f"{both[0]}\n{both[1]}\n", "")
        out = outcome(capsys, "secret", "fingerprint", "--secret", OTHER_SECRET, "--json")[1]
        assert json.loads(out) == {"fingerprints": [both[1]]}
