"""Does a diagnosis find what happened to a delivery, confirm it, and report nothing if nothing did?"""

import base64
import email.message
import gzip
import json
import tracemalloc
import zlib
from datetime import datetime, timezone

import pytest
from helpers.signer import NOW, OTHER_SECRET, SECRET, key_of, now, sign, signed_headers
from hypothesis import given, strategies as st

from clerk_webhook_verify import InvalidSecretError, Webhook
from clerk_webhook_verify.diagnose import diagnose
from clerk_webhook_verify.diagnose.causes import CAUSES
from clerk_webhook_verify.testing import sample

FIXES = {cause.code: cause.fix for cause in CAUSES}
PAYLOAD = sample("user.created", first_name="Zoë", last_name="<&>")
BODY = json.dumps(PAYLOAD, ensure_ascii=False, separators=(",", ":")).encode()
HEADERS = signed_headers(BODY)
UNSORTED = json.dumps(
    {"type": "user.created", "object": "event", "data": {"id": "user_1", "first_name": "Zoë", "age": [1, 2]}},
    ensure_ascii=False,
    separators=(",", ":"),
).encode()


def found(headers, body, *, secret=SECRET, clock=now, **options):
    """Diagnose a rejected delivery, and check what is promised of every diagnosis."""
    diagnosis = diagnose(headers, body, secret=secret, clock=clock, **options)
    assert not diagnosis.valid
    assert diagnosis.fix == FIXES[diagnosis.cause]
    assert diagnosis.cause not in diagnosis.ruled_out
    assert set(diagnosis.ruled_out) <= FIXES.keys()
    shown = f"{diagnosis.evidence} {diagnosis.fix}"
    for secret_text in (SECRET, OTHER_SECRET, SECRET[6:], HEADERS["svix-signature"][3:], "user_2mXk", "Zoë"):
        assert secret_text not in shown
    return diagnosis


def of(headers, body, **options):
    diagnosis = found(headers, body, **options)
    return diagnosis.cause, diagnosis.confidence


class TestBody:
    @pytest.mark.parametrize("original", [BODY, UNSORTED], ids=["keys sorted, as Clerk's", "unsorted"])
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
            ("compressed_body", BODY, gzip.compress(BODY)),
            ("compressed_body", BODY, zlib.compress(BODY)),
            ("compressed_body", BODY, zlib.compress(BODY)[2:-4]),
        ],
    )  # fmt: skip
    def test_confirms_a_change_that_can_be_undone(self, cause, original, arrived):
        assert of(signed_headers(original), arrived) == (cause, "confirmed")

    @pytest.mark.parametrize(
        ("cause", "arrived"),
        [
            ("wrong_charset", BODY.decode("ascii", "replace").encode()),
            ("base64_body", base64.b64encode(b'{"another":"body"}')),
            ("compressed_body", gzip.compress(b"another body")),
            ("truncated_body", BODY[:100]),
            ("truncated_body", b'{"type":"user.created","data":'),
            ("empty_body", b""),
        ],
    )
    def test_a_change_that_cannot_be_undone_is_likely(self, cause, arrived):
        assert of(HEADERS, arrived) == (cause, "likely")

    @pytest.mark.parametrize(("cause", "arrived"), [("truncated_body", BODY[:100]), ("empty_body", b"")])
    def test_a_declared_length_confirms_that_bytes_are_missing(self, cause, arrived):
        assert of(HEADERS | {"content-length": str(len(BODY))}, arrived) == (cause, "confirmed")

    def test_inflates_a_compressed_body_up_to_eight_megabytes(self):
        """A bomb of a thousand times its size."""
        assert of(HEADERS, gzip.compress(bytes(50_000_000))) == ("compressed_body", "likely")

    @pytest.mark.parametrize(
        "body",
        [b"x", b"\xff" * 9, b"[" * 100_000, b"1" * 5_000, b"x\x9c", b"\x1f\x8b", b"AAAAAAAAA", b'{"a":NaN}', b"{]"],
        ids=["text", "no UTF-8", "deep", "digits", "zlib start", "gzip start", "no base64", "NaN", "no JSON"],
    )
    def test_accepts_a_body_that_is_not_json(self, body):
        assert found(HEADERS, body).cause in ("wrong_secret", "truncated_body")

    def test_a_long_string_takes_a_few_times_its_length_in_memory(self):
        body = json.dumps({"type": "x", "data": {"a": "a" * 200_000}}).encode()
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

    @pytest.mark.parametrize("depth", [201, 985, 990, 995, 3000, 9000])
    def test_does_not_serialize_a_deeply_nested_body(self, depth):
        """Its indents would take the square of its length, or the encoder more recursion than there is."""
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
        assert of(both, BODY + b"x", secret=SECRET) == ("wrong_secret", "by_elimination")

    def test_accepts_webhook_headers(self):
        twins = {name.replace("svix", "webhook"): value for name, value in HEADERS.items()}
        assert diagnose(twins, BODY, secret=SECRET, clock=now).valid
        assert of(twins, BODY + b"\n") == ("trailing_newline", "confirmed")

    @pytest.mark.parametrize("value", ["v1a,AAAA", "v1a,AAAA v1a,BBBB"])
    def test_finds_asymmetric_signatures(self, value):
        assert of(HEADERS | {"svix-signature": value}, BODY) == ("asymmetric_only", "confirmed")

    @pytest.mark.parametrize("value", ["", "é", "v1,short", "nonsense"])
    def test_a_signature_header_without_a_signature_is_a_wrong_secret_by_elimination(self, value):
        assert of(HEADERS | {"svix-signature": value}, BODY) == ("wrong_secret", "by_elimination")

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
            with pytest.raises(TypeError):
                diagnose(7, BODY, secret=secret)
            with pytest.raises(TypeError):
                diagnose(HEADERS | {"svix-id": ["a"]}, BODY, secret=secret)
        with pytest.raises(TypeError, match="raw body"):
            diagnose(HEADERS, {"type": "x"}, secret=SECRET)
        for secret in (7, [7], bytearray(SECRET.encode())):
            with pytest.raises(TypeError, match=r"secret must be .* not int|secret must be .* not bytearray"):
                diagnose(HEADERS, BODY, secret=secret)

    def test_accepts_headers_that_can_be_read_only_once(self):
        assert diagnose(iter(HEADERS.items()), BODY, secret=SECRET, clock=now).valid
        assert of(iter(HEADERS.items()), BODY + b"\n") == ("trailing_newline", "confirmed")

    @pytest.mark.parametrize("absent", [("svix-timestamp", None), ("webhoo\u212a-timestamp", "soon")], ids=ascii)
    def test_ignores_the_headers_that_the_strict_check_ignores(self, absent):
        """``{"svix-id": request.headers.get("svix-id"), ...}`` has None; the Kelvin sign in lower case is a k."""
        headers = [absent, *signed_headers(BODY, family="webhook").items()]
        assert diagnose(headers, BODY, secret=SECRET, clock=now).valid
        assert of(headers, b"{}") == ("wrong_secret", "by_elimination")
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
        "text", ["", "soon", "9" * 20, "-5", "99 Nov 2026 00:00:00 GMT", "9999-12-31T23:59:59-23:59"]
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


def test_the_signer_of_these_tests_uses_the_key_of_the_secret():
    """The cases above would show nothing if the signer's secret were not the one that Webhook reads."""
    assert Webhook(SECRET, clock=now).verify_signature(HEADERS, BODY).secret_fingerprint
    assert len(key_of(SECRET)) == 24
