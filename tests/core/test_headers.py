"""The headers of a delivery, in the forms of all frameworks."""

import email.message
import email.parser
import hmac
import wsgiref.headers

import django.conf
import django.http
import httpx
import pytest
import starlette.datastructures
import werkzeug.datastructures
from helpers.signer import BODY, MESSAGE_ID, NOW, SECRET, now, sign, signed_headers
from hypothesis import given, strategies as st

from clerk_webhook_verify import Webhook, WebhookVerificationError
from clerk_webhook_verify.errors import MalformedHeaderError, MissingHeaderError, SignatureMismatchError

webhook = Webhook(SECRET, clock=now)
OTHERS = {
    "Host": "example.com",
    "User-Agent": "Svix-Webhooks/1.1",
    "Content-Length": "46",
    "X-Forwarded-Proto": "https",
    "Sec-Fetch-Mode": "cors",
}


def environ_of(headers):
    return {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}


def message_of(headers):
    message = email.message.Message()
    for name, value in headers.items():
        message[name] = value
    return message


def django_headers(headers):
    if not django.conf.settings.configured:
        django.conf.settings.configure()
    return django.http.request.HttpHeaders(environ_of(headers))


SHAPES = {
    "dict": dict,
    "Title-Case": lambda headers: {name.title(): value for name, value in headers.items()},
    "UPPER-CASE": lambda headers: {name.upper(): value for name, value in headers.items()},
    "dict of bytes": lambda headers: {name.encode(): value.encode() for name, value in headers.items()},
    "Title-Case, bytes": lambda headers: {name.title().encode(): value.encode() for name, value in headers.items()},
    "str names, bytes values": lambda headers: {name: value.encode() for name, value in headers.items()},
    "bytes names, str values": lambda headers: {name.encode(): value for name, value in headers.items()},
    "pairs": lambda headers: list(headers.items()),
    "iterator of pairs": lambda headers: iter(headers.items()),
    "lists for pairs": lambda headers: [list(pair) for pair in headers.items()],
    "ASGI scope": lambda headers: [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()],
    "Starlette": starlette.datastructures.Headers,
    "Werkzeug": werkzeug.datastructures.Headers,
    "Werkzeug from WSGI": lambda headers: werkzeug.datastructures.EnvironHeaders(environ_of(headers)),
    "Django": django_headers,
    "httpx": httpx.Headers,
    "email.message": message_of,
    "wsgiref": lambda headers: wsgiref.headers.Headers(list(headers.items())),
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("family", ["svix", "webhook"])
def test_accepts_headers_as(shape, family):
    headers = shape(OTHERS | signed_headers(family=family))
    webhook.check_headers(shape(OTHERS | signed_headers(family=family)))
    assert webhook.verify_signature(headers, BODY).message_id == MESSAGE_ID


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_missing_header_is_missing_in_every_shape(shape):
    headers = OTHERS | signed_headers()
    del headers["svix-timestamp"]
    with pytest.raises(MissingHeaderError) as caught:
        webhook.check_headers(shape(headers))
    assert caught.value.names == ("svix-timestamp",)


@pytest.mark.parametrize("blank", [" ", "\t", " \t "])
@pytest.mark.parametrize("names", [["svix-id", "svix-timestamp", "svix-signature"], ["svix-signature"]], ids=len)
def test_spaces_and_tabs_around_a_value_are_stripped(blank, names):
    headers = {name: blank + value + blank if name in names else value for name, value in signed_headers().items()}
    assert webhook.verify_signature(headers, BODY).message_id == MESSAGE_ID


@pytest.mark.parametrize("blank", ["\n", "\r", "\v", "\f", "\x1c", "\xa0", "\u2003", "\0", "X"])
@pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
@pytest.mark.parametrize("message_id", [MESSAGE_ID, "not-an-identifier"])
def test_only_spaces_and_tabs_are_stripped_from_a_value(blank, name, message_id):
    headers = signed_headers(message_id=message_id)
    headers[name] = headers[name] + blank
    with pytest.raises(WebhookVerificationError):
        webhook.verify(headers, BODY)


class TestOneFamilyDecides:
    def test_reads_svix_headers_if_both_sets_are_complete(self):
        headers = signed_headers() | signed_headers(family="webhook", message_id="msg_other")
        assert webhook.verify_signature(headers, BODY).message_id == MESSAGE_ID

    @pytest.mark.parametrize("kept", ["svix-id", "svix-timestamp", "svix-signature"])
    def test_reads_svix_headers_if_any_is_present(self, kept):
        headers = signed_headers(family="webhook") | {kept: signed_headers()[kept]}
        with pytest.raises(MissingHeaderError) as caught:
            webhook.verify(headers, BODY)
        assert set(caught.value.names) == {"svix-id", "svix-timestamp", "svix-signature"} - {kept}

    def test_an_incomplete_webhook_family_is_named_as_such(self):
        headers = signed_headers(family="webhook")
        del headers["webhook-signature"]
        with pytest.raises(MissingHeaderError) as caught:
            webhook.verify(headers, BODY)
        assert caught.value.names == ("webhook-signature",)
        assert caught.value.message_id == MESSAGE_ID

    def test_a_duplicate_in_the_ignored_header_set_is_accepted(self):
        headers = [*signed_headers().items(), ("webhook-id", "a"), ("Webhook-Id", "b")]
        assert webhook.verify_signature(headers, BODY).message_id == MESSAGE_ID


class TestMissing:
    def test_all_are_listed_in_one_message(self):
        with pytest.raises(MissingHeaderError) as caught:
            webhook.verify(OTHERS, BODY)
        assert caught.value.names == ("svix-id", "svix-timestamp", "svix-signature")
        assert "missing header(s) svix-id, svix-timestamp, svix-signature: " in str(caught.value)
        assert (caught.value.message_id, caught.value.hint) == (None, "")

    @pytest.mark.parametrize("message_id", ["a.b", "", 5, ["msg_1"]])
    def test_an_invalid_id_is_not_reported_as_the_message_id(self, message_id):
        with pytest.raises(MissingHeaderError) as caught:
            webhook.verify({"svix-id": message_id}, BODY)
        assert caught.value.message_id is None

    def test_a_value_of_none_is_missing(self):
        """As in ``{"svix-id": request.headers.get("svix-id"), ...}``."""
        headers = signed_headers() | {"svix-id": None}
        with pytest.raises(MissingHeaderError) as caught:
            webhook.verify(headers, BODY)
        assert caught.value.names == ("svix-id",)
        both = dict.fromkeys(signed_headers()) | signed_headers(family="webhook")
        assert webhook.verify_signature(both, BODY)

    @pytest.mark.parametrize(
        ("similar", "expected"),
        [
            ("Stripe-Signature", "a Stripe webhook"),
            (b"x-hub-signature-256", "found x-hub-signature-256: this looks like a GitHub webhook"),
            ("X-Hub-Signature", "found x-hub-signature: this looks like a GitHub webhook"),
            ("X-Slack-Signature", "a Slack webhook"),
            ("X-Shopify-Hmac-Sha256", "a Shopify webhook"),
            ("Paddle-Signature", "a Paddle webhook"),
            ("X-Twilio-Signature", "a Twilio webhook"),
            ("Linear-Signature", "a Linear webhook"),
            ("HTTP_SVIX_ID", "found HTTP_SVIX_ID: this is a WSGI environ"),
            ("HTTP_WEBHOOK_ID", "found HTTP_WEBHOOK_ID: this is a WSGI environ"),
            ("svix_id", "found svix_id: a proxy replaced the hyphen with an underscore"),
            ("webhook_id", "found webhook_id: a proxy replaced the hyphen with an underscore"),
        ],
    )
    def test_message_names_a_similar_header(self, similar, expected):
        with pytest.raises(MissingHeaderError) as caught:
            webhook.verify([("Host", "x"), (similar, "x")], BODY)
        assert expected in caught.value.hint
        assert expected in str(caught.value)

    @pytest.mark.parametrize("name", ["svix_id", " svix-id", "svix-id ", "ſvix-id", "svıx-id", "svix\N{HYPHEN}id"])
    def test_another_name_is_another_header(self, name):
        headers = signed_headers()
        headers[name] = headers.pop("svix-id")
        with pytest.raises(MissingHeaderError):
            webhook.verify(headers, BODY)

    def test_the_case_of_a_name_is_ascii_case(self):
        headers = signed_headers(family="webhook")
        headers["webhoo\N{KELVIN SIGN}-id"] = headers.pop("webhook-id")
        with pytest.raises(MissingHeaderError):
            webhook.verify(headers, BODY)


class TestTwice:
    @pytest.mark.parametrize("name", ["svix-id", "svix-timestamp", "svix-signature"])
    @pytest.mark.parametrize("first", [True, False])
    @pytest.mark.parametrize("spelling", [str, str.title, str.upper, str.encode])
    @pytest.mark.parametrize("same_value", [True, False])
    def test_rejects_a_duplicate_header(self, name, first, spelling, same_value):
        headers = list(signed_headers().items())
        copy = (spelling(name), signed_headers()[name] if same_value else "1")
        with pytest.raises(MalformedHeaderError, match="is duplicated: pass the headers unchanged") as caught:
            webhook.verify([copy, *headers] if first else [*headers, copy], BODY)
        assert caught.value.name == name

    def test_rejects_a_duplicate_header_in_a_multi_valued_framework_object(self):
        pairs = [*signed_headers().items(), ("Svix-Id", MESSAGE_ID)]
        for headers in (
            werkzeug.datastructures.Headers(pairs),
            starlette.datastructures.Headers(raw=[(name.lower().encode(), value.encode()) for name, value in pairs]),
            httpx.Headers(pairs),  # joins them with a comma
        ):
            with pytest.raises(MalformedHeaderError) as caught:
                webhook.verify(headers, BODY)
            assert caught.value.name == "svix-id"


class TestTheMessageId:
    @pytest.mark.parametrize("message_id", ["a", "a" * 256, "-" * 256, "!#$%&'()*+-/:;<=>?@[]^_`{|}~\"\\"])
    def test_1_to_256_printable_ascii_characters(self, message_id):
        assert webhook.verify_signature(signed_headers(message_id=message_id), BODY).message_id == message_id

    @pytest.mark.parametrize(
        "message_id", ["", " ", "a" * 257, "-" * 257, "a,b", "a.b", "a b", "a\tb", "a\x7fb", "a\nb", "é", "\0"]
    )
    def test_rejects_any_other_message_id(self, message_id):
        with pytest.raises(MalformedHeaderError, match="1 to 256 printable ASCII") as caught:
            webhook.verify(signed_headers(message_id=message_id), BODY)
        assert caught.value.name == "svix-id"
        assert caught.value.message_id is None


class TestTheSignatures:
    @pytest.mark.parametrize(
        "others", ["v1,A " * 99, "v1a," + "A" * 16_000 + " ", " ".join(["v1," + "A" * 43 + "="] * 99) + " "], ids=len
    )
    @pytest.mark.parametrize("family", ["svix", "webhook"])
    def test_up_to_100_entries_and_16_kb_are_accepted(self, others, family):
        headers = signed_headers(family=family)
        headers[f"{family}-signature"] = others + headers[f"{family}-signature"]
        assert webhook.verify_signature(headers, BODY).message_id == MESSAGE_ID

    @pytest.mark.parametrize(
        "others",
        ["v1,A " * 100, "A" * 16_384, " ".join(["v1a,A"] * 1000), "v1,A" + " " * 100, "v1,A " * 1_000_000],
        ids=len,
    )
    @pytest.mark.parametrize("family", ["svix", "webhook"])
    def test_more_are_malformed_before_the_body_is_read_or_hashed(self, others, family, monkeypatch):
        headers = signed_headers(family=family)
        headers[f"{family}-signature"] = others + headers[f"{family}-signature"]
        monkeypatch.setattr(hmac.HMAC, "update", None)
        for check in (webhook.check_headers, lambda headers: webhook.verify(headers, BODY)):
            with pytest.raises(MalformedHeaderError, match="has more than 100 entries or 16 KB") as caught:
                check(headers)
            assert (caught.value.name, caught.value.message_id) == (f"{family}-signature", MESSAGE_ID)


class TestNoHeaders:
    @pytest.mark.parametrize(
        "headers", [None, 5, object(), "svix-id: x", b"svix-id", [1], [("a", "b", "c")], [(1, "x")], [("", "x"), 1]]
    )
    def test_something_else_is_a_type_error(self, headers):
        with pytest.raises(TypeError, match="headers must be the request's headers") as caught:
            webhook.verify(headers, BODY)
        assert caught.value.__suppress_context__, "one error that helps, not a second one behind it"

    @pytest.mark.parametrize("headers", [[({1: 2}, "x")], [(["s"], "x")], [(("w",), "x")], [(("x",), "y")]])
    def test_header_names_that_are_not_text_are_a_type_error(self, headers):
        with pytest.raises(TypeError, match="headers must be the request's headers"):
            webhook.verify(headers, BODY)

    @pytest.mark.parametrize("value", [["msg_1"], 5, {}])
    def test_header_values_that_are_not_text_are_a_type_error(self, value):
        with pytest.raises(TypeError, match=f"svix-id must be one str or bytes, not {type(value).__name__}"):
            webhook.verify(signed_headers() | {"svix-id": value}, BODY)

    def test_a_header_with_an_empty_name_is_ignored(self):
        assert webhook.verify_signature({"": "x"} | signed_headers(), BODY)
        assert webhook.verify_signature(iter([(b"", b"x"), *signed_headers().items()]), BODY)
        with pytest.raises(MissingHeaderError):
            webhook.verify_signature({"": "x"}, BODY)

    @pytest.mark.parametrize("rest", [("svix-id",), 7, ("a", "b", "c")])
    def test_a_name_without_characters_does_not_hide_an_invalid_header(self, rest):
        with pytest.raises(TypeError, match="headers must be the request's headers"):
            webhook.verify_signature([*signed_headers().items(), ("", "x"), rest], BODY)

    def test_bytes_that_an_email_parser_could_not_decode_are_the_senders_fault(self):
        raw = b"svix-id: msg_\xff\nsvix-timestamp: 1\nsvix-signature: v1,x\n\n"
        message = email.parser.BytesParser().parsebytes(raw)
        with pytest.raises(MalformedHeaderError) as caught:
            webhook.verify(message, BODY)
        assert caught.value.name == "svix-id"


def test_check_headers_looks_at_the_form_only():
    assert webhook.check_headers(signed_headers() | {"svix-signature": "v1,forged"}) is None
    with pytest.raises(MalformedHeaderError):
        webhook.check_headers(signed_headers() | {"svix-timestamp": "soon"})


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*signed_headers(), *signed_headers(family="webhook"), "Svix-Id"])
            | st.text()
            | st.binary(),
            st.sampled_from([MESSAGE_ID, str(NOW), sign(BODY)]) | st.text() | st.binary(),
        )
    ),
    st.booleans(),
)
def test_headers_raise_only_the_librarys_errors(pairs, as_dict):
    headers = dict(pairs) if as_dict and len({type(name) for name, _ in pairs}) < 2 else pairs
    try:
        delivery = webhook.verify_signature(headers, BODY)
    except WebhookVerificationError as error:
        assert str(error)
    else:
        assert delivery.message_id == MESSAGE_ID


@given(st.sampled_from(["svix-id", "svix-timestamp", "svix-signature"]), st.text() | st.binary())
def test_no_value_of_one_header_is_accepted_but_the_right_one(name, value):
    headers = signed_headers()
    right = headers[name]
    headers[name] = value
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if text.strip(" \t") == right:
        assert webhook.verify_signature(headers, BODY)
    else:
        with pytest.raises((MalformedHeaderError, SignatureMismatchError)):
            webhook.verify_signature(headers, BODY)
