"""`send` sends a signed sample to an endpoint, and reports the response."""

import json
import os
import subprocess
import sys
from typing import get_args

import pytest
from helpers.endpoint import answer, serving
from helpers.marks import slow
from helpers.signer import OTHER_SECRET, SECRET, sign

from clerk_webhook_verify import Webhook, WebhookVerificationError
from clerk_webhook_verify.cli import main
from clerk_webhook_verify.events import EventType
from clerk_webhook_verify.testing import Fault, sample


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)


def sent(*arguments: str):
    """The one request that arrived."""
    with serving(lambda request: answer(204)) as endpoint:
        assert main(["send", endpoint.url, *arguments]) == 0
    (request,) = endpoint.received
    return request


def is_signed(request, secret: str = SECRET) -> bool:
    (message_id,), (timestamp,), (signature,) = map(request.values, ["svix-id", "svix-timestamp", "svix-signature"])
    return signature == sign(request.body, secret=secret, message_id=message_id, timestamp=timestamp)


def data_sent(*changes: str) -> dict:
    return json.loads(sent(*(word for change in changes for word in ("--set", change))).body)["data"]


def refusal(capsys, *arguments: str) -> str:
    """Return the one line of output; nothing was sent."""
    with serving(lambda request: answer(204)) as endpoint:
        assert main(["send", endpoint.url, *arguments]) == 2
    assert endpoint.received == []
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 1)
    return printed.err.removeprefix("clerk-webhook-verify: ").rstrip()


class TestWhatIsSent:
    def test_a_signed_sample_of_user_created_in_compact_json(self):
        request = sent()
        assert is_signed(request)
        assert request.body == json.dumps(sample("user.created"), separators=(",", ":"), ensure_ascii=False).encode()
        assert request.values("content-type") == ["application/json"]
        assert request.values("user-agent") == ["clerk-webhook-verify"]

    def test_each_request_has_its_own_message_id(self):
        assert sent().values("svix-id") != sent().values("svix-id")

    def test_send_can_send_a_sample_of_another_type(self):
        assert json.loads(sent("--type", "organization.deleted").body) == sample("organization.deleted")

    def test_send_sends_a_payload_byte_for_byte(self, tmp_path):
        body = b'\xef\xbb\xbf{ "a": "\xff" }\r\n\x00'
        (tmp_path / "body").write_bytes(body)
        request = sent("--payload", f"@{tmp_path / 'body'}")
        assert request.body == body
        assert is_signed(request)

    def test_it_is_signed_with_the_first_secret(self, tmp_path):
        (tmp_path / "secrets").write_text(f"{OTHER_SECRET}\n{SECRET}\n")
        assert is_signed(sent("--secret-file", str(tmp_path / "secrets")), OTHER_SECRET)


class TestSet:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("Grace", "Grace"),
            ("", ""),
            ("a=b", "a=b"),
            ("Gr\u00e4ce", "Gr\u00e4ce"),
            ("null", None),
            ("true", True),
            ("42", 42),
            ('"42"', "42"),
            ('{"a":[1]}', {"a": [1]}),
            ("{a:1}", "{a:1}"),
            ("NaN", "NaN"),
            ("-Infinity", "-Infinity"),
            ("[" * 100_000, "[" * 100_000),
        ],
        ids=lambda value: str(value)[:20],
    )
    def test_the_value_is_json_if_it_parses_otherwise_text(self, text, value):
        assert data_sent(f"first_name={text}")["first_name"] == value

    def test_dots_go_deeper_and_create_objects(self):
        data = data_sent("public_metadata.plan=pro", "public_metadata.billing.seats=5")
        assert data["public_metadata"]["plan"] == "pro"
        assert data["public_metadata"]["billing"] == {"seats": 5}

    def test_numbers_index_lists(self):
        data = data_sent("email_addresses.1.verification.status=expired")
        expected = sample("user.created")["data"]["email_addresses"]
        expected[1]["verification"]["status"] = "expired"
        assert data["email_addresses"] == expected

    def test_an_entry_of_a_list_can_be_replaced(self):
        assert data_sent("email_addresses.0=null")["email_addresses"][0] is None

    def test_the_last_value_for_a_field_wins(self):
        data = data_sent("first_name=Grace", "last_name=Hopper", "first_name=Ada")
        assert data == sample("user.created", first_name="Ada", last_name="Hopper")["data"]

    def test_it_changes_the_sample_of_any_type(self):
        body = sent("--type", "organization.created", "--set", "name=Acme").body
        assert json.loads(body) == sample("organization.created", name="Acme")

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            ("first_name", "--set takes FIELD=VALUE, as in first_name=Grace or public_metadata.plan=pro"),
            (
                "frist_name=Grace",
                "--set: the data of user.created has no field 'frist_name': did you mean first_name or last_name?; "
                "clerk-webhook-verify events lists all",
            ),
            ("=1", "--set: the data of user.created has no field ''; clerk-webhook-verify events lists all"),
            (
                "\x1b.x=1",
                r"--set: the data of user.created has no field '\x1b'; clerk-webhook-verify events lists all",
            ),
            (
                "first_name.x=1",
                "--set: first_name has no fields: set it as a whole, as JSON",
            ),
            (
                "email_addresses.0.verification.status.\x1b.x=1",
                "--set: email_addresses.0.verification.status has no fields: "
                "set it as a whole, as JSON",
            ),
            (
                "enterprise_accounts.0=1",
                "--set: enterprise_accounts has no fields: set it as a whole, as JSON",
            ),
            ("email_addresses.2.id=1", "--set: the entries of email_addresses are numbered 0, 1"),
            ("email_addresses.-1=1", "--set: the entries of email_addresses are numbered 0, 1"),
            ("email_addresses.first=1", "--set: the entries of email_addresses are numbered 0, 1"),
            (
                'first_name="\\ud800"',
                "--set takes text for UTF-8, and JSON that is not nested too deeply",
            ),
        ],
    )  # fmt: skip
    def test_an_invalid_change_is_reported_with_what_to_do(self, capsys, change, expected):
        assert refusal(capsys, "--set", change) == expected

    def test_the_path_in_an_error_is_escaped(self, capsys):
        output = refusal(capsys, "--set", "public_metadata.\x1b=1", "--set", "public_metadata.\x1b.x=1")
        assert output.startswith(r"--set: public_metadata.\x1b has no fields")

    @pytest.mark.parametrize("step", [10, *slow(1)])
    def test_no_depth_of_json_is_a_traceback(self, capsys, step):
        codes = set()
        with serving(lambda request: answer(204)) as endpoint:
            limit = sys.getrecursionlimit()
            for depth in range(limit - 200, limit, step):  # some can be read, not written
                codes.add(main(["send", endpoint.url, "--set", f"first_name={'[' * depth}{']' * depth}"]))
        assert codes <= {0, 2}


class TestSeveral:
    def received(self, capsys, *arguments: str, code: int = 0, status: int = 204) -> list:
        with serving(lambda request: answer(status)) as endpoint:
            assert main(["send", endpoint.url, *arguments]) == code
        return endpoint.received

    def types(self, requests) -> list[str]:
        return [json.loads(request.body)["type"] for request in requests]

    def test_a_repeated_type_sends_each(self, capsys):
        requests = self.received(capsys, "--type", "user.created", "--only", "session.ended", "--type", "user.created")
        assert self.types(requests) == ["user.created", "session.ended", "user.created"]
        assert all(is_signed(request) for request in requests)
        assert len({request.values("svix-id")[0] for request in requests}) == 3
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[:3] for line in lines] == [[each, "204", "in"] for each in self.types(requests)]

    @pytest.mark.parametrize(
        ("patterns", "expected"),
        [
            (["user.*"], ["user.created", "user.deleted", "user.updated"]),
            (["s*sion.ended", "sms.?reated"], ["session.ended", "sms.created"]),
            (["waitlistEntry.[cu]*"], ["waitlistEntry.created", "waitlistEntry.updated"]),
        ],
    )
    def test_a_pattern_sends_every_matching_type(self, capsys, patterns, expected):
        arguments = [word for pattern in patterns for word in ("--type", pattern)]
        assert sorted(self.types(self.received(capsys, *arguments))) == sorted(expected)

    def test_all_sends_every_type(self, capsys):
        assert set(self.types(self.received(capsys, "--all"))) == set(get_args(EventType))

    def test_each_is_an_object_of_json_with_its_type(self, capsys):
        requests = self.received(capsys, "--json", "--type", "user.*", code=1, status=400)
        results = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [result["type"] for result in results] == self.types(requests)
        assert [result["message_id"] for result in results] == [request.values("svix-id")[0] for request in requests]
        assert {result["status"] for result in results} == {400}

    def test_send_stops_at_the_first_delivery_without_a_response(self, capsys):
        assert main(["send", "http://127.0.0.1:0/", "--type", "user.*"]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("stopped, 3 of 3 without a response: http://127.0.0.1:0 cannot be reached: ")

    def test_set_applies_to_each(self, capsys):
        requests = self.received(
            capsys, "--type", "user.created", "--type", "user.updated", "--set", "first_name=Grace"
        )
        assert [json.loads(request.body)["data"]["first_name"] for request in requests] == ["Grace", "Grace"]


class TestUnknownTypes:
    @pytest.mark.parametrize("event_type", ["shop.opened", "invitation.created", "x"])
    def test_an_unknown_type_is_sent_with_a_warning(self, capsys, event_type):
        request = sent("--type", event_type, "--set", "a.b=1")
        assert is_signed(request)
        payload = json.loads(request.body)
        assert (payload["type"], payload["data"]) == (event_type, {"a": {"b": 1}})
        assert f"{event_type} is not an event type that this version knows" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("event_type", "similar"),
        [("user.creatd", "user.created"), ("users.created", "user.created"), ("session.end", "session.ended")],
    )
    def test_a_misspelled_type_is_rejected(self, capsys, event_type, similar):
        assert f"did you mean {similar}" in refusal(capsys, "--type", event_type)


class TestFaultAndId:
    @pytest.mark.parametrize("fault", get_args(Fault))
    def test_a_fault_makes_a_delivery_that_is_rejected(self, fault):
        request = sent("--fault", fault)
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(request.headers, request.body)

    def test_fault_changes_a_payload_of_your_own(self, capsys, tmp_path):
        (tmp_path / "body").write_bytes(b"not JSON")
        payload = f"@{tmp_path / 'body'}"
        assert sent("--payload", payload, "--fault", "tampered").body == b"not JSON "
        capsys.readouterr()
        output = refusal(capsys, "--payload", payload, "--fault", "reserialized")
        assert output == "--fault reserialized goes with a payload that is JSON"

    def test_id_option_sets_the_message_id(self):
        request = sent("--id", "msg_1")
        assert request.values("svix-id") == ["msg_1"]
        assert is_signed(request)


class TestUse:
    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            (["--type", ""], "no event type '' is known"),
            (["--type", "nothing.*"], "no event type matches the pattern of --type"),
            (["--type", "whsec_*"], "signing secret in arguments"),
            (["--all", "--type", "user.created"], "--all sends every event type: leave out --type"),
            (["--all", "--id", "msg_1"], "--id goes with one delivery"),
            (["--id", "a.b"], "argument --id: must be 1 to 256 printable ASCII characters"),
            (["--fault", "odd"], "argument --fault: invalid choice: 'odd'"),
        ],
    )
    def test_invalid_options_are_reported(self, capsys, arguments, expected):
        assert refusal(capsys, *arguments).startswith(expected)

    @pytest.mark.parametrize(
        "more", [["--type", "user.created"], ["--set", "first_name=Grace"], ["--all"]], ids=lambda more: more[0]
    )
    def test_a_payload_excludes_type_and_set(self, capsys, tmp_path, more):
        (tmp_path / "body").write_bytes(b"{}")
        output = refusal(capsys, "--payload", f"@{tmp_path / 'body'}", *more)
        assert output == "--payload is sent unchanged: --type, --all and --set go with a sample, without --payload"

    @pytest.mark.parametrize("option", ["--type", "--set"])
    def test_a_secret_in_the_wrong_place_is_not_repeated(self, capsys, option):
        output = refusal(capsys, option, f"{OTHER_SECRET}=")
        assert output.startswith("signing secret in arguments: use --secret-file")

    def test_a_payload_that_cannot_be_read(self, capsys):
        assert "No such file" in refusal(capsys, "--payload", "@/no/such/file")

    def test_send_without_a_secret_names_the_variable(self, capsys, monkeypatch):
        monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
        assert "CLERK_WEBHOOK_SIGNING_SECRET" in refusal(capsys)

    def test_an_invalid_url_is_reported(self, capsys):
        assert main(["send", "localhost:3000"]) == 2
        assert "the URL should be http://" in capsys.readouterr().err


class TestTheAnswer:
    @pytest.mark.parametrize("status", [200, 204, 299])
    def test_send_exits_0_on_2xx(self, capsys, status):
        with serving(lambda request: answer(status)) as endpoint:
            assert main(["send", endpoint.url]) == 0
        printed = capsys.readouterr()
        assert printed.err == ""
        words = printed.out.split()
        assert words[0] == str(status)
        assert float(words[2]) >= 0
        assert printed.out.endswith(" s, with an empty body\n")

    @pytest.mark.parametrize("status", [300, 301, 400, 500])
    def test_send_exits_1_on_any_other_status(self, capsys, status):
        with serving(lambda request: answer(status, b"refused\x1b[2J: why\nmore", "Location: /x")) as endpoint:
            assert main(["send", endpoint.url]) == 1
        assert len(endpoint.received) == 1
        printed = capsys.readouterr()
        assert printed.err == ""
        assert printed.out.startswith(f"{status} in ")
        assert printed.out.endswith(" s: refused\\x1b[2J: why\n")

    def test_an_unreachable_url_exits_1_with_the_reason_in_one_line(self, capsys):
        assert main(["send", "http://127.0.0.1:0/"]) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("http://127.0.0.1:0 cannot be reached: ")
        assert printed.err.count("\n") == 1

    def test_json_of_send_contains_the_response(self, capsys):
        with serving(lambda request: answer(400, b'{"detail":"\xc3\xa9"}')) as endpoint:
            assert main(["send", endpoint.url, "--json"]) == 1
        result = json.loads(capsys.readouterr().out)
        assert result.pop("seconds") >= 0
        assert result == {
            "ok": False,
            "message_id": endpoint.received[0].values("svix-id")[0],
            "status": 400,
            "answer": '{"detail":"é"}',
            "error": None,
        }
        with serving(lambda request: answer(200)) as endpoint:
            assert main(["send", endpoint.url, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["ok"] is True

    def test_json_of_an_unreachable_url(self, capsys):
        assert main(["send", "http://127.0.0.1:0/", "--json"]) == 1
        printed = capsys.readouterr()
        assert printed.err == ""
        result = json.loads(printed.out)
        assert result.pop("message_id").startswith("msg_")
        assert "cannot be reached" in result.pop("error")
        assert result == {"ok": False, "status": None, "seconds": None, "answer": None}

    @pytest.mark.parametrize(("status", "color"), [(200, "32"), (400, "31")])
    def test_the_status_is_colored_on_a_terminal(self, capsys, monkeypatch, status, color):
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        with serving(lambda request: answer(status)) as endpoint:
            main(["send", endpoint.url])
            assert capsys.readouterr().out.startswith(f"\x1b[{color}m{status}\x1b[0m in ")
            monkeypatch.setenv("NO_COLOR", "1")
            main(["send", endpoint.url])
            assert capsys.readouterr().out.startswith(f"{status} in ")


def test_send_runs_as_a_process(tmp_path):
    command = [sys.executable, "-m", "clerk_webhook_verify", "send"]
    with serving(lambda request: answer(200, b"hello\n")) as endpoint:
        done = subprocess.run(
            [*command, endpoint.url, "--set", "first_name=Grace", "--secret-file", "-"],
            input=OTHER_SECRET.encode(), capture_output=True, check=False, env=os.environ | {"NO_PROXY": ""},
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.endswith(b" s: hello\n")
    assert is_signed(endpoint.received[0], OTHER_SECRET)
    assert json.loads(endpoint.received[0].body) == sample("user.created", first_name="Grace")
