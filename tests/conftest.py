"""For every test: no secret in the environment, no network, and the same examples in every run of CI."""

import gc
import ipaddress
import os
import sys

import pytest
from helpers import stores
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.register_profile("few", settings.get_profile("ci"), max_examples=5)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def _refuse_the_network(event: str, arguments: tuple) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host in (None, "", "localhost"):
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback or ipaddress.ip_address(host).is_unspecified
    except ValueError:
        loopback = False
    if not loopback:
        raise RuntimeError(f"tests use no network: {host}")


sys.addaudithook(_refuse_the_network)


for _name in [*os.environ]:
    if "SECRET" in _name or "SVIX" in _name or _name.startswith("CLERK"):
        del os.environ[_name]


def pytest_collection_finish() -> None:
    gc.freeze()  # the garbage collector need not visit thousands of tests again and again


@pytest.fixture(scope="session")
def valkey():
    with stores.valkey() as server:
        yield server


@pytest.fixture(scope="session")
def redis_6():
    with stores.redis_6() as server:
        yield server


@pytest.fixture(scope="session")
def postgres():
    with stores.postgres() as server:
        yield server


@pytest.fixture(scope="module")
def uri(postgres):
    """A PostgreSQL that has the store's table, empty."""
    with stores.Pool(postgres.get_uri()).connection() as connection:
        connection.execute("DROP TABLE IF EXISTS clerk_webhook_once")
    stores.postgres_store(postgres.get_uri()).create_table()
    return postgres.get_uri()
