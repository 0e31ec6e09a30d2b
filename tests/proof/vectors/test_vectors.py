"""Each test vector has its result, and the file follows its schema."""

import json
import re
import runpy
from collections import Counter
from pathlib import Path

import pytest
from helpers.marks import slow

from clerk_webhook_verify import Webhook, WebhookError

HERE = Path(__file__).parent
FILE = json.loads((HERE / "signatures.json").read_text("utf-8"))
SCHEMA = json.loads((HERE / "schema.json").read_text("utf-8"))
VECTORS = [(group, test) for group in FILE["testGroups"] for test in group["tests"]]
OFFICIAL = [vector for vector in VECTORS if vector[1]["flags"] == ["Official"]]


def name(vector) -> str:
    return f"{vector[1]['tcId']}-{vector[1]['flags'][0]}: {vector[1]['comment']}"


def body_of(test) -> bytes:
    return test["body"].encode("latin-1") * test["repeat"]


def answer(group, headers, body) -> str | None:
    """Return the code of the error, or None if the delivery is accepted."""
    try:
        webhook = Webhook(group["secrets"], tolerance=group["tolerance"], clock=lambda: group["now"])
        delivery = webhook.verify_signature(headers, body)
    except WebhookError as error:
        return error.code
    assert delivery.body == body
    return None


@pytest.mark.parametrize(("group", "test"), VECTORS, ids=map(name, VECTORS))
def test_the_vector_has_the_expected_result(group, test):
    as_text = [tuple(pair) for pair in test["headers"]]
    as_bytes = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in as_text]
    for headers in (as_text, as_bytes):
        assert answer(group, headers, body_of(test)) == test["reason"]


@pytest.mark.parametrize(("group", "test"), OFFICIAL, ids=map(name, OFFICIAL))
def test_signs_like_the_authors_of_the_scheme(group, test):
    values = {name.split("-")[1]: value for name, value in test["headers"]}
    signature = Webhook(group["secrets"]).sign(values["id"], int(values["timestamp"]), body_of(test))
    assert signature == values["signature"]


def test_the_script_writes_the_same_file():
    script = runpy.run_path(str(HERE / "make.py"))
    assert (HERE / "signatures.json").read_text("utf-8") == script["text"]()


def test_the_script_shares_no_code_with_the_package():
    assert "clerk_webhook_verify" not in (HERE / "make.py").read_text("utf-8")


def test_only_invalid_vectors_have_a_reason():
    for _, test in VECTORS:
        if test["result"] != "acceptable":
            assert (test["reason"] is None) is (test["result"] == "valid"), test["tcId"]


def test_the_vectors_are_numbered_and_their_flags_explained():
    assert [test["tcId"] for _, test in VECTORS] == list(range(1, FILE["numberOfTests"] + 1))
    used = Counter(flag for _, test in VECTORS for flag in test["flags"])
    assert used.keys() == FILE["notes"].keys()
    assert min(used.values()) >= 4
    assert len({name((group, test)).partition("-")[2] + repr(group["now"]) for group, test in VECTORS}) > 330


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}
WITHOUT_MEANING = {"$schema", "$defs", "title", "description"}


def problems(value, schema, place="$"):
    """Yield the problems of a value. Keywords of JSON Schema that schema.json does not use are a KeyError."""
    checks = {
        "type": lambda kind: isinstance(value, TYPES[kind]) and not isinstance(value, bool),
        "const": lambda wanted: value == wanted,
        "enum": lambda wanted: value in wanted,
        "pattern": lambda pattern: re.search(pattern, value),
        "minimum": lambda least: value >= least,
        "minItems": lambda least: len(value) >= least,
        "maxItems": lambda most: len(value) <= most,
        "required": lambda names: set(names) <= set(value),
    }
    inner = []
    for keyword, wanted in schema.items():
        if keyword == "$ref":
            inner.append((place, value, SCHEMA["$defs"][wanted.removeprefix("#/$defs/")]))
        elif keyword == "items":
            inner += [(f"{place}[{index}]", item, wanted) for index, item in enumerate(value)]
        elif keyword == "properties":
            inner += [(f"{place}.{key}", value[key], wanted[key]) for key in wanted if key in value]
        elif keyword == "additionalProperties":
            others = [key for key in value if key not in schema.get("properties", {})]
            if wanted is False and others:
                yield f"{place}: {others}"
            inner += [(f"{place}.{key}", value[key], wanted) for key in others if wanted]
        elif keyword not in WITHOUT_MEANING and not checks[keyword](wanted):
            yield f"{place}: {keyword} {wanted}"
    for each in inner:
        yield from problems(each[1], each[2], each[0])


def test_the_file_follows_its_schema():
    assert list(problems(FILE, SCHEMA)) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda file: file.pop("notes"), "$: required"),
        (lambda file: file["testGroups"][0]["tests"][0]["headers"][0].append("x"), "headers[0]: maxItems"),
        *slow(
            (lambda file: file.update(more=1), "$: ['more']"),
            (lambda file: file["notes"]["Plain"].update(bugType="BAD"), "$.notes.Plain.bugType: enum"),
            (lambda file: file["testGroups"][0].update(secrets=[]), "$.testGroups[0].secrets: minItems"),
            (lambda file: file["testGroups"][0].update(now=True), "$.testGroups[0].now: type"),
            (lambda file: file["testGroups"][0]["tests"][0].update(body="☃"), "$.testGroups[0].tests[0].body: pattern"),
            (
                lambda file: file["testGroups"][0]["tests"][0].update(reason="x"),
                "$.testGroups[0].tests[0].reason: enum",
            ),
        ),
    ],
)
def test_the_schema_rejects_another_file(change, problem):
    file = json.loads(json.dumps(FILE))
    change(file)
    (found,) = problems(file, SCHEMA)
    assert problem in found
