"""Is this address one of those that Svix sends from? Defence in depth: it replaces no signature.

>>> allowlist = Allowlist({"eu": ["192.0.2.7", "2001:db8:7::/56"]})
>>> allowlist.allows("192.0.2.7"), allowlist.allows("::ffff:192.0.2.7"), allowlist.allows("192.0.2.8")
(True, True, False)
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network


class Allowlist:
    """The addresses of a file that Svix publishes: a JSON object, region to a list of addresses or CIDR blocks.

    Which address is the client's is the server's matter: behind a proxy it must be told which proxy to believe. No
    header is read here.

    Args:
        source: The file's path, its content as bytes, or its content as a mapping. Any region will do.
    Raises:
        ValueError: It is not in that form, or names no address; says which entry is wrong.
        OSError: The file cannot be read.

    Source: Svix, "Webhook IP addresses".
    """

    def __init__(self, source: str | os.PathLike[str] | bytes | Mapping[str, list[str]]) -> None:
        if isinstance(source, str | os.PathLike):
            with open(source, "rb") as file:
                source = file.read()
        if not isinstance(source, bytes | Mapping):
            raise TypeError(f"source must be a path, bytes or a mapping, not {type(source).__name__}")
        self._networks = list(_networks(_parsed(source) if isinstance(source, bytes) else source))
        if not self._networks:
            raise ValueError("the allow-list names no address: nobody would be let in")

    def allows(self, ip: str) -> bool:
        """Whether *ip* is one of them; False for what is no address."""
        try:
            address = ip_address(ip)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)


def _parsed(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("the allow-list is not JSON") from None


def _networks(regions: object) -> Iterator[IPv4Network | IPv6Network]:
    if not isinstance(regions, Mapping):
        raise ValueError("the allow-list is not an object of regions, each with a list of addresses")
    for region, entries in regions.items():
        if not isinstance(entries, list | tuple):
            raise ValueError(f"the allow-list's region {region!r} is not a list of addresses")
        for entry in entries:
            try:
                if not isinstance(entry, str):
                    raise TypeError
                yield ip_network(entry)
            except (ValueError, TypeError):
                raise ValueError(
                    f"the allow-list's region {region!r} holds {entry!r}, which is no address and no CIDR block"
                ) from None
