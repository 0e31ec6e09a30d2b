"""Which addresses an allow-list allows, and the errors for invalid files."""

import json

import pytest
from hypothesis import given, strategies as st

from clerk_webhook_verify.allowlist import Allowlist

REGIONS = {"us": ["192.0.2.7", "198.51.100.0/28"], "eu": ["203.0.113.9", "2001:db8:7::/56"], "moon": []}


@pytest.fixture(params=["mapping", "bytes", "path", "path as text"])
def allowlist(request, tmp_path):
    path = tmp_path / "addresses.json"
    path.write_text(json.dumps(REGIONS))
    sources = {"mapping": REGIONS, "bytes": path.read_bytes(), "path": path, "path as text": str(path)}
    return Allowlist(sources[request.param])


@pytest.mark.parametrize("ip", ["192.0.2.7", "198.51.100.15", "203.0.113.9", "2001:db8:7:0:1::1", "::ffff:192.0.2.7"])
def test_the_addresses_of_all_regions_are_let_in(allowlist, ip):
    assert allowlist.allows(ip)


@pytest.mark.parametrize(
    "ip",
    [
        *("192.0.2.8", "198.51.100.16", "2001:db8:8::1", "::ffff:192.0.2.8", "::1", "127.0.0.1", ""),
        *("192.0.2.7:443", "192.0.2.7, 10.0.0.1", "192.0.2.7/32", "0xc0000207", "192.0.2.007", "localhost", "unix:"),
    ],
)
def test_rejects_any_other_address_and_text_that_is_not_one(allowlist, ip):
    assert not allowlist.allows(ip)


@pytest.mark.parametrize(
    "ip",
    [
        *("192.0.2.7\n", "\n192.0.2.7", "192.0.2.7 ", "192.0.2.7\0", "\uff11\uff19\uff12.0.2.7", "2001:db8:7::1\n"),
        *("2001:db8:7::1%eth0", "2001:db8:7::1%", "::ffff:192.0.2.7%1", "2001:db8:7::1%\n", "192.0.2.7%eth0"),
    ],
    ids=repr,
)
def test_newlines_and_zone_ids_are_not_part_of_an_address(allowlist, ip):
    assert not allowlist.allows(ip)


@pytest.mark.parametrize(
    "ip", [3221225991, b"\xc0\x00\x02\x07", bytes(16), True, None, 1.5, ["192.0.2.7"], b"192.0.2.7"], ids=repr
)
def test_numbers_and_packed_bytes_are_not_addresses(allowlist, ip):
    assert not allowlist.allows(ip)


@pytest.mark.parametrize("block", ["0.0.0.0/0", "::/0", "0::0/0", "0.0.0.0/0.0.0.0", "0.0.0.0/00"])
def test_a_block_of_all_addresses_is_rejected(block):
    with pytest.raises(ValueError, match=r"region 'us' contains '.*', which is all addresses: remove it"):
        Allowlist({"us": ["192.0.2.7", block]})


@pytest.mark.parametrize(
    "entry",
    [
        "fe80::1%eth0",
        "fe80::%1/64",
        "192.0.2.7\n",
        "192.0.2.0/24\n",
        " 192.0.2.7",
        b"\xc0\x00\x02\x07",
        ("192.0.2.0", 24),
    ],
    ids=repr,
)
def test_an_entry_that_is_not_an_address_as_text_is_rejected(entry):
    with pytest.raises(ValueError, match="which is not an address or CIDR block"):
        Allowlist({"us": [entry]})


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (b"", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[]", "is not an object of regions"),
        (b"{}", "contains no address"),
        ({"us": []}, "contains no address"),
        ({"us": "192.0.2.7"}, "region 'us' is not a list"),
        ({"us": ["192.0.2.7", "192.0.2.0/33"]}, "region 'us' contains '192.0.2.0/33'"),
        ({"us": ["192.0.2.1/24"]}, "region 'us' contains '192.0.2.1/24'"),
        ({"us": [3221225991]}, "region 'us' contains 3221225991"),
        ({"us": [None]}, "region 'us' contains None"),
    ],
    ids=repr,
)
def test_a_bad_file_is_one_error_that_names_the_entry(source, told):
    with pytest.raises(ValueError, match=told.replace("[", r"\[")) as caught:
        Allowlist(source)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_tuple_of_addresses_is_a_list():
    assert Allowlist({"us": ("192.0.2.7",)}).allows("192.0.2.7")


def test_rejects_a_source_that_is_not_one():
    with pytest.raises(TypeError, match="a path, bytes or a mapping, not int"):
        Allowlist(7)
    with pytest.raises(OSError, match="No such file"):
        Allowlist("/no/such/file.json")


@given(st.text(max_size=40))
def test_any_string_has_a_result(text):
    assert Allowlist(REGIONS).allows(text) is False


@given(st.binary(max_size=60))
def test_any_bytes_are_a_list_or_a_value_error(content):
    try:
        Allowlist(content)
    except ValueError as error:
        assert "allow-list" in str(error)
