"""Allow only Svix's IP addresses, in addition to the signature.

>>> allowlist = Allowlist({"eu": ["192.0.2.7", "2001:db8:7::/56"]})
>>> allowlist.allows("192.0.2.7"), allowlist.allows("::ffff:192.0.2.7"), allowlist.allows("192.0.2.8")
(True, True, False)
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


class Allowlist:
    """The IP addresses that Svix publishes: a JSON object, region to a list of addresses or CIDR blocks.

    It reads no headers. Behind a proxy, configure your server to report the client's address.

    Args:
        source: The file's path, or its content as bytes or as a mapping. Region names are ignored.
    Raises:
        ValueError: The content is malformed or has no address, or a block contains all addresses.
        TypeError: *source* has another type.
        OSError: The file cannot be read.

    Source: Svix, "Webhook IP addresses".
    """

    def __init__(self, source: str | os.PathLike[str] | bytes | Mapping[str, list[str]]) -> None:
        if isinstance(source, str | os.PathLike):
            with open(source, "rb") as file:
                source = file.read()
        if not isinstance(source, bytes | Mapping):
            raise TypeError(f"source must be a path, bytes or a mapping, not {type(source).__name__}")
        self._networks = list(_networks(source))
        if not self._networks:
            raise ValueError("the allow-list contains no address, so it would reject every request")

    def allows(self, ip: str) -> bool:
        """Return whether *ip* is one of the addresses; False if it is invalid."""
        if not isinstance(ip, str) or "%" in ip:  # ip_address() also accepts ints, packed bytes and IPv6 zone ids
            return False
        try:
            address = ip_address(ip)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def _networks(source: bytes | Mapping[str, list[str]]) -> Iterator[IPv4Network | IPv6Network]:
    try:
        regions = json.loads(source) if isinstance(source, bytes) else source
    except (ValueError, RecursionError):
        raise ValueError("the allow-list is not JSON") from None
    if not isinstance(regions, Mapping):
        raise ValueError("the allow-list is not an object of regions, each with a list of addresses")
    for region, entries in regions.items():
        if not isinstance(entries, list | tuple):
            raise ValueError(f"the allow-list's region {region!r} is not a list of addresses")
        for entry in entries:
            yield _network(entry, f"the allow-list's region {region!r} contains {entry!r}")


def _network(entry: object, problem: str) -> IPv4Network | IPv6Network:
    network = None
    if isinstance(entry, str) and "%" not in entry:
        with suppress(ValueError):
            network = ip_network(entry)
    if network is None:
        raise ValueError(f"{problem}, which is not an address or CIDR block")
    if network.prefixlen == 0:
        raise ValueError(f"{problem}, which is all addresses: remove it")
    return network
