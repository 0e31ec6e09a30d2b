"""A diagnosis finds and confirms the change to a delivery, and reports nothing for an unchanged one."""

import base64
import email.message
import gzip
import hmac
import html
import itertools
import json
import pprint
import quopri
import subprocess
import sys
import tracemalloc
import unicodedata
import urllib.parse
import zlib
from collections import OrderedDict
from datetime import datetime, timezone
from pathlib import Path

import pytest
from helpers.marks import slow
from helpers.signer import NOW, OTHER_SECRET, SECRET, key_of, now, sign, signed_headers
from hypothesis import given, settings, strategies as st

from clerk_webhook_verify import InvalidSecretError, Webhook
from clerk_webhook_verify.cli import main
from clerk_webhook_verify.diagnose import diagnose
from clerk_webhook_verify.diagnose.causes import CAUSES
from clerk_webhook_verify.testing import sample

FIXES = {cause.code: cause.fix for cause in CAUSES}
#: Like an event of Clerk's, but shorter and with one name and one time: everything there is to try takes a fifth of a
#: second instead of a whole one.
PAYLOAD = {
    "data": {
        "first_name": "Zoë",
        "id": "user_2mXk8Qv1T0aZr5NcYw3LpJ7dHsB",
        "image_url": "https://img.example.com/ada.png",
        "password_enabled": False,
        "public_metadata": {"plan": "<&>"},
        "username": None,
    },
    "object": "event",
    "timestamp": 1760000001234,
    "type": "user.created",
}
BODY = json.dumps(PAYLOAD, ensure_ascii=False, separators=(",", ":")).encode()
HEADERS = signed_headers(BODY)
LONG_BODY = json.dumps(sample("user.created"), ensure_ascii=False, separators=(",", ":")).encode()
UNSORTED = json.dumps(
    {"type": "user.created", "object": "event", "data": {"id": "user_1", "first_name": "Zoë", "age": [1, 2]}},
    ensure_ascii=False,
    separators=(",", ":"),
).encode()


def found(headers, body, *, secret=SECRET, clock=now, budget=60, **options):
    """Diagnose a rejected delivery, and check the guarantees of every diagnosis."""
    diagnosis = diagnose(headers, body, secret=secret, clock=clock, budget=budget, **options)
    assert not diagnosis.valid
    assert diagnosis.fix == FIXES[diagnosis.cause]
    assert len({diagnosis.cause, *diagnosis.ruled_out, *diagnosis.not_tried}) == 1 + len(
        diagnosis.ruled_out + diagnosis.not_tried
    )
    assert {*diagnosis.ruled_out, *diagnosis.not_tried} <= FIXES.keys()
    shown = f"{diagnosis.evidence} {diagnosis.fix}"
    for secret_text in (SECRET, OTHER_SECRET, SECRET[6:], HEADERS["svix-signature"][3:], "user_2mXk", "Zoë"):
        assert secret_text not in shown
    return diagnosis


def of(headers, body, **options):
    diagnosis = found(headers, body, **options)
    return diagnosis.cause, diagnosis.confidence


class TestBody:
    @pytest.mark.parametrize("original", [LONG_BODY, UNSORTED], ids=["keys sorted, as Clerk's", "unsorted"])
    @pytest.mark.parametrize(
        "style",
        [{}, {"separators": (",", ":")}, {"ensure_ascii": False}, {"indent": 2}, {"indent": 4, "ensure_ascii": False}],
        ids=repr,
    )
    def test_finds_a_reserialized_body(self, original, style):
        rewritten = json.dumps(json.loads(original), **style).encode()
        assert of(signed_headers(original), rewritten) == ("reserialized_body", "confirmed")

    def test_finds_a_body_reserialized_with_sorted_keys(self):
        rewritten = json.dumps(json.loads(UNSORTED), sort_keys=True)
        assert of(signed_headers(UNSORTED), rewritten) == ("reserialized_body", "likely")
        flat = b'{"type":"user.created","data":{"id":"user_1"}}'
        rewritten = json.dumps(json.loads(flat), sort_keys=True, separators=(",", ":"))
        assert of(signed_headers(flat), rewritten) == ("reserialized_body", "confirmed")
        rewritten = json.dumps(PAYLOAD, sort_keys=True)
        assert of(HEADERS, rewritten) == ("reserialized_body", "confirmed")

    @pytest.mark.parametrize(
        "escaped",
        [
            lambda text: text.replace("<", "\\u003c").replace("&", "\\u0026").replace(">", "\\u003e"),
            lambda text: text.replace("/", "\\/"),
        ],
        ids=["as Go does", "as PHP does"],
    )
    def test_finds_a_reserialized_body_of_a_sender_that_escapes_more(self, escaped):
        original = escaped(BODY.decode()).encode()
        assert of(signed_headers(original), BODY) == ("reserialized_body", "confirmed")

    def test_finds_a_reserialized_large_body_and_one_that_is_not_an_object(self):
        large = json.dumps({"data": "é" * 50_000}, ensure_ascii=False, separators=(",", ":")).encode()
        assert of(signed_headers(large), json.dumps(json.loads(large))) == ("reserialized_body", "confirmed")
        assert of(signed_headers(large), large, secret=OTHER_SECRET) == ("wrong_secret", "by_elimination")
        assert of(signed_headers(b"[1,2]"), b"[1, 2]") == ("reserialized_body", "confirmed")
        assert of(signed_headers(b"[1,2]"), b"[2,1]") == ("wrong_secret", "by_elimination")

    def test_complete_json_of_another_length_than_declared_is_likely_reserialized(self):
        headers = HEADERS | {"content-length": str(len(BODY) + 7)}
        changed = BODY.replace(b'"first_name":', b'"name":')
        assert of(headers, changed) == ("reserialized_body", "likely")

    @pytest.mark.parametrize(
        ("cause", "original", "arrived"),
        [
            ("trailing_newline", BODY, BODY + b"\n"),
            ("trailing_newline", BODY, BODY + b"\r\n"),
            ("trailing_newline", BODY + b"\n", BODY),
            ("trailing_newline", BODY + b"\r\n", BODY),
            ("trailing_newline", BODY + b"\n", BODY + b"\n\n"),
            ("byte_order_mark", BODY, b"\xef\xbb\xbf" + BODY),
            ("byte_order_mark", BODY, b"\xef\xbb\xbf" + BODY + b"\r\n"),
            ("byte_order_mark", b"\xef\xbb\xbf" + BODY, BODY),
            ("line_endings", b'{\n"type":"x"\n}', b'{\r\n"type":"x"\r\n}'),
            ("line_endings", b'{\r\n"type":"x"\r\n}', b'{\n"type":"x"\n}'),
            ("line_endings", b'{\n"type":"x"\n}', b'{\r\n"type":"x"\r\n}\r\n'),
            ("line_endings", b'{"type":"x"}', b'{\n"type":"x"\n}'),
            ("wrong_charset", BODY, BODY.decode("latin-1").encode()),
            ("wrong_charset", BODY, BODY.decode("cp1252").encode()),
            ("wrong_charset", BODY, BODY.decode().encode("latin-1")),
            ("wrong_charset", BODY, BODY.decode().encode("utf-16")),
            ("base64_body", BODY, base64.b64encode(BODY)),
            ("base64_body", BODY, base64.encodebytes(BODY)),
            ("compressed_body", BODY, gzip.compress(BODY, mtime=0)),
            ("compressed_body", BODY, zlib.compress(BODY)),
            ("compressed_body", BODY, zlib.compress(BODY)[2:-4]),
            ("compressed_body", b"", gzip.compress(b"", mtime=0)),
        ],
    )  # fmt: skip
    def test_confirms_a_change_that_can_be_undone(self, cause, original, arrived):
        assert of(signed_headers(original), arrived) == (cause, "confirmed")

    @pytest.mark.parametrize(
        ("cause", "arrived"),
        [
            ("wrong_charset", BODY.decode("ascii", "replace").encode()),
            ("base64_body", base64.b64encode(b'{"another":"body"}')),
            ("compressed_body", gzip.compress(b"another body", mtime=0)),
            ("truncated_body", BODY[:100]),
            *slow(("truncated_body", b'{"type":"user.created","data":')),
            ("empty_body", b""),
        ],
    )
    def test_a_change_that_cannot_be_undone_is_likely(self, cause, arrived):
        assert of(HEADERS, arrived) == (cause, "likely")

    @pytest.mark.parametrize(("cause", "arrived"), [("truncated_body", BODY[:100]), ("empty_body", b"")])
    def test_a_declared_length_confirms_that_bytes_are_missing(self, cause, arrived):
        assert of(HEADERS | {"content-length": str(len(BODY))}, arrived) == (cause, "confirmed")

    def test_json_that_breaks_off_after_the_declared_length_was_not_truncated_in_transit(self):
        assert of(HEADERS | {"content-length": "100"}, BODY[:100]) == ("not_json", "by_elimination")

    def test_inflates_a_compressed_body_up_to_eight_megabytes(self):
        """A bomb of a thousand times its size."""
        assert of(HEADERS, gzip.compress(bytes(50_000_000))) == ("compressed_body", "likely")

    @pytest.mark.parametrize(
        "body",
        [b"x", b"\xff" * 9, b"1" * 5_000, b"x\x9c", b"\x1f\x8b", b"AAAAAAAAA", b"{]", b"null", b'"text"', b"a=b&c=d"],
        ids=ascii,
    )
    @pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
    @pytest.mark.slow
    def test_a_body_that_is_not_json_has_a_cause_of_its_own(self, body, secret):
        diagnosis = found(HEADERS, body, secret=secret)
        assert (diagnosis.cause, diagnosis.confidence) == ("not_json", "by_elimination")
        assert "wrong_secret" not in diagnosis.ruled_out

    def test_a_long_string_takes_a_few_times_its_length_in_memory(self):
        body = json.dumps({"type": "x", "data": {"a": "a" * 200_000}}, separators=(",", ":")).encode()
        tracemalloc.start()
        assert of(HEADERS, body) == ("wrong_secret", "by_elimination")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 30 * len(body)

    def test_finds_a_reserialized_nested_body(self):
        original = b'{"a":' * 200 + b"1" + b"}" * 200
        assert of(signed_headers(original), json.dumps(json.loads(original), indent=2)) == (
            "reserialized_body",
            "confirmed",
        )

    @pytest.mark.parametrize(
        "reference", ["&#" + "9" * 5000 + ";", *slow("a&#" + "0" * 100_000 + "65", "&amp;#" + "1" * 4301)], ids=len
    )
    def test_accepts_html_references_with_more_digits_than_python_converts(self, reference):
        assert found(HEADERS, reference.encode()).cause == "not_json"
        signature = (reference[:8000] + ";") * 2
        assert found(HEADERS | {"svix-signature": signature}, BODY).cause == "malformed_signature"

    @pytest.mark.parametrize("depth", [201, *slow(985, 990, 995, 3000, 9000)])
    def test_does_not_serialize_a_deeply_nested_body(self, depth):
        """Its indents would need the square of its length, or the encoder too much recursion."""
        assert of(HEADERS, b"[" * depth + b"]" * depth) == ("wrong_secret", "by_elimination")


class TestSecret:
    def test_diagnoses_wrong_secret_by_elimination(self):
        diagnosis = found(HEADERS, BODY, secret=OTHER_SECRET)
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "by_elimination")
        assert "most likely the secret is another endpoint's" in diagnosis.evidence
        assert {"reserialized_body", "text_secret", "other_attempt", "truncated_body"} <= set(diagnosis.ruled_out)

    @pytest.mark.parametrize(
        "secret", [f'"{SECRET}"', f"v1,{SECRET}", SECRET[6:], f"'v1,{SECRET}'", SECRET[:9] + " " + SECRET[9:]]
    )
    def test_diagnoses_misformatted_secret(self, secret):
        diagnosis = found(HEADERS, BODY, secret=secret)
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "confirmed")
        assert diagnosis.evidence.endswith("with this fixed, the signature matches")

    @pytest.mark.parametrize("secret", ["whsec_your_secret", "sk_test_1234", f'"{OTHER_SECRET}"', "whsec_abc"])
    def test_diagnoses_a_value_that_is_not_a_signing_secret(self, secret):
        diagnosis = found(HEADERS, BODY, secret=secret)
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "confirmed")
        assert secret not in diagnosis.evidence

    @pytest.mark.parametrize(
        ("secret", "key"),
        [
            (SECRET, SECRET.encode()),
            (SECRET, SECRET[6:].encode()),
            ("any text at all", b"any text at all"),
            ("whsec_" + "0a" * 32, bytes.fromhex("0a" * 32)),
            ("whsec_" + base64.urlsafe_b64encode(b"\xff" * 24).decode(), b"\xff" * 24),
        ],
        ids=["the whole text", "after whsec_", "any text", "hexadecimal", "base64url"],
    )
    def test_finds_the_keys_that_other_vendors_make_of_a_secret(self, secret, key):
        encoded = "whsec_" + base64.b64encode(key).decode()
        headers = HEADERS | {"svix-signature": sign(BODY, secret=encoded)}
        assert of(headers, BODY, secret=secret) == ("text_secret", "confirmed")

    def test_accepts_a_secret_that_is_not_quite_base64url(self):
        assert of(HEADERS, BODY, secret="whsec_-") == ("wrong_secret", "confirmed")

    def test_accepts_several_secrets_if_one_matches(self):
        assert diagnose(HEADERS, BODY, secret=[OTHER_SECRET, SECRET], clock=now).valid
        assert of(HEADERS, BODY + b"\n", secret=iter([OTHER_SECRET, SECRET])) == ("trailing_newline", "confirmed")

    def test_reads_the_secret_from_the_environment(self, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert diagnose(HEADERS, BODY, clock=now).valid
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", f"v1,{SECRET}")
        assert of(HEADERS, BODY, secret=None) == ("wrong_secret", "confirmed")
        monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
        monkeypatch.delenv("CLERK_WEBHOOK_SECRET", raising=False)
        with pytest.raises(InvalidSecretError, match="is not set"):
            diagnose(HEADERS, BODY)


class TestHeaders:
    def test_finds_missing_headers(self):
        for name in HEADERS:
            diagnosis = found({key: value for key, value in HEADERS.items() if key != name}, BODY)
            assert (diagnosis.cause, diagnosis.confidence) == ("missing_header", "confirmed")
            assert name in diagnosis.evidence
        assert of([], BODY) == ("missing_header", "confirmed")

    @pytest.mark.parametrize(
        "renamed",
        [
            lambda name: "HTTP_" + name.upper().replace("-", "_"),
            lambda name: name.replace("-", "_"),
            lambda name: "X-" + name.title(),
            lambda name: name.replace("svix-", "webhook_"),
        ],
        ids=["environ", "underscores", "prefixed", "underscores in the other header set"],
    )
    def test_finds_renamed_headers(self, renamed):
        diagnosis = found({renamed(name): value for name, value in HEADERS.items()}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("missing_header", "confirmed")
        assert diagnosis.evidence.endswith("with the right names, the signature matches")

    def test_finds_a_renamed_header_of_the_other_header_set(self):
        headers = signed_headers(BODY, family="webhook")
        headers["webhook_id"] = headers.pop("webhook-id")
        diagnosis = found(headers, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("missing_header", "confirmed")
        assert diagnosis.evidence == "webhook_id instead of webhook-id; with the right names, the signature matches"

    def test_renamed_headers_need_not_match(self):
        diagnosis = found({name.replace("-", "_"): value for name, value in HEADERS.items()}, b"another body")
        assert "svix_id instead of svix-id" in diagnosis.evidence
        assert "matches" not in diagnosis.evidence

    def test_finds_duplicate_headers(self):
        for name in HEADERS:
            for second in (HEADERS[name], "x" + HEADERS[name]):
                diagnosis = found([*HEADERS.items(), (name, second)], BODY)
                assert (diagnosis.cause, diagnosis.confidence) == ("duplicate_header", "confirmed")
                assert "read once, the signature matches" in diagnosis.evidence
                assert ("the same value" in diagnosis.evidence) == (second == HEADERS[name])
        for name in ("svix-id", "svix-timestamp"):
            joined = HEADERS | {name: f"{HEADERS[name]}, {HEADERS[name]}"}
            assert of(joined, BODY) == ("duplicate_header", "confirmed")
        joined = HEADERS | {"svix-signature": ",".join([HEADERS["svix-signature"]] * 2)}
        assert of(joined, BODY) == ("duplicate_header", "confirmed")
        assert of(joined, BODY + b"x") == ("duplicate_header", "confirmed")
        diagnosis = found([*HEADERS.items(), ("svix-id", "msg_2")], b"another body")
        assert "matches" not in diagnosis.evidence

    @pytest.mark.parametrize(
        "value", [f"v1a,AAAA,{HEADERS['svix-signature']}", "v1a,AAAA,v1a,BBBB"], ids=["v1a and v1", "v1a only"]
    )
    def test_finds_duplicate_signature_headers_that_a_server_joined(self, value):
        diagnosis = found(HEADERS | {"svix-signature": value}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("duplicate_header", "confirmed")
        assert ("one of them matches" in diagnosis.evidence) == (HEADERS["svix-signature"] in value)

    def test_finds_mixed_header_sets(self):
        twins = {name.replace("svix", "webhook"): value for name, value in HEADERS.items()}
        half = {"svix-id": HEADERS["svix-id"], **{name: value for name, value in twins.items() if name != "webhook-id"}}
        assert of(half, BODY) == ("mixed_headers", "confirmed")
        both = twins | HEADERS | {"svix-signature": sign(b"another body")}
        assert of(both, BODY) == ("mixed_headers", "confirmed")
        assert of(both, b"{}", secret=SECRET) == ("wrong_secret", "by_elimination")

    def test_accepts_webhook_headers(self):
        twins = {name.replace("svix", "webhook"): value for name, value in HEADERS.items()}
        assert diagnose(twins, BODY, secret=SECRET, clock=now).valid
        assert of(twins, BODY + b"\n") == ("trailing_newline", "confirmed")

    @pytest.mark.parametrize("value", ["v1a,AAAA", "v1a,AAAA v1a,BBBB"])
    def test_finds_asymmetric_signatures(self, value):
        assert of(HEADERS | {"svix-signature": value}, BODY) == ("asymmetric_only", "confirmed")

    @pytest.mark.parametrize(
        ("header", "vendor"),
        [("Stripe-Signature", "Stripe"), ("X-Hub-Signature-256", "GitHub"), ("X-Slack-Signature", "Slack")],
    )
    def test_finds_webhooks_of_other_vendors(self, header, vendor):
        diagnosis = found({header: "x"}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("other_vendor", "confirmed")
        assert vendor in diagnosis.evidence

    @pytest.mark.parametrize("value", ["", "msg 1", "msg.1", "x" * 257])
    def test_an_invalid_id_is_likely_a_missing_header(self, value):
        assert of(HEADERS | {"svix-id": value}, BODY) == ("missing_header", "likely")

    def test_accepts_raw_pairs_and_raises_type_error_for_wrong_arguments(self):
        raw = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        assert of(raw, BODY + b"\n") == ("trailing_newline", "confirmed")
        for secret in (SECRET, "whsec_bad"):
            with pytest.raises(TypeError, match="headers must be"):
                diagnose(7, BODY, secret=secret)
            with pytest.raises(TypeError, match="must be one str or bytes"):
                diagnose(HEADERS | {"svix-id": ["a"]}, BODY, secret=secret)
        with pytest.raises(TypeError, match="raw body"):
            diagnose(HEADERS, {"type": "x"}, secret=SECRET)
        for secret in (7, [7], bytearray(SECRET.encode())):
            with pytest.raises(TypeError, match=r"secret must be .* not int|secret must be .* not bytearray"):
                diagnose(HEADERS, BODY, secret=secret)

    def test_ignores_headers_that_are_not_of_a_delivery(self):
        others = {"user-agent": "Svix-Webhooks/1.0", "x" * 200: "svix", "accept": "*/*"}
        assert of(others | HEADERS, BODY + b"\n") == ("trailing_newline", "confirmed")

    def test_accepts_headers_that_can_be_read_only_once(self):
        assert diagnose(iter(HEADERS.items()), BODY, secret=SECRET, clock=now).valid
        assert of(iter(HEADERS.items()), BODY + b"\n") == ("trailing_newline", "confirmed")

    @pytest.mark.parametrize("absent", [("svix-timestamp", None), ("webhoo\u212a-timestamp", "soon")], ids=ascii)
    def test_ignores_the_headers_that_the_strict_check_ignores(self, absent):
        """``{"svix-id": request.headers.get("svix-id"), ...}`` has None; the Kelvin sign in lower case is a k."""
        headers = [absent, *signed_headers(BODY, family="webhook").items()]
        assert diagnose(headers, BODY, secret=SECRET, clock=now).valid
        assert of(headers, BODY + b"\n") == ("trailing_newline", "confirmed")
        assert of([*headers, ("webhook-timestamp", "soon")], BODY) == ("duplicate_header", "confirmed")
        assert of([*headers[:2], ("webhook-timestamp", "soon"), headers[3]], BODY) == ("missing_header", "likely")

    def test_accepts_a_value_that_no_charset_can_encode(self):
        message = email.message.Message()
        message["svix-id"] = "\ud800"
        message["svix-timestamp"], message["svix-signature"] = str(NOW), HEADERS["svix-signature"]
        assert of(message, BODY) == ("missing_header", "likely")


class TestTimestamp:
    @pytest.mark.parametrize(("age", "cause"), [(301, "timestamp_too_old"), (-301, "timestamp_too_new")])
    def test_finds_a_timestamp_too_far_from_now(self, age, cause):
        diagnosis = found(signed_headers(BODY, timestamp=NOW - age), BODY)
        assert (diagnosis.cause, diagnosis.confidence) == (cause, "confirmed")
        assert "301 s" in diagnosis.evidence
        assert "wrong_secret" in diagnosis.ruled_out

    @pytest.mark.parametrize(
        "text",
        [
            f"{NOW}123",
            f"{NOW}123456789",
            f"{NOW}.25",
            datetime.fromtimestamp(NOW, timezone.utc).isoformat(),
            datetime.fromtimestamp(NOW, timezone.utc).isoformat().replace("+00:00", "Z"),
            datetime.fromtimestamp(NOW, timezone.utc).replace(tzinfo=None).isoformat(),
            datetime.fromtimestamp(NOW, timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT"),
            f"{NOW:,}",
            f"{NOW:_}",
            f'"{NOW}"',
        ],
    )
    def test_finds_a_timestamp_in_another_form_than_seconds(self, text):
        diagnosis = found(HEADERS | {"svix-timestamp": text}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("timestamp_in_milliseconds", "confirmed")
        assert diagnosis.evidence.endswith("in Unix seconds, the signature matches")

    def test_finds_a_sender_that_signs_milliseconds(self):
        headers = signed_headers(BODY, timestamp=f"{NOW}000")
        assert "the signature matches" in found(headers, BODY).evidence
        assert "matches" not in found(headers, BODY + b"x").evidence

    @pytest.mark.parametrize(
        "text",
        ["", "soon", "9" * 20, "9" * 200, "a " * 50_000, "-5", "99 Nov 2026 00:00:00 GMT", "9999-12-31T23:59:59-23:59"],
    )
    def test_accepts_a_timestamp_that_is_not_a_time(self, text):
        cause = "timestamp_in_milliseconds" if text.startswith("9999-") else "missing_header"
        assert found(HEADERS | {"svix-timestamp": text}, BODY).cause == cause

    @pytest.mark.parametrize("away", [1, -5, 305, -9_305])
    def test_finds_the_timestamp_of_another_attempt(self, away):
        diagnosis = found(HEADERS | {"svix-timestamp": str(NOW + away)}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("other_attempt", "confirmed")
        assert f"{abs(away)} s {'earlier' if away > 0 else 'later'}" in diagnosis.evidence

    @pytest.mark.parametrize(
        ("mixed_up", "what"),
        [
            ({"svix-id": "msg_2"}, "id"),
            ({"svix-timestamp": str(NOW - 200)}, "timestamp"),
            ({"svix-id": "msg_2", "svix-timestamp": str(NOW - 200)}, "id and timestamp"),
        ],
    )
    def test_finds_the_headers_of_another_delivery_that_it_knows(self, mixed_up, what):
        headers = signed_headers(BODY, timestamp=NOW - 100_000) | {"svix-timestamp": str(NOW - 100_000)} | mixed_up
        attempts = (
            (each["svix-id"], each["svix-timestamp"])
            for each in (HEADERS, signed_headers(BODY, timestamp=NOW - 100_000))
        )
        diagnosis = found(headers, BODY, attempts=attempts)
        assert (diagnosis.cause, diagnosis.confidence) == ("other_attempt", "confirmed")
        assert f"with the {what} of another delivery" in diagnosis.evidence


def signature_with_plus_and_slash():
    """Return headers and a body whose signature has the characters that URLs, JSON and base64url change."""
    bodies = (b'{"data":{"id":"user_%d"},"type":"user.created"}' % number for number in itertools.count())
    body = next(body for body in bodies if {"+", "/"} <= set(sign(body)))
    return signed_headers(body), body


class TestSignatureHeader:
    headers, body = signature_with_plus_and_slash()
    value = headers["svix-signature"]
    digest = value[3:]

    @pytest.mark.parametrize(
        "damage",
        [
            lambda value: value.removeprefix("v1,"),
            lambda value: value.replace("v1,", "v1="),
            lambda value: value.replace("v1,", "v1, "),
            lambda value: value.replace("v1,", "V1,"),
            lambda value: value[:-1],
            lambda value: value[:-12],
            lambda value: value[12:],
            lambda value: value.replace("+", " "),
            lambda value: urllib.parse.quote(value),
            lambda value: urllib.parse.quote(urllib.parse.quote(value)),
            lambda value: value.replace("+", "-").replace("/", "_"),
            lambda value: value.replace("/", "\\/"),
            lambda value: value.replace("/", "&#x2F;"),
            lambda value: f'"{value}"',
            lambda value: repr(value.encode()),
            lambda value: json.dumps([value]),
            lambda value: f"{value}\t{value}",
            lambda value: f"{value[:20]}\n {value[20:]}",
            lambda value: "v1," + base64.b64decode(value[3:]).hex(),
            lambda value: f"sha256={base64.b64decode(value[3:]).hex().upper()}",
            lambda value: value.upper(),
            lambda value: f"{sign(b'another body')} {value[:-1]}",
        ],
    )
    def test_finds_a_damaged_signature_and_confirms_it_by_what_is_left(self, damage):
        diagnosis = found(self.headers | {"svix-signature": damage(self.value)}, self.body)
        assert (diagnosis.cause, diagnosis.confidence) == ("malformed_signature", "confirmed")
        assert "the rest of the signature in it matches" in diagnosis.evidence
        assert self.digest[:8] not in diagnosis.evidence

    @pytest.mark.parametrize(
        "value", ["", "é", "v1,short", "nonsense", "[Filtered]", "****", "v1,K5oZ****", "None", "v2,AAAA", "v1,"]
    )
    @pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
    def test_a_header_without_a_signature_is_malformed_whatever_the_secret(self, value, secret):
        diagnosis = found(HEADERS | {"svix-signature": value}, BODY, secret=secret)
        assert (diagnosis.cause, diagnosis.confidence) == ("malformed_signature", "confirmed")
        assert "matches" not in diagnosis.evidence

    @pytest.mark.parametrize("damage", [lambda value: value[:-12], lambda value: value.replace("v1,", "")])
    def test_a_damaged_signature_of_another_secret_is_malformed_too(self, damage):
        value = damage(sign(BODY, secret=OTHER_SECRET))
        diagnosis = found(HEADERS | {"svix-signature": value}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("malformed_signature", "confirmed")
        assert "matches" not in diagnosis.evidence

    def test_a_well_formed_signature_of_another_secret_is_not_malformed(self):
        headers = HEADERS | {"svix-signature": f"{sign(BODY, secret=OTHER_SECRET)} v1,short"}
        assert of(headers, BODY) == ("wrong_secret", "by_elimination")

    @pytest.mark.parametrize(
        "value",
        [" ".join([HEADERS["svix-signature"]] * 101), HEADERS["svix-signature"] + "A" * 16_384, "v1,A " * 1_000_000],
    )
    def test_too_many_signatures_are_malformed(self, value):
        diagnosis = found(HEADERS | {"svix-signature": value}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("malformed_signature", "confirmed")
        assert "has more than 100 entries or 16 KB" in diagnosis.evidence

    @pytest.mark.parametrize("other", ["svix-id", "svix-timestamp"])
    def test_finds_a_signature_in_the_header_of_the_id_or_the_timestamp(self, other):
        swapped = HEADERS | {"svix-signature": HEADERS[other], other: HEADERS["svix-signature"]}
        diagnosis = found(swapped, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("malformed_signature", "confirmed")
        assert diagnosis.evidence == f"{other} contains a signature; with exchanged values, the signature matches"
        assert found(swapped, b"another body").evidence == f"{other} contains a signature"

    @pytest.mark.parametrize("other", ["authorization", "x-signature", "signature"])
    def test_finds_a_signature_in_a_header_of_another_name(self, other):
        headers = {(other if name == "svix-signature" else name): value for name, value in HEADERS.items()}
        diagnosis = found(headers, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("missing_header", "confirmed")
        assert diagnosis.evidence == f"{other} instead of svix-signature; with the right names, the signature matches"

    def test_finds_an_id_and_a_timestamp_that_are_swapped(self):
        headers = HEADERS | {"svix-id": HEADERS["svix-timestamp"], "svix-timestamp": HEADERS["svix-id"]}
        diagnosis = found(headers, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("missing_header", "confirmed")
        assert diagnosis.evidence.endswith("with exchanged values, the signature matches")

    @pytest.mark.parametrize("quoted", ['"{}"', *slow("'{}'", "<{}>", "%22{}%22")])
    def test_finds_an_id_in_quotes(self, quoted):
        headers = HEADERS | {"svix-id": quoted.format(HEADERS["svix-id"])}
        assert of(headers, BODY) == ("missing_header", "confirmed")
        assert of(headers, BODY, secret=OTHER_SECRET) == ("wrong_secret", "by_elimination")

    @pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
    @pytest.mark.slow
    def test_finds_the_headers_of_a_delivery_behind_many_others(self, name):
        others = [("svix-x", "x"), ("webhook-id", "msg_1")] * 20_000
        assert of([*others, *HEADERS.items(), (name, "x")], BODY) == ("duplicate_header", "confirmed")
        assert of([*others, *HEADERS.items()], BODY + b"\n") == ("trailing_newline", "confirmed")

    @pytest.mark.parametrize("value", ["msg_1,msg_2", "msg_1, msg_1, msg_2"])
    def test_an_id_with_commas_is_only_likely_a_duplicate(self, value):
        assert of(HEADERS | {"svix-id": value}, BODY) == ("duplicate_header", "likely")


def in_chunks(body, size):
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def dumps(value):
    return json.dumps(value).encode()


TEXT = BODY.decode()
ENCODED_BASE64 = base64.b64encode(BODY)

#: Functions that encode, wrap or quote a body, and the layers around it.
ENCODINGS = {
    "str(bytes)": (repr(BODY).encode(), "Python text"),
    "str(bytearray)": (repr(bytearray(BODY)).encode(), "Python text"),
    "repr(str)": (repr(TEXT).encode(), "Python text"),
    "str(dict)": (str(PAYLOAD).encode(), "Python text"),
    "str([bytes])": (repr([BODY]).encode(), "Python text, an object or a list around it"),
    "a multidict": (f"ImmutableMultiDict([({TEXT!r}, '')])".encode(), None),
    "a QueryDict": (f"<QueryDict: {{{TEXT!r}: ['']}}>".encode(), "Python text, an object or a list around it"),
    "None": (TEXT.replace("null", "None").encode(), "Python text"),
    "single quotes": (TEXT.replace('"', "'").encode(), "Python text"),
    "a JSON string": (dumps(TEXT), "a JSON string"),
    "a JSON string of a JSON string": (dumps(json.dumps(TEXT)), "a JSON string, a JSON string"),
    "without the quotes": (dumps(TEXT)[1:-1], "a JSON string"),
    "a field of CSV": (('"' + TEXT.replace('"', '""') + '"').encode(), "a JSON string"),
    "text in an object": (dumps({"body": TEXT}), "an object or a list around it"),
    "an object in an object": (b'{"body":' + BODY + b"}", "an object or a list around it"),
    "a list": (b"[" + BODY + b"]", "an object or a list around it"),
    "SNS": (dumps({"Type": "Notification", "Message": TEXT}), "an object or a list around it"),
    "SQS": (dumps({"Records": [{"messageId": "1", "body": TEXT}]}), None),
    "CloudEvents": (dumps({"specversion": "1.0", "type": "x", "data": PAYLOAD}), "an object or a list around it"),
    "Lambda": (dumps({"body": ENCODED_BASE64.decode(), "isBase64Encoded": True}), None),
    "base64 of a JSON string": (base64.b64encode(dumps(TEXT)), "base64, a JSON string"),
    "base64 of gzip": (base64.b64encode(gzip.compress(BODY)), "base64, compression"),
    "str(base64)": (repr(ENCODED_BASE64).encode(), "Python text, base64"),
    "base64 as a JSON string": (dumps(ENCODED_BASE64.decode()), "a JSON string, base64"),
    "quoted-printable": (quopri.encodestring(BODY), "quoted-printable"),
    "list(bytes)": (str(list(BODY)).encode(), "a list of numbers"),
    "a buffer of Node.js": (dumps({"type": "Buffer", "data": [*BODY]}), "a list of numbers"),
    "an array of bytes in a browser": (dumps(dict(enumerate(BODY))), "a list of numbers"),
    "Kinesis": (dumps({"Records": [{"kinesis": {"data": ENCODED_BASE64.decode()}}]}), None),
    "hexadecimal": (BODY.hex().encode(), "hexadecimal"),
    "a bytea column": (b"\\x" + BODY.hex().encode(), "hexadecimal"),
    "percent-encoding": (urllib.parse.quote(TEXT).encode(), "percent-encoding"),
    "percent-encoding with plus": (urllib.parse.quote_plus(TEXT).encode(), "percent-encoding"),
    "percent-encoding twice": (urllib.parse.quote(urllib.parse.quote(TEXT)).encode(), None),
    "a form": (urllib.parse.urlencode({"payload": TEXT}).encode(), "a form"),
    "a form's key": (urllib.parse.urlencode({TEXT: ""}).encode(), "a form"),
    "HTML entities": (html.escape(TEXT).encode(), "HTML entities"),
    "HTML entities twice": (html.escape(html.escape(TEXT)).encode(), "HTML entities, HTML entities"),
    "chunks": (in_chunks(BODY, 100), "chunk sizes"),
    "one chunk": (in_chunks(BODY, 100_000), "chunk sizes"),
    "chunks without an end": (in_chunks(BODY, 100)[:-5], "chunk sizes"),
    "multipart": (b'--x\r\nContent-Disposition: form-data; name="f"\r\n\r\n' + BODY + b"\r\n--x--\r\n", None),
    "headers": (b"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + BODY, "text around it"),
}


class TestEncodedBody:
    @pytest.mark.parametrize(("encoded", "layers"), ENCODINGS.values(), ids=ENCODINGS)
    def test_confirms_what_is_around_the_body(self, encoded, layers):
        diagnosis = found(HEADERS, encoded)
        assert (diagnosis.cause, diagnosis.confidence) == ("encoded_body", "confirmed")
        assert diagnosis.evidence == f"the signature matches after undoing: {layers}" or layers is None

    @pytest.mark.parametrize(("encoded", "layers"), ENCODINGS.values(), ids=ENCODINGS)
    @pytest.mark.slow
    def test_is_likely_if_the_secret_is_wrong_too(self, encoded, layers):
        diagnosis = found(HEADERS, encoded, secret=OTHER_SECRET)
        assert (diagnosis.cause, diagnosis.confidence) == ("encoded_body", "likely")

    @pytest.mark.parametrize("layers", [*itertools.permutations(["base64", "JSON", "str"])], ids=" ".join)
    def test_undoes_layers_in_any_order(self, layers):
        encoders = {
            "base64": base64.b64encode,
            "JSON": lambda body: dumps(body.decode()),
            "str": lambda body: repr(body).encode(),
        }
        original = encoded = b'{"type":"x","data":{}}'
        for name in layers:
            encoded = encoders[name](encoded)
        assert of(signed_headers(original), encoded) == ("encoded_body", "confirmed")

    base64_encoders = pytest.mark.parametrize(
        "encode", [base64.b64encode, *slow(base64.urlsafe_b64encode, lambda body: base64.b64encode(body).rstrip(b"="))]
    )

    @pytest.mark.parametrize("times", [1, *slow(2), 3])
    @base64_encoders
    def test_base64_may_be_of_any_alphabet_and_repeated(self, encode, times):
        encoded = BODY
        for _ in range(times):
            encoded = encode(encoded)
        assert of(HEADERS, encoded) == ("base64_body", "confirmed")

    @pytest.mark.parametrize("times", [*slow(1, 2), 3])
    @base64_encoders
    def test_base64_of_json_is_likely_if_the_secret_is_wrong_too(self, encode, times):
        encoded = BODY
        for _ in range(times):
            encoded = encode(encoded)
        assert of(HEADERS, encoded, secret=OTHER_SECRET) == ("base64_body", "likely")

    def test_a_data_url_is_base64(self):
        assert of(HEADERS, b"data:application/json;base64," + ENCODED_BASE64) == ("base64_body", "confirmed")

    @pytest.mark.parametrize(
        "body",
        [
            b"<bound method Request.body of <starlette.requests.Request object at 0x7f61a8b3c4c0>>",
            *slow(
                b"[object Object]",
                b"<memory at 0x7f61a8b3c4c0>",
                b"<coroutine object Request.body at 0x7f61a8b3c4c0>",
                b"<Request 'http://localhost/webhooks/clerk' [POST]>",
                b"None",
                b"undefined",
            ),
        ],
    )
    def test_finds_the_name_of_an_object(self, body):
        assert of(HEADERS, body) == ("encoded_body", "likely")

    @pytest.mark.parametrize(
        "body",
        [
            repr(OrderedDict(PAYLOAD)).replace("{", "[").replace("}", "]"),
            *slow(
                "type='user.created' data=User(id='user_1', first_name=None)",
                pprint.pformat(sample("user.created"), width=40),
                repr([*PAYLOAD.items()]),
                "UserCreated(type='user.created', data=None)",
                "namespace(data=None)",
            ),
        ],
    )
    def test_finds_the_text_of_a_python_object(self, body):
        diagnosis = found(HEADERS, body, secret=OTHER_SECRET)
        assert (diagnosis.cause, diagnosis.confidence) == ("encoded_body", "likely")
        assert diagnosis.evidence == "the body looks like str() or repr() of a Python object"

    @pytest.mark.parametrize(
        "body", ["name=None&a=b", *slow("<a href='x' title='y'>", "event: user.created", "it's = 'x'")]
    )
    def test_other_text_is_not_the_text_of_a_python_object(self, body):
        assert of(HEADERS, body) == ("not_json", "by_elimination")

    @pytest.mark.parametrize("body", [repr(BODY)[:150], *slow(repr(BODY)[:-1], "b'{'")])
    def test_finds_the_beginning_of_python_bytes(self, body):
        assert of(HEADERS, body) == ("encoded_body", "likely")

    @pytest.mark.parametrize(
        "body",
        [
            rb"b'\U00110000'",
            b"b'\xe9{\\u2603}'",
            b"'\\ud800'",
            b"{'a': b'\\xff'}",
            b"{'a': ('b',), 'c': ()}",
            b"&#xD800;&#99999999999;&bogus;",
            b"%",
            b"%zz%4",
            b"=&=&a==b",
            b"&".join([b"a=b"] * 200),
            b"ffffffff\r\n{}",
            b"0\r\n0\r\n",
            b'"\\ud800"',
            b"\\x7b2",
            b"}{",
            b"[]" * 20,
        ],
    )
    @pytest.mark.slow
    def test_accepts_what_only_looks_encoded(self, body):
        assert found(HEADERS, body).cause in ("not_json", "encoded_body", "reserialized_body")

    def test_looks_only_so_far_into_a_large_array_of_arrays(self):
        assert found(HEADERS, dumps([[["x" * 30]] * 3] * 2000)).cause in ("encoded_body", "reserialized_body")

    def test_a_compressed_text_in_text_is_inflated_up_to_eight_megabytes(self):
        bomb = base64.b64encode(gzip.compress(bytes(50_000_000))).decode()
        assert of(HEADERS, dumps({"a": [bomb] * 3}))[0] == "reserialized_body"


def in_jsonb_order(value):
    """Return JSON as a jsonb column of PostgreSQL returns it."""
    if isinstance(value, list):
        return [in_jsonb_order(item) for item in value]
    if isinstance(value, dict):
        return {key: in_jsonb_order(value[key]) for key in sorted(value, key=lambda key: (len(key.encode()), key))}
    return value


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


class TestTransformedPayload:
    own_order = compact(
        sample("organization.created", public_metadata={"zeta": 1, "a": {"y": 1, "b": 2}, **dict.fromkeys("qwertyu")})
    )

    @pytest.mark.parametrize(
        ("transform", "evidence"),
        [
            (lambda text: unicodedata.normalize("NFD", text), "normalization to NFC"),
            (lambda text: text.replace('"', "\u201c"), "straight"),
            (lambda text: text.replace('"', "\u201d"), "straight"),
            (lambda text: compact(json.loads(text, parse_int=float)).decode(), "integers instead of floats"),
            (lambda text: json.dumps(json.loads(text, parse_int=float)), "integers instead of floats"),
            (lambda text: text.replace("'", "''"), "single apostrophes"),
        ],
    )
    def test_confirms_a_transformation_that_can_be_undone(self, transform, evidence):
        original = TEXT.replace("<&>", "D'Arcy")
        diagnosis = found(signed_headers(original.encode()), transform(original))
        assert (diagnosis.cause, diagnosis.confidence) == ("transformed_payload", "confirmed")
        assert evidence in diagnosis.evidence

    @pytest.mark.parametrize(
        ("transform", "evidence"),
        [
            (lambda text: compact(in_jsonb_order(json.loads(text))), "jsonb"),
            (lambda text: "{" + text[1:].replace('"', "\u201d"), "typographic"),
            (lambda text: text.replace("Engines", "Eng\nines"), "control characters"),
            (lambda text: compact(dict(reversed(json.loads(text).items()))), "alphabetical order"),
            (lambda text: compact(json.loads(text, parse_int=float)), "floats"),
            *slow(
                (
                    lambda text: compact(json.loads(text) | {"data": dict(reversed(json.loads(text)["data"].items()))}),
                    "alphabetical order",
                ),
                (lambda text: text.replace("null", "NaN"), "NaN"),
                (lambda text: text.replace("null", "-Infinity"), "Infinity"),
            ),
        ],
    )
    def test_is_likely_if_the_secret_is_wrong_too(self, transform, evidence):
        diagnosis = found(signed_headers(self.own_order), transform(self.own_order.decode()), secret=OTHER_SECRET)
        assert (diagnosis.cause, diagnosis.confidence) == ("transformed_payload", "likely")
        assert evidence in diagnosis.evidence

    @pytest.mark.parametrize("dump", [compact, *slow(dumps, lambda value: json.dumps(value, indent=1).encode())])
    def test_finds_what_jsonb_does_to_metadata_in_an_order_of_their_own(self, dump):
        stored = dump(in_jsonb_order(json.loads(self.own_order)))
        cause, confidence = of(signed_headers(self.own_order), stored)
        assert (cause, confidence) in [("transformed_payload", "likely"), ("reserialized_body", "likely")]

    @pytest.mark.parametrize(
        "metadata",
        [
            {"public_metadata": {"zeta": 1, "a": 2}, "private_metadata": {"y": 1, "b": [2]}},
            {"public_metadata": {"zeta": 1, "a": {"y": 1, "b": {"z": 1, "a": 2}}, "plan": "pro"}},
            *slow(
                {"unsafe_metadata": {"steps": [{"name": "x", "at": 1}, {"name": "y", "at": 2}]}},
                {"public_metadata": dict.fromkeys(("theme", "b", "a", "c", "f", "e", "d"), 1)},
            ),
        ],
        ids=["two objects", "nested", "in a list", "seven keys"],
    )
    @pytest.mark.parametrize("store", [in_jsonb_order, lambda value: json.loads(json.dumps(value, sort_keys=True))])
    def test_confirms_an_order_of_a_few_keys_of_metadata(self, metadata, store):
        original = compact(sample("user.created", **metadata))
        for dump in (dumps, compact):
            arrived = dump(store(json.loads(original)))
            assert of(signed_headers(original), arrived) == ("reserialized_body", "confirmed")

    def test_confirms_keys_in_the_order_of_a_model(self):
        """pydantic writes the fields in the order of the class, and leaves metadata as they are."""
        payload = json.loads(self.own_order)
        modelled = {key: payload[key] for key in ("type", "object", "timestamp", "data")} | payload
        assert of(signed_headers(self.own_order), compact(modelled)) == ("reserialized_body", "confirmed")

    @pytest.mark.parametrize("body", [BODY + b" ", b"  " + BODY, b"\n" + BODY + b"\t\n"])
    def test_spaces_around_the_body_are_a_reserialized_body(self, body):
        assert of(HEADERS, body) == ("reserialized_body", "confirmed")

    @pytest.mark.parametrize("secret", [SECRET, *slow(OTHER_SECRET)])
    @pytest.mark.parametrize("style", [{}, *slow({"indent": 2}, {"separators": (", ", ":")})])
    def test_spaces_between_the_parts_are_likely_a_reserialized_body(self, style, secret):
        changed = json.dumps(PAYLOAD | {"extra": 1}, **style)
        assert of(HEADERS, changed, secret=secret) == ("reserialized_body", "likely")

    @pytest.mark.parametrize(
        "lose",
        [
            lambda text: text.replace("ö", "?"),
            lambda text: text.replace("ö", "??"),
            lambda text: text.replace("ö", ""),
            lambda text: text.replace("ö", "o"),
            lambda text: text.replace("ö", "_"),
        ],
    )
    def test_confirms_a_letter_that_was_lost(self, lose):
        original = compact(sample("user.created"))
        assert "Björk".encode() in original
        assert of(signed_headers(original), lose(original.decode())) == ("wrong_charset", "confirmed")

    names_apart = compact(sample("user.created", first_name="Zoë", last_name="<&>"))  # the account's name is Björk
    names_together = compact(sample("user.created", first_name="José", last_name="Müller", external_accounts=[]))

    @pytest.mark.parametrize("original", [names_apart, names_together], ids=["apart", "together"])
    def test_confirms_letters_that_were_dropped_from_two_names(self, original):
        arrived = original.decode().encode("ascii", "ignore")
        assert of(signed_headers(original), arrived) == ("wrong_charset", "confirmed")

    @pytest.mark.parametrize("original", [names_apart, names_together], ids=["apart", "together"])
    def test_confirms_letters_that_were_replaced_in_two_words(self, original):
        arrived = original.decode().encode("ascii", "replace")
        assert of(signed_headers(original), arrived) == ("wrong_charset", "confirmed")


class TestByElimination:
    @pytest.mark.parametrize(
        "text",
        [
            "b'{}'", repr(BODY)[:90], json.dumps('{"type":"x","data":{}}'), '{"type":"x","data":{}}', "[object Object]",
            "%7B%22type%22%3A%22x%22%7D", "&quot;&lt;&amp;", "eyJ0eXBlIjoieCIsImRhdGEiOnt9fQ==", "7b7d" * 9,
            "payload=%7B%7D&a=b", "2\r\n{}\r\n0\r\n\r\n", "\u201cquoted\u201d", "What?", "None", "v1,AAAA", "\\u00eb",
            "--x\r\n\r\n{}\r\n--x--", "NaN", "<memory at 0x7f>", "it's", "e\u0301",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("place", ["first_name", "public_metadata"])
    @pytest.mark.slow
    def test_an_ordinary_body_that_contains_such_text_is_a_wrong_secret(self, text, place):
        body = compact(sample("user.created", **{place: {"note": text, "nested": [text]} if "meta" in place else text}))
        assert of(signed_headers(body), body, secret=OTHER_SECRET) == ("wrong_secret", "by_elimination")
        assert diagnose(signed_headers(body), body, secret=SECRET, clock=now).valid

    @pytest.mark.parametrize("depth", [1, 199, 250, 990, 3000])
    @pytest.mark.slow
    def test_deep_json_is_a_wrong_secret(self, depth):
        body = b'{"type":"x","data":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
        assert of(HEADERS, body, secret=OTHER_SECRET) == ("wrong_secret", "by_elimination")


class TestSeveralSecrets:
    fingerprint = Webhook(SECRET).fingerprints[0]

    @pytest.mark.parametrize(("secrets", "number"), [([OTHER_SECRET, SECRET], 2), ([SECRET, OTHER_SECRET], 1)])
    def test_says_which_secret_matches(self, secrets, number):
        matches = f"matches secret {number} of 2, fingerprint {self.fingerprint}"
        valid = diagnose(HEADERS, BODY, secret=secrets, clock=now)
        assert valid.valid
        assert valid.evidence == f"the signature {matches}, and the timestamp is current"
        for headers, body, cause in (
            (HEADERS, BODY + b"\n", "trailing_newline"),
            (HEADERS, repr(BODY), "encoded_body"),
            (HEADERS | {"svix-signature": HEADERS["svix-signature"][:-1]}, BODY, "malformed_signature"),
            ([*HEADERS.items(), ("svix-id", "msg_2")], BODY, "duplicate_header"),
            (signed_headers(BODY, timestamp=NOW - 301), BODY, "timestamp_too_old"),
            (HEADERS | {"svix-timestamp": str(NOW + 1)}, BODY, "other_attempt"),
        ):
            diagnosis = found(headers, body, secret=secrets)
            assert diagnosis.cause == cause
            assert diagnosis.evidence.endswith(f"; it {matches}")

    def test_says_nothing_of_a_single_secret_or_if_none_matches(self):
        assert "fingerprint" not in diagnose(HEADERS, BODY, secret=SECRET, clock=now).evidence
        assert "fingerprint" not in found(HEADERS, BODY + b"\n").evidence
        damaged = HEADERS | {"svix-signature": sign(b"another body")[:-12]}
        assert "fingerprint" not in found(damaged, BODY, secret=[SECRET, OTHER_SECRET]).evidence

    @pytest.mark.parametrize("invalid", ["whsec_bad", "", "sk_test_1234"])
    def test_reports_which_secret_matches_next_to_an_invalid_one(self, invalid):
        diagnosis = found(HEADERS, BODY, secret=[invalid, SECRET])
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "confirmed")
        assert diagnosis.evidence.endswith(f"the signature matches secret 2 of 2, fingerprint {self.fingerprint}")

    @pytest.mark.parametrize("first", [OTHER_SECRET, "", " ", "whsec_your_secret", f"{OTHER_SECRET},{OTHER_SECRET}"])
    @pytest.mark.parametrize(
        ("second", "place"),
        [(SECRET, "the secret"), (f"{OTHER_SECRET} {SECRET}", "secret 2 of 2"), (f"bad,{SECRET}", "secret 2 of 2")],
    )
    def test_finds_the_secret_in_the_second_environment_variable(self, monkeypatch, first, second, place):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", first)
        monkeypatch.setenv("CLERK_WEBHOOK_SECRET", second)
        diagnosis = found(HEADERS, BODY, secret=None)
        assert (diagnosis.cause, diagnosis.confidence) == ("other_secret", "confirmed")
        assert f"matches {place} in CLERK_WEBHOOK_SECRET, fingerprint {self.fingerprint}" in diagnosis.evidence
        assert "CLERK_WEBHOOK_SIGNING_SECRET" in diagnosis.fix

    def test_does_not_try_the_second_variable_if_a_secret_was_passed(self, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", OTHER_SECRET)
        monkeypatch.setenv("CLERK_WEBHOOK_SECRET", SECRET)
        assert of(HEADERS, BODY, secret=OTHER_SECRET) == ("wrong_secret", "by_elimination")

    def test_reports_a_wrong_secret_if_neither_variable_matches(self, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", "")
        monkeypatch.setenv("CLERK_WEBHOOK_SECRET", OTHER_SECRET)
        assert of(HEADERS, BODY, secret=None) == ("wrong_secret", "confirmed")
        monkeypatch.setenv("CLERK_WEBHOOK_SECRET", " ")
        with pytest.raises(InvalidSecretError, match="is empty"):
            diagnose(HEADERS, BODY)

    @pytest.mark.parametrize(
        "value",
        [
            f"CLERK_WEBHOOK_SIGNING_SECRET={SECRET} # production",
            f"{SECRET} # production",
            f"Your secret: {SECRET}",
            f"{SECRET} your secret",
            json.dumps({"user": "example", "signing_secret": SECRET}),
            json.dumps({"placeholder": {"secret": SECRET}}, indent=2),
            base64.b64encode(SECRET.encode()).decode(),
            base64.b64encode(base64.b64encode(SECRET.encode())).decode(),
        ],
    )
    def test_finds_the_secret_inside_another_value(self, value, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", value)
        for secret in (value, None):
            diagnosis = found(HEADERS, BODY, secret=secret)
            assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "confirmed")
            assert "with this fixed, the signature matches" in diagnosis.evidence
            assert "placeholder" not in diagnosis.evidence


class TestBudget:
    def test_all_probes_together_hash_only_while_there_is_time(self, monkeypatch):
        hashed, update = [], hmac.HMAC.update
        monkeypatch.setattr(hmac.HMAC, "update", lambda mac, part: hashed.append(part) or update(mac, part))
        ticks = itertools.count()
        diagnosis = diagnose(HEADERS, BODY, secret=OTHER_SECRET, clock=now, budget=500, timer=lambda: next(ticks))
        assert 100 < len(hashed) < 2 * 500, "id and body, for each tick"
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "by_elimination")
        assert diagnosis.evidence.endswith("; not everything could be tried")
        assert "other_attempt" in diagnosis.not_tried
        assert "trailing_newline" in diagnosis.ruled_out

    @pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET, "whsec_bad", [SECRET, "whsec_bad"]], ids=repr)
    @pytest.mark.parametrize("body", [BODY, BODY + b"\n", b"x", b"", ENCODED_BASE64, BODY[:90]], ids=len)
    @pytest.mark.parametrize(
        "budget",
        [70, *slow(*range(0, 400, 40))],
    )
    def test_without_time_left_nothing_is_confirmed_to_be_a_wrong_secret(self, secret, body, budget):
        headers = HEADERS | {"svix-timestamp": str(NOW + 90)}
        ticks = itertools.count()
        diagnosis = found(headers, body, secret=secret, budget=budget, timer=lambda: next(ticks))
        is_complete = diagnosis.not_tried == ()
        assert is_complete or (diagnosis.cause, diagnosis.confidence) != ("wrong_secret", "confirmed")

    def test_an_encoded_body_is_found_or_listed_as_not_tried_whenever_the_time_ends(self):
        causes = set()
        for budget in range(0, 200, 5):
            timer = itertools.count().__next__
            diagnosis = found(HEADERS, base64.b64encode(dumps(TEXT)), budget=budget, timer=timer)
            assert diagnosis.cause == "encoded_body" or "encoded_body" in diagnosis.not_tried
            causes.add(diagnosis.cause)
        assert causes == {"encoded_body", "not_json"}

    def test_no_time_at_all_still_names_what_is_plain_to_see(self):
        for headers, body, cause in (
            ({}, BODY, "missing_header"),
            ([*HEADERS.items(), ("svix-id", "msg_2")], BODY, "duplicate_header"),
            (HEADERS | {"svix-signature": ""}, BODY, "malformed_signature"),
            (HEADERS, b"", "empty_body"),
            (HEADERS, b"x", "not_json"),
            (signed_headers(BODY, timestamp=NOW - 301), BODY, "timestamp_too_old"),
        ):
            assert found(headers, body, budget=0).cause == cause
        assert of(HEADERS, BODY + b"\n", budget=0) == ("wrong_secret", "by_elimination")

    @pytest.mark.parametrize("budget", [-1, float("nan")])
    def test_rejects_a_budget_that_is_not_seconds(self, budget):
        with pytest.raises(ValueError, match="budget must be a number of seconds"):
            diagnose(HEADERS, BODY, secret=SECRET, clock=now, budget=budget)

    @pytest.mark.parametrize(
        "body",
        [
            b"[" + b"{}," * 1_000_000 + b"{}]",
            b"[" * 1_000_000 + b"]" * 1_000_000,
            *slow(b'["' + b'","' * 1_000_000 + b'"]'),
        ],
        ids=["objects", "deep", "strings"],
    )
    def test_does_not_parse_json_that_would_take_much_memory(self, body):
        tracemalloc.start()
        diagnosis = found(HEADERS, body)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 60_000_000
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "by_elimination")
        assert {"reserialized_body", "transformed_payload", "encoded_body", "truncated_body"} == set(
            diagnosis.not_tried
        )

    @pytest.mark.parametrize(
        "body",
        [
            b"[" + b"{}," * 1_000_000,
            b"[" + b"1,,}" * 1_000_000 + b"]",
            *slow(
                b"," * 4_000_000,
                b"[" + b"," * 4_000_000 + b"]",
                b"[" + b"0, " * 2_000_000 + b"]",
                b'{"a":' + b'"",' * 1_000_000 + b'"":,}',
                b"[" + b"{}{}" * 1_000_000 + b"]",
                b'{"":0}' * 1_000_000,
            ),
        ],
    )
    def test_a_large_body_that_is_not_json_is_not_a_wrong_secret(self, body):
        assert of(HEADERS, body) == ("not_json", "by_elimination")


class TestCommand:
    """Output of the command besides the diagnosis."""

    @pytest.fixture
    def diagnosed(self, capsys, tmp_path, monkeypatch):
        """Runs the command on records of (headers, body, received_at), and returns its exit code and output."""
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)

        def run(records, *options):
            lines = [
                {"headers": headers, "body_b64": base64.b64encode(body).decode(), "received_at": received_at}
                for headers, body, received_at in records
            ]
            file = tmp_path / "capture.ndjson"
            file.write_text("".join(json.dumps(line) + "\n" for line in lines))
            code = main(["diagnose", "--delivery", f"@{file}", *options])
            return code, " ".join(capsys.readouterr().out.split())

        return run

    @pytest.mark.parametrize("received_at", [NOW, NOW + 299.5, NOW - 300])
    def test_judges_a_delivery_as_of_the_time_when_it_arrived(self, diagnosed, received_at):
        code, output = diagnosed([(HEADERS, BODY, received_at)])
        assert (code, output) == (0, "valid: the signature matches and the timestamp is current")
        code, output = diagnosed([(HEADERS, BODY, received_at)], "--at", "now")
        assert code == 1
        assert "rejected: timestamp_too_old (confirmed)" in output
        assert f"; --at {NOW} judges it as of its own time" in output

    @pytest.mark.parametrize(
        ("code", "expected"),
        [
            ("signature_mismatch", "the application rejected it with signature_mismatch, so it has another secret"),
            ("timestamp_too_new", "but: the application rejected it with timestamp_too_new, so its clock was wrong"),
            ("body_timeout", "but: the application rejected it with body_timeout"),
            (None, ""),
            (["no code"], ""),
        ],
    )
    def test_a_valid_delivery_that_the_application_rejected_shows_what_differs(self, tmp_path, capsys, code, expected):
        file, secret = tmp_path / "rejected.ndjson", tmp_path / "secret.txt"
        secret.write_text(SECRET)
        line = {"headers": HEADERS, "body_b64": base64.b64encode(BODY).decode(), "received_at": NOW, "code": code}
        file.write_text(json.dumps(line))
        assert main(["diagnose", str(file), "--secret-file", str(secret)]) == 0
        first, _, second = capsys.readouterr().out.partition("\n")
        assert first == "valid: the signature matches and the timestamp is current"
        assert expected in " ".join(second.split())
        assert bool(second) == bool(expected)

    def test_a_delivery_that_was_too_old_when_it_arrived_stays_so(self, diagnosed):
        code, output = diagnosed([(HEADERS, BODY, NOW + 301)])
        assert code == 1
        assert "timestamp is 301 s old" in output
        assert "; that was its age when it arrived" in output
        assert diagnosed([(HEADERS, BODY, NOW + 301)], "--at", str(NOW))[0] == 0

    def test_judges_each_record_by_its_own_time(self, diagnosed):
        records = [(signed_headers(BODY, timestamp=NOW + day), BODY, NOW + day) for day in (0, 86_400, 10**8)]
        assert diagnosed(records)[0] == 0
        code, output = diagnosed([*records, (HEADERS, BODY, NOW + 86_400), (HEADERS, BODY, None)])
        assert code == 1
        assert output.count("valid: ") == 3
        assert output.count("rejected: timestamp_too_old") == 2

    @pytest.mark.parametrize("value", ["soon", "-1", "nan"])
    def test_rejects_an_invalid_time_or_budget(self, diagnosed, value):
        assert diagnosed([(HEADERS, BODY, NOW)], "--budget", value)[0] == 2

    def test_lists_what_was_not_tried(self, diagnosed):
        headers = signed_headers(BODY, secret=OTHER_SECRET)
        code, output = diagnosed([(headers, BODY, NOW)], "--budget", "0")
        assert code == 1
        assert "rejected: wrong_secret (by_elimination)" in output
        assert "not tried: " in output
        assert "reserialized_body" in output.split("not tried: ")[1]
        assert "not tried" not in diagnosed([(headers, BODY, NOW)], "--budget", "60")[1]
        assert json.loads(diagnosed([(headers, BODY, NOW)], "--budget", "0", "--json")[1])["not_tried"]


class TestRuledOut:
    def test_contains_the_causes_that_were_tried_first(self):
        codes = [cause.code for cause in CAUSES]
        ruled_out = found(HEADERS, b"\xef\xbb\xbf" + BODY).ruled_out
        assert ruled_out == tuple(code for code in codes[: codes.index("byte_order_mark")] if code in ruled_out)
        assert {"asymmetric_only", "empty_body", "trailing_newline"} <= set(ruled_out)
        assert "wrong_charset" not in ruled_out

    def test_contains_no_cause_that_is_likely(self):
        diagnosis = found(HEADERS, BODY.decode("ascii", "replace").encode() + b"x")
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_charset", "likely")
        assert not {"wrong_charset", "wrong_secret"} & set(diagnosis.ruled_out)
        assert {"reserialized_body", "other_attempt"} <= set(diagnosis.ruled_out)

    def test_contains_all_other_causes_if_the_signature_matches(self):
        diagnosis = found(signed_headers(BODY, timestamp=NOW - 301), BODY)
        assert set(diagnosis.ruled_out) == FIXES.keys() - {"timestamp_too_old", "timestamp_too_new"}

    @pytest.mark.parametrize(
        ("headers", "secret"),
        [({}, SECRET), ([*HEADERS.items(), ("svix-id", "msg_2")], SECRET), (HEADERS, "whsec_")],
        ids=["missing header", "duplicate header", "invalid secret"],
    )
    def test_is_empty_if_the_strict_check_names_the_fault(self, headers, secret):
        assert found(headers, BODY, secret=secret).ruled_out == ()


def test_every_cause_has_one_entry_with_a_fix():
    assert len(FIXES) == len(CAUSES)
    assert all(FIXES.values())


@given(
    body=st.binary(max_size=200),
    secret=st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode()),
    noise=st.dictionaries(
        st.sampled_from(["content-length", "stripe-signature", "webhook-id", "x-svix-id"]), st.text(max_size=9)
    ),
)
def test_a_correctly_signed_delivery_is_valid(body, secret, noise):
    headers = noise | signed_headers(body, secret=secret)
    diagnosis = diagnose(headers, body, secret=[OTHER_SECRET, secret], clock=now)
    assert diagnosis.valid
    assert (diagnosis.cause, diagnosis.confidence, diagnosis.fix, diagnosis.ruled_out) == (None, None, "", ())


@pytest.mark.parametrize(
    "body", [b'{"text":"Ada signed up"}', b"{}", b'{"type":"user.created"}', b'{"data":{}}', b"[]", b'"Ada signed up"']
)
def test_a_valid_delivery_that_is_not_an_event_names_a_transformation(body):
    diagnosis = diagnose(signed_headers(body), body, secret=SECRET, clock=now)
    assert diagnosis.valid
    assert diagnosis.evidence.startswith("the signature matches and the timestamp is current, but the body ")
    assert "most likely a transformation in Clerk's dashboard changed it before it was signed" in diagnosis.evidence
    assert "(Webhooks, the endpoint, Advanced, Transformations)" in diagnosis.evidence


@pytest.mark.parametrize("body", [b"", b"hello", b"<p>", b"\xff"])
def test_reports_a_valid_delivery_that_is_not_json(body):
    diagnosis = diagnose(signed_headers(body), body, secret=SECRET, clock=now)
    assert diagnosis.valid
    assert "is current, but the body is not " in diagnosis.evidence
    assert "transformation" not in diagnosis.evidence


@given(
    headers=st.dictionaries(
        st.sampled_from([*HEADERS, "content-length", "webhook-id", "svix_id"]), st.text(max_size=30)
    ),
    body=st.binary(max_size=60),
)
def test_the_verdict_is_always_that_of_the_strict_check(headers, body):
    diagnosis = diagnose(headers, body, secret=SECRET, clock=now)
    assert not diagnosis.valid
    assert diagnosis.cause in FIXES


#: Changes to a delivery, and the causes that are never confirmed for them.
DAMAGES = [
    lambda headers, body: (headers, repr(body).encode()),
    lambda headers, body: (headers, repr(json.loads(body)).encode()),
    lambda headers, body: (headers, json.dumps(body.decode()).encode()),
    lambda headers, body: (headers, json.dumps({"body": body.decode()}).encode()),
    lambda headers, body: (headers, b"[" + body + b"]"),
    lambda headers, body: (headers, base64.b64encode(body)),
    lambda headers, body: (headers, base64.urlsafe_b64encode(json.dumps(body.decode()).encode())),
    lambda headers, body: (headers, gzip.compress(body)),
    lambda headers, body: (headers, urllib.parse.quote(body).encode()),
    lambda headers, body: (headers, urllib.parse.urlencode({"payload": body}).encode()),
    lambda headers, body: (headers, html.escape(body.decode()).encode()),
    lambda headers, body: (headers, in_chunks(body, 30)),
    lambda headers, body: (headers, json.dumps(json.loads(body)).encode()),
    lambda headers, body: (headers, body + b"\n"),
    lambda headers, body: (headers, b"\xef\xbb\xbf" + body),
    lambda headers, body: (headers | {"svix-signature": headers["svix-signature"].removeprefix("v1,")}, body),
    lambda headers, body: (headers | {"svix-signature": headers["svix-signature"][:-5]}, body),
    lambda headers, body: (headers | {"svix-signature": f'"{headers["svix-signature"]}"'}, body),
    lambda headers, body: (headers | {"svix-signature": urllib.parse.quote(headers["svix-signature"])}, body),
    lambda headers, body: (headers | {"svix-signature": headers["svix-signature"].replace("=", "")}, body),
    lambda headers, body: (headers | {"svix-timestamp": str(NOW + 7)}, body),
    lambda headers, body: ({name.replace("-", "_"): value for name, value in headers.items()}, body),
]
TEXTS = st.text() | st.sampled_from(list(ENCODINGS.values())).map(lambda encoded: encoded[0].decode()[:200])
ORDINARY_BODIES = st.dictionaries(st.sampled_from(["id", "first_name", "note", "public_metadata"]), TEXTS).map(
    lambda data: compact({"data": data, "object": "event", "type": "user.created"})
)


@settings(max_examples=50)
@given(body=ORDINARY_BODIES, damage=st.sampled_from(DAMAGES))
def test_each_damage_to_a_valid_delivery_is_found_and_confirmed(body, damage):
    headers, arrived = damage(signed_headers(body), body)
    diagnosis = diagnose(headers, arrived, secret=SECRET, clock=now, budget=60)
    if not diagnosis.valid:  # the body had nothing that this damage changes
        assert diagnosis.cause != "wrong_secret"
        assert diagnosis.confidence == "confirmed"


@settings(max_examples=50)
@given(body=ORDINARY_BODIES, damage=st.sampled_from(DAMAGES))
@pytest.mark.slow
def test_no_damage_is_confirmed_to_be_a_wrong_secret_if_it_is_wrong_too(body, damage):
    headers, arrived = damage(signed_headers(body), body)
    diagnosis = diagnose(headers, arrived, secret=OTHER_SECRET, clock=now, budget=60)
    assert (diagnosis.cause, diagnosis.confidence) != ("wrong_secret", "confirmed")
    assert "matches" not in diagnosis.evidence


@settings(max_examples=50)
@given(body=ORDINARY_BODIES)
@pytest.mark.slow
def test_an_ordinary_body_of_another_secret_is_a_wrong_secret_by_elimination(body):
    diagnosis = diagnose(signed_headers(body), body, secret=OTHER_SECRET, clock=now, budget=60)
    expected = "wrong_charset" if "\ufffd".encode() in body else "wrong_secret"
    assert diagnosis.cause == expected
    assert diagnosis.confidence == ("likely" if expected == "wrong_charset" else "by_elimination")


#: Eight megabytes each, made in the process that diagnoses them: (header, value) or a body.
HOSTILE = {
    "objects": 'b"[" + b"{}," * 2_666_666 + b"{}]"',
    "lists": 'b"[" + b"[]," * 2_666_666 + b"[]]"',
    "strings": """b'["' + b'","' * 2_666_666 + b'"]'""",
    "members": """b"{" + b'"":0,' * 1_600_000 + b'"":0}'""",
    "numbers": 'b"[" + b"0," * 4_000_000 + b"0]"',
    "deep": 'b"[" * 4_000_000 + b"]" * 4_000_000',
    "deep objects": """b'{"a":' * 1_600_000""",
    "one long string": """'{"data":"\\N{GRINNING FACE}'.encode() + b"a" * 8_000_000 + b'","type":"x"}'""",
    "escapes": """b'{"data":{"a":"' + b"\\\\n" * 4_000_000 + b'"},"type":"x"}'""",
    "quotes": """b'"' * 8_000_000""",
    "spaces": 'b" " * 8_000_000',
    "newlines": 'b"\\n" * 8_000_000',
    "CR LF": 'b"\\r\\n" * 4_000_000',
    "base64": 'b"A" * 4_000_000 + b" " * 4_000_000 + b"!"',
    "percent": 'b"%7B" * 2_666_666',
    "not UTF-8": 'b"\\xff" * 8_000_000',
    "signatures": '("svix-signature", "v1,AAAA " * 1_000_000)',
    "one long signature": '("svix-signature", "A" * 8_000_000)',
    "commas in the id": '("svix-id", "," * 8_000_000)',
    "words in the timestamp": '("svix-timestamp", "a " * 4_000_000)',
}
IN_ITS_OWN_PROCESS = """
import time
from helpers.signer import SECRET, now, signed_headers
from clerk_webhook_verify.diagnose import diagnose
hostile = {}
headers, body = signed_headers(b"x"), b"{{}}"
if isinstance(hostile, tuple):
    headers[hostile[0]] = hostile[1]
else:
    body = hostile
start = time.process_time()
diagnosis = diagnose(headers, body, secret=SECRET, clock=now)
seconds = time.process_time() - start
peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]  # ru_maxrss includes the process that started it
print(diagnosis.cause, diagnosis.confidence, int(peak) // 1024, seconds)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_request_of_eight_megabytes_takes_less_than_300_and_is_not_confirmed(hostile):
    done = subprocess.run(
        [sys.executable, "-c", IN_ITS_OWN_PROCESS.format(hostile)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    cause, confidence, megabytes, seconds = done.stdout.split()
    assert int(megabytes) < 300
    assert float(seconds) < 10, "ten times the budget, on a slow machine"
    assert (cause, confidence) != ("wrong_secret", "confirmed")


def test_the_signer_of_these_tests_uses_the_key_of_the_secret():
    """The cases above would show nothing if the signer's secret were not the one that Webhook reads."""
    assert Webhook(SECRET, clock=now).verify_signature(HEADERS, BODY).secret_fingerprint
    assert len(key_of(SECRET)) == 24
