"""The format of timestamps, and the allowed difference from this machine's clock."""

import math
import sys
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from helpers.signer import BODY, MESSAGE_ID, NOW, OTHER_SECRET, SECRET, now, signed_headers
from hypothesis import given, strategies as st

from clerk_webhook_verify import Webhook, verify
from clerk_webhook_verify.errors import (
    MalformedHeaderError,
    SignatureMismatchError,
    TimestampTooNewError,
    TimestampTooOldError,
)

TOLERANCE = 300
webhook = Webhook(SECRET, tolerance=TOLERANCE, clock=now)


@pytest.mark.parametrize("age", [-300, 0, 300], ids=["newest", "now", "oldest"])
def test_the_edge_of_the_tolerance_is_inside(age):
    assert webhook.verify(signed_headers(timestamp=NOW - age), BODY).type == "user.created"


@given(age=st.integers(TOLERANCE + 1, NOW))
def test_beyond_the_edge_a_correct_signature_does_not_help(age):
    with pytest.raises(TimestampTooOldError) as caught:
        webhook.verify(signed_headers(timestamp=NOW - age), BODY)
    assert (caught.value.skew, caught.value.tolerance, caught.value.message_id) == (-age, TOLERANCE, MESSAGE_ID)


@given(ahead=st.integers(TOLERANCE + 1, 999_999_999_999 - NOW))
def test_a_timestamp_in_the_future_is_rejected_like_one_in_the_past(ahead):
    with pytest.raises(TimestampTooNewError) as caught:
        webhook.verify(signed_headers(timestamp=NOW + ahead), BODY)
    assert (caught.value.skew, caught.value.tolerance, caught.value.message_id) == (ahead, TOLERANCE, MESSAGE_ID)


def test_the_messages_say_how_far_and_in_which_direction():
    with pytest.raises(TimestampTooNewError, match=r"is 448 s in the future \(tolerance 300 s\)"):
        webhook.verify(signed_headers(timestamp=NOW + 448), BODY)
    with pytest.raises(TimestampTooOldError, match=r"is 448 s old \(tolerance 300 s\)"):
        webhook.verify(signed_headers(timestamp=NOW - 448), BODY)


def test_a_fraction_beyond_the_edge_is_not_rounded_to_the_edge():
    late = Webhook(SECRET, clock=lambda: NOW + 300.25)
    with pytest.raises(TimestampTooOldError, match=r"is 301 s old \(tolerance 300 s\)"):
        late.verify(signed_headers(), BODY)
    early = Webhook(SECRET, clock=lambda: NOW - 300.25)
    with pytest.raises(TimestampTooNewError, match="is 301 s in the future"):
        early.verify(signed_headers(), BODY)


@pytest.mark.parametrize(("late", "error"), [(0.5, TimestampTooOldError), (-0.5, TimestampTooNewError)])
def test_a_fraction_of_a_second_has_a_direction_too(late, error):
    with pytest.raises(error, match=r"timestamp is 1 s .* \(tolerance 0\.25 s\)"):
        Webhook(SECRET, tolerance=0.25, clock=lambda: NOW + late).verify(signed_headers(), BODY)


def test_a_stale_forgery_is_a_signature_mismatch():
    with pytest.raises(SignatureMismatchError):
        webhook.verify(signed_headers(timestamp=NOW - 3600, secret=OTHER_SECRET), BODY)


class TestTolerance:
    @pytest.mark.parametrize("check", [Webhook(SECRET, clock=now).verify, partial(verify, secret=SECRET, clock=now)])
    def test_the_tolerance_is_300_seconds_by_default(self, check):
        assert check(signed_headers(timestamp=NOW - 300), BODY)
        with pytest.raises(TimestampTooOldError):
            check(signed_headers(timestamp=NOW - 301), BODY)

    @pytest.mark.parametrize("tolerance", [0, 0.0, timedelta(0)])
    def test_a_tolerance_of_zero_accepts_the_current_second_only(self, tolerance):
        strict = Webhook(SECRET, tolerance=tolerance, clock=now)
        assert strict.verify(signed_headers(), BODY)
        for skew in (-1, 1):
            with pytest.raises((TimestampTooOldError, TimestampTooNewError)):
                strict.verify(signed_headers(timestamp=NOW + skew), BODY)

    @pytest.mark.parametrize("tolerance", [60, 60.5, timedelta(minutes=1)])
    def test_the_tolerance_is_in_seconds_or_a_timedelta(self, tolerance):
        shorter = Webhook(SECRET, tolerance=tolerance, clock=now)
        assert shorter.verify(signed_headers(timestamp=NOW - 60), BODY)
        with pytest.raises(TimestampTooOldError):
            shorter.verify(signed_headers(timestamp=NOW - 61), BODY)

    def test_the_tolerance_may_be_the_largest_float(self):
        longest = Webhook(SECRET, tolerance=sys.float_info.max, clock=now)
        assert longest.verify(signed_headers(timestamp=0), BODY)

    @pytest.mark.parametrize("tolerance", [-1, -0.5, math.nan, math.inf, timedelta(seconds=-1), 10**400])
    def test_an_impossible_one_is_a_value_error(self, tolerance):
        with pytest.raises(ValueError, match="tolerance must be a finite number of seconds"):
            Webhook(SECRET, tolerance=tolerance)

    @pytest.mark.parametrize("tolerance", [True, False, "300", None, Decimal(300), [300]])
    def test_something_else_is_a_type_error(self, tolerance):
        told = f"tolerance must be seconds or a timedelta, not {type(tolerance).__name__}"
        with pytest.raises(TypeError, match=told):
            Webhook(SECRET, tolerance=tolerance)


class TestClock:
    def test_without_a_clock_it_uses_this_machines_clock(self):
        live = Webhook(SECRET)
        body = b'{"type":"x","data":{}}'
        assert live.verify(live.signed_headers(body), body)
        with pytest.raises(TimestampTooOldError):
            live.verify(signed_headers(), BODY)

    @pytest.mark.parametrize("reading", [NOW, float(NOW), NOW + 0.5])
    def test_it_may_return_int_or_float(self, reading):
        assert Webhook(SECRET, clock=lambda: reading).verify(signed_headers(), BODY)

    @pytest.mark.parametrize("reading", [math.nan, math.inf, -math.inf, 10**400, -(10**400)])
    def test_what_is_not_finite_never_leads_to_acceptance(self, reading):
        broken = Webhook(SECRET, tolerance=1e300, clock=lambda: reading)
        with pytest.raises(ValueError, match="clock must return a finite number"):
            broken.verify(signed_headers(), BODY)
        with pytest.raises(ValueError, match="clock must return a finite number"):
            broken.signed_headers(BODY)

    @pytest.mark.parametrize("reading", [None, "1700000000", True, Decimal(NOW), complex(NOW)])
    def test_a_clock_that_returns_no_number_never_leads_to_acceptance(self, reading):
        broken = Webhook(SECRET, tolerance=1e300, clock=lambda: reading)
        told = f"clock must return Unix seconds as int or float, not {type(reading).__name__}"
        with pytest.raises(TypeError, match=told):
            broken.verify(signed_headers(), BODY)

    @pytest.mark.parametrize("clock", [NOW, "now", 0])
    def test_a_clock_must_be_callable(self, clock):
        with pytest.raises(TypeError, match=f"clock must be a callable .* not {type(clock).__name__}"):
            Webhook(SECRET, clock=clock)

    def test_a_far_clock_still_gives_an_error_that_can_be_read(self):
        for reading in (-sys.float_info.max, sys.float_info.max):
            far = Webhook(SECRET, clock=lambda reading=reading: reading)
            with pytest.raises((TimestampTooOldError, TimestampTooNewError)) as caught:
                far.verify(signed_headers(), BODY)
            assert str(caught.value)


class TestForm:
    @pytest.mark.parametrize("timestamp", ["0", "000000000000", "1", "001700000000", "999999999999"])
    @pytest.mark.parametrize("message_id", [MESSAGE_ID, "not-an-identifier"])
    def test_one_to_twelve_digits_signed_exactly_as_received(self, timestamp, message_id):
        anytime = Webhook(SECRET, tolerance=1e12, clock=now)
        headers = signed_headers(timestamp=timestamp, message_id=message_id)
        assert anytime.verify_signature(headers, BODY).timestamp == int(timestamp)

    @pytest.mark.parametrize(
        "timestamp",
        ["", "-1", "+1700000000", "1700000000.0", "1_700_000_000", "1.7e9", "0x1", "NaN", "inf", "١٧٠٠٠٠٠٠٠٠", "²",
         "17 00", "2023-11-14T22:13:20Z", "9" * 14, "9" * 400, "1,1"],
    )  # fmt: skip
    def test_rejects_any_other_timestamp(self, timestamp):
        with pytest.raises(MalformedHeaderError, match="not Unix seconds in one to twelve digits") as caught:
            webhook.verify(signed_headers(timestamp=timestamp), BODY)
        assert (caught.value.name, caught.value.message_id) == ("svix-timestamp", MESSAGE_ID)

    def test_milliseconds_are_reported_as_such(self):
        with pytest.raises(MalformedHeaderError, match="milliseconds"):
            webhook.verify(signed_headers(timestamp=NOW * 1000), BODY)
