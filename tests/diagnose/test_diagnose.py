"""Does a diagnosis find what happened to a delivery, prove it, and keep still when nothing did?"""

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
from clerk_webhook_verify.diagnose import MENDS, diagnose
from clerk_webhook_verify.testing import sample

PAYLOAD = sample("user.created", first_name="Zoë", last_name="<&>")
BODY = json.dumps(PAYLOAD, ensure_ascii=False, separators=(",", ":")).encode()
HEADERS = signed_headers(BODY)
UNSORTED = json.dumps(
    {"type": "user.created", "object": "event", "data": {"id": "user_1", "first_name": "Zoë", "age": [1, 2]}},
    ensure_ascii=False,
    separators=(",", ":"),
).encode()


def found(headers, body, *, secret=SECRET, clock=now, **options):
    """The diagnosis of a refused delivery, held to what every diagnosis promises."""
    diagnosis = diagnose(headers, body, secret=secret, clock=clock, **options)
    assert not diagnosis.valid
    assert diagnosis.mend == MENDS[diagnosis.cause]
    assert diagnosis.cause not in diagnosis.ruled_out
    assert set(diagnosis.ruled_out) <= MENDS.keys()
    shown = f"{diagnosis.proof} {diagnosis.mend}"
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
    def test_parsed_and_written_again(self, original, style):
        rewritten = json.dumps(json.loads(original), **style).encode()
        assert of(signed_headers(original), rewritten) == ("reserialized_body", "proved")

    def test_written_again_with_sorted_keys(self):
        rewritten = json.dumps(json.loads(UNSORTED), sort_keys=True)
        assert of(signed_headers(UNSORTED), rewritten) == ("reserialized_body", "likely")
        flat = b'{"type":"user.created","data":{"id":"user_1"}}'
        rewritten = json.dumps(json.loads(flat), sort_keys=True, separators=(",", ":"))
        assert of(signed_headers(flat), rewritten) == ("reserialized_body", "proved")
        rewritten = json.dumps(PAYLOAD, sort_keys=True)
        assert of(HEADERS, rewritten) == ("reserialized_body", "proved")

    @pytest.mark.parametrize(
        "escaped",
        [
            lambda text: text.replace("<", "\\u003c").replace("&", "\\u0026").replace(">", "\\u003e"),
            lambda text: text.replace("/", "\\/"),
        ],
        ids=["as Go does", "as PHP does"],
    )
    def test_the_sender_escapes_more_than_json_asks_for(self, escaped):
        original = escaped(BODY.decode()).encode()
        assert of(signed_headers(original), BODY) == ("reserialized_body", "proved")

    def test_a_large_body_and_one_that_is_no_object(self):
        large = json.dumps({"data": "é" * 50_000}, ensure_ascii=False, separators=(",", ":")).encode()
        assert of(signed_headers(large), json.dumps(json.loads(large))) == ("reserialized_body", "proved")
        assert of(signed_headers(large), large, secret=OTHER_SECRET) == ("wrong_secret", "left over")
        assert of(signed_headers(b"[1,2]"), b"[1, 2]") == ("reserialized_body", "proved")
        assert of(signed_headers(b"[1,2]"), b"[2,1]") == ("wrong_secret", "left over")

    def test_whole_json_of_another_length_than_declared(self):
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
    def test_a_change_that_can_be_taken_back_is_proved(self, cause, original, arrived):
        assert of(signed_headers(original), arrived) == (cause, "proved")

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
    def test_a_change_that_cannot_be_taken_back_is_likely(self, cause, arrived):
        assert of(HEADERS, arrived) == (cause, "likely")

    @pytest.mark.parametrize(("cause", "arrived"), [("truncated_body", BODY[:100]), ("empty_body", b"")])
    def test_a_declared_length_proves_that_bytes_are_missing(self, cause, arrived):
        assert of(HEADERS | {"content-length": str(len(BODY))}, arrived) == (cause, "proved")

    def test_a_compressed_body_is_inflated_to_eight_megabytes_and_no_further(self):
        """A bomb of a thousand times its size."""
        assert of(HEADERS, gzip.compress(bytes(50_000_000))) == ("compressed_body", "likely")

    @pytest.mark.parametrize(
        "body",
        [b"x", b"\xff" * 9, b"[" * 100_000, b"1" * 5_000, b"x\x9c", b"\x1f\x8b", b"AAAAAAAAA", b'{"a":NaN}', b"{]"],
        ids=["text", "no UTF-8", "deep", "digits", "zlib start", "gzip start", "no base64", "NaN", "no JSON"],
    )
    def test_what_is_no_json_is_looked_at_without_harm(self, body):
        assert found(HEADERS, body).cause in ("wrong_secret", "truncated_body")

    def test_a_long_text_takes_a_few_times_its_length(self):
        body = json.dumps({"type": "x", "data": {"a": "a" * 200_000}}).encode()
        tracemalloc.start()
        assert of(HEADERS, body) == ("wrong_secret", "left over")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 30 * len(body)

    def test_written_again_where_it_is_nested(self):
        original = b'{"a":' * 200 + b"1" + b"}" * 200
        assert of(signed_headers(original), json.dumps(json.loads(original), indent=2)) == (
            "reserialized_body",
            "proved",
        )

    @pytest.mark.parametrize("depth", [201, 985, 990, 995, 3000, 9000])
    def test_what_is_nested_more_deeply_is_not_written_again(self, depth):
        """Its indents would take the square of its length, or the encoder more recursion than there is."""
        assert of(HEADERS, b"[" * depth + b"]" * depth) == ("wrong_secret", "left over")


class TestSecret:
    def test_what_is_left_when_all_else_is_ruled_out(self):
        diagnosis = found(HEADERS, BODY, secret=OTHER_SECRET)
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "left over")
        assert "most likely the secret is another endpoint's" in diagnosis.proof
        assert {"reserialized_body", "text_secret", "other_attempt", "truncated_body"} <= set(diagnosis.ruled_out)

    @pytest.mark.parametrize(
        "secret", [f'"{SECRET}"', f"v1,{SECRET}", SECRET[6:], f"'v1,{SECRET}'", SECRET[:9] + " " + SECRET[9:]]
    )
    def test_a_good_secret_in_a_wrong_dress(self, secret):
        diagnosis = found(HEADERS, BODY, secret=secret)
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "proved")
        assert diagnosis.proof.endswith("so mended, the signature fits")

    @pytest.mark.parametrize("secret", ["whsec_your_secret", "sk_test_1234", f'"{OTHER_SECRET}"', "whsec_abc"])
    def test_what_is_no_secret_of_clerk(self, secret):
        diagnosis = found(HEADERS, BODY, secret=secret)
        assert (diagnosis.cause, diagnosis.confidence) == ("wrong_secret", "proved")
        assert secret not in diagnosis.proof

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
    def test_the_ways_of_other_vendors(self, secret, key):
        encoded = "whsec_" + base64.b64encode(key).decode()
        headers = HEADERS | {"svix-signature": sign(BODY, secret=encoded)}
        assert of(headers, BODY, secret=secret) == ("text_secret", "proved")

    def test_what_looks_like_base64url_and_is_none(self):
        assert of(HEADERS, BODY, secret="whsec_-") == ("wrong_secret", "proved")

    def test_several_secrets_of_which_one_fits(self):
        assert diagnose(HEADERS, BODY, secret=[OTHER_SECRET, SECRET], clock=now).valid
        assert of(HEADERS, BODY + b"\n", secret=iter([OTHER_SECRET, SECRET])) == ("trailing_newline", "proved")

    def test_the_environments_secret(self, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert diagnose(HEADERS, BODY, clock=now).valid
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", f"v1,{SECRET}")
        assert of(HEADERS, BODY, secret=None) == ("wrong_secret", "proved")
        monkeypatch.delenv("CLERK_WEBHOOK_SIGNING_SECRET")
        monkeypatch.delenv("CLERK_WEBHOOK_SECRET", raising=False)
        with pytest.raises(InvalidSecretError, match="is not set"):
            diagnose(HEADERS, BODY)


class TestHeaders:
    def test_missing(self):
        for name in HEADERS:
            diagnosis = found({key: value for key, value in HEADERS.items() if key != name}, BODY)
            assert (diagnosis.cause, diagnosis.confidence) == ("missing_header", "proved")
            assert name in diagnosis.proof
        assert of([], BODY) == ("missing_header", "proved")

    @pytest.mark.parametrize(
        "renamed",
        [
            lambda name: "HTTP_" + name.upper().replace("-", "_"),
            lambda name: name.replace("-", "_"),
            lambda name: "X-" + name.title(),
            lambda name: name.replace("svix-", "webhook_"),
        ],
        ids=["environ", "underscores", "prefixed", "underscores in the other family"],
    )
    def test_renamed(self, renamed):
        diagnosis = found({renamed(name): value for name, value in HEADERS.items()}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("missing_header", "proved")
        assert diagnosis.proof.endswith("so named, the signature fits")

    def test_renamed_but_not_fitting(self):
        diagnosis = found({name.replace("-", "_"): value for name, value in HEADERS.items()}, b"another body")
        assert "stands for svix-id" in diagnosis.proof
        assert "fits" not in diagnosis.proof

    def test_given_twice(self):
        for name in HEADERS:
            for second in (HEADERS[name], "x" + HEADERS[name]):
                diagnosis = found([*HEADERS.items(), (name, second)], BODY)
                assert (diagnosis.cause, diagnosis.confidence) == ("duplicate_header", "proved")
                assert "taken once, the signature fits" in diagnosis.proof
                assert ("the same value" in diagnosis.proof) == (second == HEADERS[name])
        for name in ("svix-id", "svix-timestamp"):
            joined = HEADERS | {name: f"{HEADERS[name]}, {HEADERS[name]}"}
            assert of(joined, BODY) == ("duplicate_header", "proved")
        joined = HEADERS | {"svix-signature": ",".join([HEADERS["svix-signature"]] * 2)}
        assert of(joined, BODY) == ("duplicate_header", "proved")
        assert of(joined, BODY + b"x") == ("duplicate_header", "proved")
        diagnosis = found([*HEADERS.items(), ("svix-id", "msg_2")], b"another body")
        assert "fits" not in diagnosis.proof

    def test_mixed(self):
        twins = {name.replace("svix", "webhook"): value for name, value in HEADERS.items()}
        half = {"svix-id": HEADERS["svix-id"], **{name: value for name, value in twins.items() if name != "webhook-id"}}
        assert of(half, BODY) == ("mixed_headers", "proved")
        both = twins | HEADERS | {"svix-signature": sign(b"another body")}
        assert of(both, BODY) == ("mixed_headers", "proved")
        assert of(both, BODY + b"x", secret=SECRET) == ("wrong_secret", "left over")

    def test_the_other_family_alone(self):
        twins = {name.replace("svix", "webhook"): value for name, value in HEADERS.items()}
        assert diagnose(twins, BODY, secret=SECRET, clock=now).valid
        assert of(twins, BODY + b"\n") == ("trailing_newline", "proved")

    @pytest.mark.parametrize("value", ["v1a,AAAA", "v1a,AAAA v1a,BBBB"])
    def test_asymmetric_only(self, value):
        assert of(HEADERS | {"svix-signature": value}, BODY) == ("asymmetric_only", "proved")

    @pytest.mark.parametrize("value", ["", "é", "v1,short", "nonsense"])
    def test_no_signature_in_the_header(self, value):
        assert of(HEADERS | {"svix-signature": value}, BODY) == ("wrong_secret", "left over")

    @pytest.mark.parametrize(
        ("header", "vendor"),
        [("Stripe-Signature", "Stripe"), ("X-Hub-Signature-256", "GitHub"), ("X-Slack-Signature", "Slack")],
    )
    def test_other_vendors(self, header, vendor):
        diagnosis = found({header: "x"}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("other_vendor", "proved")
        assert vendor in diagnosis.proof

    @pytest.mark.parametrize("value", ["", "msg 1", "msg.1", "x" * 257])
    def test_an_id_that_is_none(self, value):
        assert of(HEADERS | {"svix-id": value}, BODY) == ("missing_header", "likely")

    def test_raw_pairs_and_programmers_mistakes(self):
        raw = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        assert of(raw, BODY + b"\n") == ("trailing_newline", "proved")
        for secret in (SECRET, "whsec_bad"):
            with pytest.raises(TypeError):
                diagnose(7, BODY, secret=secret)
            with pytest.raises(TypeError):
                diagnose(HEADERS | {"svix-id": ["a"]}, BODY, secret=secret)
        with pytest.raises(TypeError, match="raw body"):
            diagnose(HEADERS, {"type": "x"}, secret=SECRET)

    def test_headers_that_can_be_read_once_only(self):
        assert diagnose(iter(HEADERS.items()), BODY, secret=SECRET, clock=now).valid
        assert of(iter(HEADERS.items()), BODY + b"\n") == ("trailing_newline", "proved")

    @pytest.mark.parametrize("absent", [("svix-timestamp", None), ("webhoo\u212a-timestamp", "soon")], ids=ascii)
    def test_what_the_check_does_not_count_as_there_is_not_there(self, absent):
        """``{"svix-id": request.headers.get("svix-id"), ...}`` has None; the Kelvin sign in lower case is a k."""
        headers = [absent, *signed_headers(BODY, family="webhook").items()]
        assert diagnose(headers, BODY, secret=SECRET, clock=now).valid
        assert of(headers, b"{}") == ("wrong_secret", "left over")
        assert of([*headers, ("webhook-timestamp", "soon")], BODY) == ("duplicate_header", "proved")
        assert of([*headers[:2], ("webhook-timestamp", "soon"), headers[3]], BODY) == ("missing_header", "likely")

    def test_a_value_that_no_charset_can_write(self):
        message = email.message.Message()
        message["svix-id"] = "\ud800"
        message["svix-timestamp"], message["svix-signature"] = str(NOW), HEADERS["svix-signature"]
        assert of(message, BODY) == ("missing_header", "likely")


class TestTimestamp:
    @pytest.mark.parametrize(("age", "cause"), [(301, "timestamp_too_old"), (-301, "timestamp_too_new")])
    def test_too_far_from_now(self, age, cause):
        diagnosis = found(signed_headers(BODY, timestamp=NOW - age), BODY)
        assert (diagnosis.cause, diagnosis.confidence) == (cause, "proved")
        assert "301 s" in diagnosis.proof
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
    def test_in_another_form_than_seconds(self, text):
        diagnosis = found(HEADERS | {"svix-timestamp": text}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("timestamp_in_milliseconds", "proved")
        assert diagnosis.proof.endswith("in Unix seconds, the signature fits")

    def test_the_sender_signs_milliseconds(self):
        headers = signed_headers(BODY, timestamp=f"{NOW}000")
        assert "the signature fits" in found(headers, BODY).proof
        assert "fits" not in found(headers, BODY + b"x").proof

    @pytest.mark.parametrize(
        "text", ["", "soon", "9" * 20, "-5", "99 Nov 2026 00:00:00 GMT", "9999-12-31T23:59:59-23:59"]
    )
    def test_no_time_at_all(self, text):
        cause = "timestamp_in_milliseconds" if text.startswith("9999-") else "missing_header"
        assert found(HEADERS | {"svix-timestamp": text}, BODY).cause == cause

    @pytest.mark.parametrize("away", [1, -5, 305, -9_305])
    def test_of_another_attempt(self, away):
        diagnosis = found(HEADERS | {"svix-timestamp": str(NOW + away)}, BODY)
        assert (diagnosis.cause, diagnosis.confidence) == ("other_attempt", "proved")
        assert f"{abs(away)} s {'earlier' if away > 0 else 'later'}" in diagnosis.proof


@given(
    body=st.binary(max_size=200),
    secret=st.binary(min_size=24, max_size=64).map(lambda key: "whsec_" + base64.b64encode(key).decode()),
    noise=st.dictionaries(
        st.sampled_from(["content-length", "stripe-signature", "webhook-id", "x-svix-id"]), st.text(max_size=9)
    ),
)
def test_a_correct_delivery_is_never_called_wrong(body, secret, noise):
    headers = noise | signed_headers(body, secret=secret)
    diagnosis = diagnose(headers, body, secret=[OTHER_SECRET, secret], clock=now)
    assert diagnosis.valid
    assert (diagnosis.cause, diagnosis.confidence, diagnosis.mend, diagnosis.ruled_out) == (None, None, "", ())


@given(
    headers=st.dictionaries(
        st.sampled_from([*HEADERS, "content-length", "webhook-id", "svix_id"]), st.text(max_size=30)
    ),
    body=st.binary(max_size=60),
)
def test_the_verdict_is_the_strict_checks_own_whatever_arrives(headers, body):
    diagnosis = diagnose(headers, body, secret=SECRET, clock=now)
    assert not diagnosis.valid
    assert diagnosis.cause in MENDS


def test_the_key_in_the_tests_is_the_secrets():
    """The cases above would prove nothing if the signer's secret were not the one that Webhook reads."""
    assert Webhook(SECRET, clock=now).verify_signature(HEADERS, BODY).secret_fingerprint
    assert len(key_of(SECRET)) == 24
