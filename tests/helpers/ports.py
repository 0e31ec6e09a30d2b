"""Free ports for the servers of the tests, and waiting until they are open."""

import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_until_open(port: int, process: subprocess.Popen, log: Path, seconds: float = 30) -> None:
    """Return when *process* accepts connections; fail with its log if it ends before or needs longer."""
    deadline = time.monotonic() + seconds
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.05)
