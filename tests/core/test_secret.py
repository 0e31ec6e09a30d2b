"""Which strings are signing secrets, and the errors for the others."""

import base64
import hashlib
import json
import re

import pytest
from helpers.signer import BODY, OTHER_SECRET, SECRET, key_of, now, signed_headers
from hypothesis import given, strategies as st

from clerk_webhook_verify import InvalidSecretError, Webhook, verify


def accepts(webhook: Webhook, secret: str) -> bool:
    return webhook.verify(signed_headers(secret=secret), BODY).type == "user.created"


@pytest.mark.parametrize(
    "secret",
    [
        SECRET,
        SECRET.encode(),
        f" \t{SECRET}\r\n",
        f"{SECRET}\n".encode(),
        [SECRET],
        (OTHER_SECRET, SECRET.encode()),
        iter([SECRET]),
        {SECRET},
    ],
    ids=["str", "bytes", "white space round it", "bytes with a newline", "list", "tuple of two", "iterator", "set"],
)
def test_accepts_a_secret_as(secret):
    assert accepts(Webhook(secret, clock=now), SECRET)


@pytest.mark.parametrize("size", [24, 25, 26, 32, 64, 65, 75])
@pytest.mark.parametrize("padded", [True, False])
def test_24_to_75_bytes_of_key_are_accepted_with_padding_or_without(size, padded):
    encoded = base64.b64encode(bytes(range(size))).decode()
    secret = "whsec_" + (encoded if padded else encoded.rstrip("="))
    assert accepts(Webhook(secret, clock=now), secret)


@pytest.mark.parametrize("encoded", ["/" * 32, "+" * 32, "YourNoneNullTodoSecretExampleXXX"])
def test_any_key_is_accepted_whatever_its_base64_looks_like(encoded):
    secret = f"whsec_{encoded}"
    assert accepts(Webhook(secret, clock=now), secret)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (f'"{SECRET}"', "wrapped in quotes"),
        (f"'{SECRET}", "wrapped in quotes"),
        (f"{SECRET}`", "wrapped in quotes"),
        (f"v1,{SECRET}", "starts with 'v1,'"),
        ("sk_test_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "secret key (sk_)"),
        ("pk_live_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "publishable key (pk_)"),
        ("ep_2mXkC7YtFh3oSjUe8LqP5vBnGwE", "endpoint's id (ep_)"),
        ("whpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "public key"),
        ("whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "private key"),
        ("https://example.com/webhooks/clerk", "is a URL"),
        ("whsec_...", "placeholder"),
        ("whsec_your_signing_secret", "placeholder"),
        ("changeme", "placeholder"),
        ("***REDACTED***", "placeholder"),
        ("undefined", "placeholder"),
        ("${CLERK_WEBHOOK_SIGNING_SECRET}", "placeholder"),
        ("WHSEC_" + "A" * 32, "does not start with whsec_"),
        ("A" * 32, "does not start with whsec_"),
        ("whsec_whsec_" + "A" * 32, "base64url, not of the standard alphabet, at position 12"),
        ("whsec_" + "A" * 10 + "-" + "A" * 21, "base64url, not of the standard alphabet, at position 17"),
        ("whsec_" + "A" * 10 + "_" + "A" * 21, "base64url, not of the standard alphabet, at position 17"),
        ("whsec_" + "A" * 10 + "!" + "A" * 21, "outside of base64, at position 17"),
        ("whsec_" + "A" * 10 + " " + "A" * 21, "outside of base64, at position 17"),
        ("whsec_" + "A" * 10 + "=" + "A" * 21, "outside of base64, at position 17"),
        ("whsec_" + "A" * 10 + "Ａ" + "A" * 21, "outside of base64, at position 17"),
        ("whsec_=" + "A" * 31, "outside of base64, at position 7"),
        ("whsec_", "decodes to 0 bytes, expected 24 to 75: copy"),
        ("whsec_==", "decodes to 0 bytes"),
        ("whsec_123", "decodes to 2 bytes"),
        ("whsec_" + "A" * 31, "decodes to 23 bytes"),
        ("whsec_" + "A" * 102, "decodes to 76 bytes"),
        ("whsec_" + "A" * 33, "wrong number of characters or of padding"),
        ("whsec_" + "A" * 32 + "=", "wrong number of characters or of padding"),
        ("whsec_" + "A" * 32 + "====", "wrong number of characters or of padding"),
        ("whsec_" + "A" * 34 + "=", "wrong number of characters or of padding"),
        ("whsec_" + "A" * 33 + "B==", "ends in a character that base64 cannot end in"),
        ("whsec_" + "A" * 34 + "B", "ends in a character that base64 cannot end in"),
        ([], "is empty"),
        ([SECRET, "whsec_"], "number 2 of 2, decodes to 0 bytes"),
        (b"whsec_\xff" + b"A" * 31, "outside of base64, at position 7"),
    ],
)
def test_the_error_reports_what_is_wrong_with_a_secret(secret, said):
    with pytest.raises(InvalidSecretError) as caught:
        Webhook(secret)
    assert said in str(caught.value)
    assert caught.value.code == "invalid_secret"
    assert caught.value.problem == str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "...",
            "…",
            "**",
            "<key",
            "key>",
            "{key",
            "key}",
            "$KEY",
            "xxx",
            "your_key",
            "CHANGE",
            "replace_it",
            "set-me",
        ),
        *("SET_ME", "setme", "redacted", "placeholder", "example", "Secret", "TODO", "undefined", "null", "None"),
    ],
)
def test_a_placeholder_is_reported_as_one(text):
    for secret in (text, f"whsec_{text}"):
        with pytest.raises(InvalidSecretError, match="is a placeholder: replace it with the endpoint's signing secret"):
            Webhook(secret)


ENCODED = base64.b64encode(SECRET.encode()).decode()

#: Values that are mistaken for a secret, and how the error describes them.
OTHER_FORMS = {
    "is a line of a .env file, NAME=value: pass only the value": [
        f"CLERK_WEBHOOK_SIGNING_SECRET={SECRET}",
        f'export CLERK_WEBHOOK_SIGNING_SECRET="{SECRET}"',
        f"CLERK_WEBHOOK_SECRET='{SECRET}' # production",
        f"CLERK_WEBHOOK_SIGNING_SECRET = {SECRET}",
        f"clerk_webhook_signing_secret: {SECRET}",
        f"$env:CLERK_WEBHOOK_SIGNING_SECRET = '{SECRET}'",
        f"# Clerk\nOTHER=1\nCLERK_WEBHOOK_SIGNING_SECRET={SECRET}\n",
        "CLERK_SECRET_KEY=sk_test_AAAAAAAAAAAAAAAAAAAAAAAA",
    ],
    "has a comment: remove it": [f"{SECRET} # production", f"{SECRET}#old", f"{SECRET} // x", f'"{SECRET}" # "x"'],
    "is JSON, as a secrets manager returns it: pass the value": [
        json.dumps({"CLERK_WEBHOOK_SIGNING_SECRET": SECRET}),
        json.dumps({"user": "a", "secret": SECRET}, indent=2),
        json.dumps({"clerk": {"secret": SECRET}}),
        json.dumps([SECRET]),
        str({"secret": SECRET}),
    ],
    "is an unresolved reference to a secret": [
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:clerk-AbCdEf",
        "arn:aws:ssm:eu-west-1:123456789012:parameter/clerk",
        "op://production/clerk/secret",
        "vault:secret/data/clerk#signing",
        "secret/data/clerk",
        "projects/1/secrets/clerk/versions/latest",
        "@Microsoft.KeyVault(SecretUri=https://x.vault.azure.net/secrets/clerk)",
        "https://x.vault.azure.net/secrets/clerk/0123",
        "ref+vault://secret/clerk",
        "secretref:clerk",
        "{{resolve:secretsmanager:clerk}}",
        "${ssm:/production/clerk}",
        "${{ secrets.CLERK_WEBHOOK_SIGNING_SECRET }}",
        "file:///run/secrets/clerk",
    ],
    "is a path: pass the content of that file": [
        "/run/secrets/clerk_webhook",
        "/clerk",
        "/production/clerk/webhook-secret",
        "./secret.txt",
        "../clerk",
        "~/.clerk",
        "C:\\secrets\\clerk",
        "C:/secrets/clerk.txt",
        "clerk-secret.txt",
    ],
    "is a signing secret in base64, as Kubernetes shows it": [
        ENCODED,
        ENCODED.rstrip("="),
        base64.b64encode(f"{SECRET}\n".encode()).decode(),
        base64.b64encode(ENCODED.encode()).decode(),
    ],
    "is a placeholder": [
        "whsec_" + "x" * 32,
        "whsec_" + "X" * 44,
        "whsec_" + "x" * 43 + "=",
        "x" * 32,
        "%CLERK_WEBHOOK_SIGNING_SECRET%",
    ],
    "has text around it": [f"Your secret: {SECRET}", f"{SECRET} your secret", f"Bearer {SECRET}"],
    "has text around it: pass": [f"<{SECRET}>", f"({SECRET}"],
    "has a character outside of base64, at position 39": [f"{SECRET}...", f"{SECRET};"],
}


class TestSecretsAsPeopleHaveThem:
    @pytest.mark.parametrize(("said", "secret"), [(said, each) for said, all_ in OTHER_FORMS.items() for each in all_])
    def test_a_value_is_called_what_it_is_and_not_shown(self, secret, said):
        with pytest.raises(InvalidSecretError) as caught:
            Webhook(secret)
        message = str(caught.value)
        assert message.startswith(f"the signing secret {said}")
        assert not any(secret[start : start + 12] in message for start in range(len(secret) - 11))

    @pytest.mark.parametrize(
        ("said", "secret"),
        [(said, each) for said, all_ in OTHER_FORMS.items() for each in all_ if not said.startswith("has a character")],
    )
    def test_a_value_of_a_variable_is_not_split_first(self, monkeypatch, secret, said):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", secret)
        with pytest.raises(InvalidSecretError, match=f"^CLERK_WEBHOOK_SIGNING_SECRET {re.escape(said)}"):
            Webhook()

    @pytest.mark.parametrize("encoded", ["/" * 32, "A" * 35 + "=", "x" * 31 + "y", ENCODED])
    def test_a_valid_secret_is_none_of_these(self, encoded):
        assert accepts(Webhook(f"whsec_{encoded}", clock=now), f"whsec_{encoded}")

    @pytest.mark.parametrize("secret", ["/" * 32, "a/" * 16, SECRET[6:], "A" * 31 + "=", "A" * 34 + "=="])
    def test_a_secret_without_its_prefix_is_not_reported_as_a_path_or_line(self, secret):
        with pytest.raises(InvalidSecretError, match="does not start with whsec_"):
            Webhook(secret)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        *((f"whsec_{text}", "has a character") for text in ("a..", ".a.", "..a", "et-me", "set-m", "whole-\x7f")),
        *(
            (text, "does not start with whsec_")
            for text in ("v1x", "sketch", "pkzip", "epoch", "whskey", "xx", "a:/b", "a//b")
        ),
    ],
)
def test_what_is_only_near_to_a_placeholder_or_another_value_is_not_called_that(secret, said):
    with pytest.raises(InvalidSecretError, match=said):
        Webhook(secret)


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (5, "not int"),
        (bytearray(SECRET.encode()), "not bytearray"),
        (memoryview(SECRET.encode()), "not memoryview"),
        ([SECRET, 5], "each secret must be a str or bytes, not int"),
        ([None], "each secret must be a str or bytes, not NoneType"),
        (Webhook(SECRET), "not Webhook"),
    ],
    ids=["int", "bytearray", "memoryview", "list with an int", "list with None", "webhook"],
)
def test_something_else_is_a_type_error(secret, said):
    with pytest.raises(TypeError, match=said):
        Webhook(secret)


class TestTheEnvironment:
    def test_clerks_own_name_comes_first(self, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SECRET", OTHER_SECRET)
        assert accepts(Webhook(clock=now), OTHER_SECRET)
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", SECRET)
        assert accepts(Webhook(clock=now), SECRET)

    @pytest.mark.parametrize("separator", [" ", ",", "\n", ", ", " \t,\n "])
    def test_several_secrets_are_separated_by_white_space_or_commas(self, monkeypatch, separator):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", f" {SECRET}{separator}{OTHER_SECRET}\n")
        webhook = Webhook(clock=now)
        assert accepts(webhook, SECRET)
        assert accepts(webhook, OTHER_SECRET)
        assert len(webhook.fingerprints) == 2

    def test_unset_names_both_and_the_look_alikes_that_are_set(self, monkeypatch):
        monkeypatch.setenv("SVIX_KEY", "whatever")
        monkeypatch.setenv("SIGNING_SECRET", "whatever")
        with pytest.raises(InvalidSecretError) as caught:
            verify(signed_headers(), BODY)
        text = str(caught.value)
        assert "CLERK_WEBHOOK_SIGNING_SECRET is not set, nor is CLERK_WEBHOOK_SECRET" in text
        assert "(set instead: SIGNING_SECRET, SVIX_KEY); set the first" in text
        assert "whatever" not in text

    @pytest.mark.parametrize(
        "name",
        [
            *("CLERK_SIGNING_SECRET", "CLERK_WEBHOOK_SIGNING_KEY", "CLERK_WEBHOOK_KEY", "SIGNING_SECRET", "SVIX_KEY"),
            *("NEXT_PUBLIC_CLERK_WEBHOOK_SIGNING_SECRET", "NUXT_CLERK_WEBHOOK_SIGNING_SECRET", "WEBHOOK_SECRET"),
            *("SVIX_SECRET", "SVIX_WEBHOOK_SECRET", "WEBHOOK_SIGNING_SECRET"),
        ],
    )
    def test_each_look_alike_is_named(self, monkeypatch, name):
        monkeypatch.setenv(name, "whatever")
        with pytest.raises(InvalidSecretError, match=rf"\(set instead: {name}\)"):
            Webhook()

    @pytest.mark.parametrize(
        "name", ["CLERK_WEBHOOK_SIGNING_SECRET_FILE", "CLERK_WEBHOOK_SECRET_FILE", "SIGNING_SECRET_FILE"]
    )
    @pytest.mark.parametrize("empty", [{}, {"CLERK_WEBHOOK_SIGNING_SECRET": ""}], ids=["unset", "empty"])
    def test_a_variable_that_names_a_file_is_named(self, monkeypatch, name, empty):
        monkeypatch.setenv(name, "/run/secrets/clerk")
        for variable, value in empty.items():
            monkeypatch.setenv(variable, value)
        with pytest.raises(InvalidSecretError) as caught:
            Webhook()
        assert str(caught.value).endswith(f"; {name} is set, but files are not read: pass secret= with the content")
        assert "/run" not in str(caught.value)

    def test_a_variable_that_names_a_file_does_not_matter_to_a_secret_that_is_passed(self, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET_FILE", "/run/secrets/clerk")
        with pytest.raises(InvalidSecretError) as caught:
            Webhook("")
        assert "_FILE" not in str(caught.value)

    def test_unset_without_look_alikes(self):
        with pytest.raises(InvalidSecretError, match=r"nor is CLERK_WEBHOOK_SECRET; set the first"):
            Webhook()

    @pytest.mark.parametrize("value", ["", " , "])
    def test_an_empty_variable_is_an_error_although_the_second_one_is_set(self, monkeypatch, value):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", value)
        monkeypatch.setenv("CLERK_WEBHOOK_SECRET", SECRET)
        with pytest.raises(InvalidSecretError, match="CLERK_WEBHOOK_SIGNING_SECRET is empty"):
            Webhook()

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (f"v1,{SECRET}", "CLERK_WEBHOOK_SECRET starts with 'v1,'"),
            (f"{SECRET} v1,{OTHER_SECRET}", "number 2 of 3, starts with 'v1,'"),
            (f'"{SECRET}"', "CLERK_WEBHOOK_SECRET is wrapped in quotes"),
            (f"{SECRET} whsec_", "number 2 of 2, decodes to 0 bytes"),
        ],
    )
    def test_a_bad_value_is_named_by_its_variable(self, monkeypatch, value, said):
        monkeypatch.setenv("CLERK_WEBHOOK_SECRET", value)
        with pytest.raises(InvalidSecretError) as caught:
            Webhook()
        assert said in str(caught.value)

    def test_it_is_not_asked_when_a_secret_is_given(self, monkeypatch):
        monkeypatch.setenv("CLERK_WEBHOOK_SIGNING_SECRET", OTHER_SECRET)
        assert accepts(Webhook(SECRET, clock=now), SECRET)


class TestRotation:
    def test_any_of_several_secrets_may_match_and_the_delivery_shows_which(self):
        webhook = Webhook([SECRET, OTHER_SECRET], clock=now)
        for secret, fingerprint in zip([SECRET, OTHER_SECRET], webhook.fingerprints, strict=True):
            delivery = webhook.verify_signature(signed_headers(secret=secret), BODY)
            assert delivery.secret_fingerprint == fingerprint

    def test_the_first_that_matches_is_named(self):
        webhook = Webhook([SECRET, OTHER_SECRET], clock=now)
        headers = signed_headers(secret=OTHER_SECRET)
        headers["svix-signature"] += " " + signed_headers(secret=SECRET)["svix-signature"]
        assert webhook.verify_signature(headers, BODY).secret_fingerprint == webhook.fingerprints[0]

    def test_a_removed_secret_no_longer_matches(self):
        secrets = [SECRET, OTHER_SECRET]
        before = Webhook(secrets, clock=now)
        secrets.remove(OTHER_SECRET)
        assert accepts(before, OTHER_SECRET), "secrets are copied"
        assert verify(signed_headers(), BODY, secret=secrets, clock=now)
        with pytest.raises(Exception, match="matches any"):
            verify(signed_headers(secret=OTHER_SECRET), BODY, secret=secrets, clock=now)


@given(key=st.binary(min_size=24, max_size=75), other=st.binary(min_size=24, max_size=75))
def test_fingerprints_distinguish_keys_and_do_not_reveal_them(key, other):
    first, second = (Webhook("whsec_" + base64.b64encode(each).decode()).fingerprints for each in (key, other))
    assert (first == second) is (key == other)
    (fingerprint,) = first
    assert len(fingerprint) == 12
    assert int(fingerprint, 16) >= 0
    assert fingerprint not in key.hex()


def test_a_fingerprint_is_the_same_in_every_version():
    """Logs and stored deliveries outlive an update."""
    digest = hashlib.sha256(b"clerk-webhook-verify fingerprint\0" + key_of(SECRET)).hexdigest()
    assert Webhook(SECRET).fingerprints == (digest[:12],)


@given(
    text=st.tuples(st.text(), st.text()).map("sesame".join)
    | st.binary().map(lambda data: "whsec_" + base64.b64encode(data).decode())
)
def test_any_text_is_a_secret_or_an_error_that_does_not_contain_it(text):
    try:
        webhook = Webhook(text)
    except InvalidSecretError as error:
        encoded = text.removeprefix("whsec_")
        assert "sesame" not in str(error)
        assert len(encoded) < 8 or encoded not in str(error)
    else:
        assert text.strip().startswith("whsec_")
        assert 24 <= len(base64.b64decode(text.strip()[6:] + "==")) <= 75
        assert webhook.fingerprints
