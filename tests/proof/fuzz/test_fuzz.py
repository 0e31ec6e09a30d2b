"""Does every property of the fuzzer hold of its corpus, and does each of them catch a library that is broken?

The short form of ``python tests/proof/fuzz/run.py``, without atheris: what coverage led to before is tried again, and
some inputs of chance, always the same ones.
"""

import json
import random
from ipaddress import ip_address

import pytest
from helpers.signer import SECRET
from proof.fuzz.tape import BrokenError
from proof.fuzz.targets import CORPUS, TARGETS, Target, check_memory, check_time

from clerk_webhook_verify import _delivery, _headers, _payload, _secret, _webhook, allowlist, diagnose
from clerk_webhook_verify.cli import _curl, _deliveries
from clerk_webhook_verify.events import _decoder

SLOW = 50  # what coverage.py and a busy machine may cost; a hang is more


def inputs(name: str) -> list[bytes]:
    chance = random.Random(name)
    kept = [file.read_bytes() for file in sorted((CORPUS / name).glob("*"))]
    return kept + [chance.randbytes(chance.randrange(40)) for _ in range(1000)]


@pytest.mark.parametrize("name", TARGETS)
def test_every_property_holds(name):
    target = TARGETS[name]
    for number, data in enumerate(inputs(name)):
        check_time(target, data, target.seconds * SLOW)
        if number % 10 == 0:
            check_memory(target, data)


def test_the_corpus_is_there_and_small():
    files = [file for file in CORPUS.rglob("*") if file.is_file()]
    assert {file.parent.name for file in files} == set(TARGETS)
    assert len(files) < 200
    assert sum(file.stat().st_size for file in files) < 300_000


def found(name: str) -> list[Exception]:
    errors = []
    for data in inputs(name):
        try:
            TARGETS[name].check(data)
        except Exception as error:
            errors.append(error)
    return errors


def told(name: str) -> set[str]:
    return {str(error) for error in found(name) if isinstance(error, BrokenError)}


def escaped(name: str) -> set[type]:
    return {type(error) for error in found(name)} - {BrokenError}


class TestABrokenLibraryIsCaught:
    """One thing is broken at a time."""

    def test_any_signature_is_right(self, monkeypatch):
        monkeypatch.setattr(_webhook, "compare_digest", lambda entry, expected: True)
        assert told("headers") == {"accepted, and not right"}
        assert told("diagnose") == {"another verdict than hmac's"}

    def test_a_beginning_of_the_signature_is_enough(self, monkeypatch):
        monkeypatch.setattr(_webhook, "compare_digest", lambda entry, expected: entry[:46] == expected[:46])
        assert told("headers") == {"accepted, and not right"}

    def test_no_signature_is_right(self, monkeypatch):
        monkeypatch.setattr(_webhook, "compare_digest", lambda entry, expected: False)
        assert "a right delivery is refused" in told("headers")
        assert "another verdict than hmac's" in told("diagnose")

    def test_a_header_may_come_twice(self, monkeypatch):
        long_way = _headers._held_to_form
        monkeypatch.setattr(_headers, "_held_to_form", lambda family, repeated, *texts: long_way(family, [], *texts))
        assert told("headers") == {"accepted, and not right"}

    def test_lower_case_names_alone_are_known(self, monkeypatch):
        monkeypatch.setattr(_headers, "_INITIALS", frozenset(("s", "w", *b"sw")))
        assert "a right delivery is refused" in told("headers")

    def test_another_error_escapes_from_the_headers(self, monkeypatch):
        monkeypatch.setattr(_headers, "_named", lambda pairs: [(name, value) for name, value in pairs if name])
        assert escaped("headers") == {ValueError}

    def test_an_error_shows_the_signature(self, monkeypatch):
        sign = _webhook.Signer.sign

        def sign_and_tell(signer, prefix, body):
            monkeypatch.setattr(_webhook.SignatureMismatchError, "__str__", lambda error: sign(signer, prefix, body))
            return sign(signer, prefix, body)

        monkeypatch.setattr(_webhook.Signer, "sign", sign_and_tell)
        assert "an error shows the expected signature" in told("headers")

    @pytest.mark.parametrize(("limit", "size"), [("SHORTEST", 0), ("LONGEST", 999)])
    def test_a_key_has_any_length(self, monkeypatch, limit, size):
        monkeypatch.setattr(_secret, limit, size)
        assert told("secret") == {"accepted, and no base64 of 24 to 75 bytes"}

    def test_a_right_key_is_refused(self, monkeypatch):
        monkeypatch.setattr(_secret, "LONGEST", 24)
        assert told("secret") == {"a right secret is refused"}

    def test_another_key_is_read(self, monkeypatch):
        monkeypatch.setattr(_secret, "_decode", lambda text: bytes(32))
        assert told("secret") == {"another key"}

    def test_an_error_repeats_the_secret(self, monkeypatch):
        problem = _secret._problem
        monkeypatch.setattr(_secret, "_problem", lambda text: problem(text) and f"is wrong: {text}")
        assert told("secret") == {"an error repeats the secret"}

    def test_another_error_escapes_from_the_secret(self, monkeypatch):
        monkeypatch.setattr(_secret, "_base64_problem", lambda encoded: None)
        assert escaped("secret")

    def test_the_future_is_now(self, monkeypatch):
        monkeypatch.setattr(_webhook, "abs", lambda skew: -skew, raising=False)
        assert "accepted outside the tolerance" in told("timestamp")

    def test_a_clock_without_a_number_is_right(self, monkeypatch):
        monkeypatch.setattr(_webhook, "abs", lambda skew: abs(skew) if skew == skew else 0, raising=False)
        assert told("timestamp") == {"accepted, and no timestamp or no clock"}

    def test_the_tolerance_ends_early(self, monkeypatch):
        monkeypatch.setattr(_webhook, "abs", lambda skew: abs(skew) + 200, raising=False)
        assert told("timestamp") == {"refused inside"}

    def test_any_text_is_a_timestamp(self, monkeypatch):
        monkeypatch.setattr(_headers, "timestamp_problem", lambda text: None)
        assert found("timestamp")

    def test_an_event_is_lost(self, monkeypatch):
        refused = dict.fromkeys(["parse_constant", "parse_float"], _payload._refuse_constant)
        monkeypatch.setattr(_payload, "_raw_decode", json.JSONDecoder(**refused).raw_decode)
        assert told("payload") == {"an event is lost"}

    def test_not_a_number_is_json(self, monkeypatch):
        monkeypatch.setattr(_payload, "_raw_decode", json.JSONDecoder().raw_decode)
        assert told("payload") == {"an event out of what is none"}

    def test_a_value_is_another_one(self, monkeypatch):
        read = _decoder.set_attributes
        changed = {tuple: lambda value: value[1:], bool: lambda value: not value}
        monkeypatch.setattr(
            _decoder,
            "set_attributes",
            lambda record, values: read(
                record, {name: changed.get(type(value), lambda same: same)(value) for name, value in values.items()}
            ),
        )
        assert told("payload") >= {"a list that is another one", "a value that is another one"}

    def test_a_stored_delivery_has_any_id(self, monkeypatch):
        monkeypatch.setattr(_delivery, "is_message_id", lambda text: True)
        assert told("stored") == {"taken, and not in the form of a delivery"}

    def test_a_stored_delivery_is_lost(self, monkeypatch):
        monkeypatch.setattr(_delivery, "LATEST", 7)
        assert told("stored") == {"a stored delivery is lost"}

    def test_every_address_is_let_in(self, monkeypatch):
        monkeypatch.setattr(allowlist.Allowlist, "allows", lambda self, ip: True)
        assert told("allowlist") == {"let in from outside, or kept out from inside"}

    def test_what_is_no_address_is_let_in(self, monkeypatch):
        monkeypatch.setattr(allowlist, "ip_address", lambda ip: ip_address(ip.split("/")[0]))
        assert "let in, and no address" in told("allowlist")

    def test_another_error_escapes_from_the_allow_list(self, monkeypatch):
        monkeypatch.setattr(allowlist, "_parsed", json.loads)
        assert told("allowlist") == {"another ValueError than ours"}

    def test_a_capture_has_no_bytes(self, monkeypatch):
        monkeypatch.setattr(_deliveries, "decode_body", lambda encoded: encoded)
        assert "a body that is no bytes" in told("capture")

    def test_another_error_escapes_from_the_captures(self, monkeypatch):
        monkeypatch.setattr(_curl, "_ansi_char", lambda escape: "\ud800")
        assert escaped("capture") == {UnicodeEncodeError}

    def test_a_diagnosis_reads_headers_once_only(self, monkeypatch):
        monkeypatch.setattr(diagnose, "Iterator", dict)
        assert "another verdict than hmac's" in told("diagnose")

    def test_a_diagnosis_shows_the_secret(self, monkeypatch):
        monkeypatch.setattr(diagnose, "_LEFT_OVER", SECRET)
        assert told("diagnose") == {"a proof shows what is secret"}


def test_what_takes_too_long_is_caught():
    hang = Target(lambda data: sum(range(200_000)), 1)
    with pytest.raises(BrokenError, match=r"takes [\d.]+ ms, 0.001 ms are allowed"):
        check_time(hang, b"", 1e-6)
    check_time(hang, b"", 60)


def test_what_takes_too_much_memory_is_caught():
    check_memory(Target(lambda data: bytes(64 * len(data)), 1), b"x" * 10_000)
    with pytest.raises(BrokenError, match="bytes for an input of 10,000"):
        check_memory(Target(lambda data: bytes(200 * len(data)), 1), b"x" * 10_000)
