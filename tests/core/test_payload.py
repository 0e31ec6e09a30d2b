"""Which signed bodies are events, and the errors for the others."""

import json
import sys

import pytest
from helpers.signer import MESSAGE_ID, SECRET, now, signed_headers
from helpers.strategies import JSON
from hypothesis import given, strategies as st

from clerk_webhook_verify import Event, InvalidPayloadError, UnknownEvent, Webhook
from clerk_webhook_verify.events import EVENT_TYPES

webhook = Webhook(SECRET, clock=now)


def verify(body: bytes) -> Event:
    return webhook.verify(signed_headers(body), body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not JSON, but was signed empty: check the sender"),
        (b" ", "is not JSON"),
        (b"hello sesame", "is not JSON"),
        (b'{"type":"x","data":{}} sesame', "is not JSON"),
        (b'{"type":"x","data":{}}{}', "is not JSON"),
        (b'{"type":"x","data":{}}X', "is not JSON"),
        (b'X{"type":"x","data":{}}', "is not JSON"),
        (b'\x0b{"type":"x","data":{}}', "is not JSON"),
        ('{"type":"x","data":{}}\xa0'.encode(), "is not JSON"),
        (b'{"type":"x","data":{"sesame":NaN}}', "is not JSON"),
        (b'{"type":"x","data":{"sesame":Infinity}}', "is not JSON"),
        (b'{"type":"x","data":{"sesame":-Infinity}}', "is not JSON"),
        (b"{'type':'x','data':{'sesame':1}}", "is not JSON"),
        (b'{"type":"x","data":{},}', "is not JSON"),
        (b'{"type":"x","data":{"sesame":"\n"}}', "is not JSON"),
        (b'\xef\xbb\xbf{"type":"x","data":{}}', "is not JSON"),
        (b'{"type":"x","data":{"sesame":"\xff"}}', "is not UTF-8"),
        ('{"type":"x","data":{}}'.encode("utf-16"), "is not UTF-8"),
        (b'{"type":"x","data":{"sesame":' + b"[" * 200_000, "is nested too deeply"),
        (b"[]", "is not a JSON object: most likely a transformation in Clerk's dashboard changed it"),
        (b'"sesame"', "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b"{}", "has no type"),
        (b'{"data":{"sesame":1}}', "has no type"),
        (b'{"type":"","data":{}}', "has no type"),
        (b'{"type":null,"data":{}}', "has no type"),
        (b'{"type":["user.created"],"data":{}}', "has no type"),
        (b'{"type":"user.created"}', "has no object data"),
        (b'{"type":"user.created","data":null}', "has no object data"),
        (b'{"type":"user.created","data":["sesame"]}', "has no object data"),
        (b'{"type":"user.created","data":"sesame"}', "has no object data"),
    ],
)
def test_an_authentic_body_that_is_not_an_event_is_an_invalid_payload(body, said):
    with pytest.raises(InvalidPayloadError) as caught:
        verify(body)
    error = caught.value
    assert str(error).startswith(f"the body {said}")
    assert (error.code, error.message_id) == ("invalid_payload", MESSAGE_ID)
    while error is not None:
        assert "sesame" not in repr(error) + str(vars(error)), "nothing of the body, in no error of the chain"
        assert error.__cause__ is None
        error = error.__context__


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"text":"Ada signed up"}',
        b'{"type":"user.created"}',
        b'{"data":{}}',
        b'{"type":"x","data":[]}',
        b"[]",
        b'"Ada signed up"',
    ],
)
def test_json_that_is_not_an_event_is_most_likely_a_transformation(body):
    with pytest.raises(InvalidPayloadError, match="most likely a transformation in Clerk's dashboard"):
        verify(body)


@pytest.mark.parametrize("body", [b"", b"hello", b"<xml/>", b"\xff", b'{"type":"x","data":{}'])
def test_other_bodies_are_no_transformation(body):
    with pytest.raises(InvalidPayloadError) as caught:
        verify(body)
    assert "transformation" not in str(caught.value)


@pytest.mark.parametrize("blank", [b" ", b"\n", b"\t", b"\r\n"])
def test_white_space_around_the_json_is_allowed(blank):
    assert verify(blank + b'{"type":"x","data":{}}' + blank).type == "x"


MANY_DIGITS = "1" * 5000


@pytest.mark.parametrize(
    "number",
    ["1e999", "-1e999", "1E+400", "1.5e309", MANY_DIGITS, "-" + MANY_DIGITS, MANY_DIGITS + ".5", "9" * 4301],
    ids=lambda number: number[:9],
)
@pytest.mark.parametrize("event_type", ["user.created", "x"])
def test_a_number_too_large_for_python_becomes_its_text(number, event_type):
    body = '{"type":"TYPE","data":{"id":1.5,"public_metadata":{"n":[1.5]}},"timestamp":1.5}'
    event = verify(body.replace("TYPE", event_type).replace("1.5", number).encode())
    assert event.raw["data"] == {"id": number, "public_metadata": {"n": [number]}}
    assert event.raw["timestamp"] == number
    data = event.data if event_type == "x" else {"id": event.data.id, "public_metadata": event.data.public_metadata}
    assert data == event.raw["data"]
    assert event.occurred_at is None
    assert json.loads(json.dumps(event.raw, allow_nan=False)) == event.raw


@pytest.mark.parametrize(
    "number", ["1e308", "-1.5", "0.1", "1e-999", "-0", "9" * 4300, "-" + "9" * 4300], ids=lambda number: number[:9]
)
def test_any_other_number_is_an_int_or_a_float(number):
    event = verify(b'{"type":"x","data":{"n":%s}}' % number.encode())
    assert event.raw["data"]["n"] == (float(number) if set(number) & set(".e") else int(number))


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="an older Python without the limit")
@pytest.mark.parametrize("sign", [b"", b"-"])
@pytest.mark.parametrize(("limit", "digits"), [(640, 640), (0, 4300), (100_000, 4300)])
def test_the_limit_of_digits_is_the_interpreters_but_not_more_than_its_default(limit, digits, sign):
    default = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(limit)
    try:
        kept = verify(b'{"type":"x","data":{"n":%s}}' % (sign + b"1" * digits)).raw["data"]["n"]
        as_text = verify(b'{"type":"x","data":{"n":%s}}' % (sign + b"1" * (digits + 1))).raw["data"]["n"]
    finally:
        sys.set_int_max_str_digits(default)
    assert (type(kept), type(as_text)) == (int, str)


OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)


@given(data=OBJECTS, rest=OBJECTS, event_type=st.sampled_from(["user.created", "session.ended"]) | st.text(min_size=1))
def test_any_json_object_as_data_comes_through_with_raw_equal(data, rest, event_type):
    payload = rest | {"type": event_type, "data": data}
    body = json.dumps(payload).encode()
    event = verify(body)
    assert event.raw == payload
    assert event.type == event_type
    assert type(event) is EVENT_TYPES.get(event_type, UnknownEvent)
    assert (event.data is event.raw["data"]) == isinstance(event, UnknownEvent)


@given(st.binary() | st.text().map(str.encode) | JSON.map(lambda value: json.dumps(value).encode()))
def test_bodies_raise_only_the_librarys_errors(body):
    try:
        event = verify(body)
    except InvalidPayloadError:
        pass
    else:
        assert event.raw == json.loads(body) or b"e" in body.lower(), "only a number with an exponent can become text"
