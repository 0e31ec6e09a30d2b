"""What every test can rely on: no secret in the environment, and the same examples in every run of CI."""

import os

import pytest
import stores
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytester"]

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if "SECRET" in name or "SVIX" in name or name.startswith("CLERK"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def valkey():
    with stores.valkey() as server:
        yield server


@pytest.fixture(scope="module")
def redis_6():
    with stores.redis_6() as server:
        yield server


@pytest.fixture(scope="module")
def postgres():
    with stores.postgres() as server:
        yield server


@pytest.fixture(scope="module")
def uri(postgres):
    """A PostgreSQL that has the store's table."""
    stores.postgres_store(postgres.get_uri()).create_table()
    return postgres.get_uri()
