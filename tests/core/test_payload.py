"""Which authentic bodies are an event, and what is said of the others?"""

import json

import pytest
from helpers.signer import MESSAGE_ID, SECRET, now, signed_headers
from helpers.strategies import JSON
from hypothesis import given, strategies as st

from clerk_webhook_verify import Event, InvalidPayloadError, UnknownEvent, Webhook
from clerk_webhook_verify.events import Session, User

webhook = Webhook(SECRET, clock=now)


def verify(body: bytes) -> Event:
    return webhook.verify(signed_headers(body), body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not JSON"),
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
        (b'{"type":"x","data":{"sesame":' + b"1" * 5000 + b"}}", "is not JSON"),
        (b'{"type":"x","data":{"sesame":"\xff"}}', "is not UTF-8"),
        ('{"type":"x","data":{}}'.encode("utf-16"), "is not UTF-8"),
        (b'{"type":"x","data":{"sesame":' + b"[" * 200_000, "is nested deeper"),
        (b"[]", "is not a JSON object"),
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
def test_authentic_but_not_an_event(body, said):
    with pytest.raises(InvalidPayloadError) as caught:
        verify(body)
    error = caught.value
    assert str(error).startswith(f"the body {said}")
    assert (error.code, error.message_id) == ("invalid_payload", MESSAGE_ID)
    while error is not None:
        assert "sesame" not in repr(error) + str(vars(error)), "nothing of the body, in no error of the chain"
        assert error.__cause__ is None
        error = error.__context__


@pytest.mark.parametrize("blank", [b" ", b"\n", b"\t", b"\r\n"])
def test_white_space_of_json_round_it_is_allowed(blank):
    assert verify(blank + b'{"type":"x","data":{}}' + blank).type == "x"


def test_a_million_digits_before_the_point_and_an_exponent_are_json():
    assert verify(b'{"type":"x","data":{"n":1e400}}').raw["data"]["n"] == float("inf")


OBJECTS = st.dictionaries(st.text(), JSON, max_size=4)


@given(data=OBJECTS, rest=OBJECTS, event_type=st.sampled_from(["user.created", "session.ended"]) | st.text(min_size=1))
def test_any_json_object_as_data_comes_through_with_raw_equal(data, rest, event_type):
    payload = rest | {"type": event_type, "data": data}
    body = json.dumps(payload).encode()
    event = verify(body)
    assert event.raw == payload
    assert event.type == event_type
    assert (
        event.data is event.raw["data"] if isinstance(event, UnknownEvent) else isinstance(event.data, User | Session)
    )


@given(st.binary() | st.text().map(str.encode) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_body_raises_anything_but_our_errors(body):
    try:
        event = verify(body)
    except InvalidPayloadError:
        pass
    else:
        assert event.raw == json.loads(body)
