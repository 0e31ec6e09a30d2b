"""Servers on loopback ports, each in its own processes, and nginx in front of them if it is installed."""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from helpers.ports import wait_until_open
from helpers.signer import SECRET

HERE = Path(__file__).parent
TESTS = HERE.parents[1]
NGINX = shutil.which("nginx")
THREADS = 16
UVICORN = "uvicorn --http h11 --loop asyncio --no-access-log --log-level warning --port {port}"
GUNICORN = "gunicorn --log-level warning --bind 127.0.0.1:{port}"
SERVERS = {
    "Flask on gunicorn": f"{GUNICORN} --threads {THREADS} apps:in_flask",
    "Starlette on uvicorn": f"{UVICORN} apps:in_starlette",
    "Django on gunicorn": f"{GUNICORN} --threads {THREADS} apps:wsgi",
    "Django on uvicorn": f"{UVICORN} --lifespan off apps:asgi",
}
ENVIRONMENT = {
    "PYTHONPATH": os.pathsep.join(map(str, [HERE, TESTS, TESTS / "helpers" / "apps"])),
    "CLERK_WEBHOOK_SIGNING_SECRET": SECRET,
    "MALLOC_ARENA_MAX": "1",  # otherwise glibc keeps the memory of the largest body for each thread
}


# Not ports.free_port(): thousands of connections of the clients take ports of that kind meanwhile.
PORTS = iter(random.sample(range(20_000, 32_000), 12_000))  # each once, and none that the system assigns to clients


def free_port() -> int:
    for port in PORTS:
        with socket.socket() as listener, suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return port
    raise OSError("no port is free")


class Server:
    """A command that serves a port."""

    def __init__(self, command: list[str], port: int, files: Path) -> None:
        self.port, self.log, self.handled = port, files.with_suffix(".log"), files.with_suffix(".handled")
        self.proxied = port  # nginx's port in front of this one
        environment = os.environ | ENVIRONMENT | {"SOAK_HANDLED": str(self.handled)}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, cwd=HERE, env=environment, stdout=log, stderr=log)

    def wait(self) -> None:
        """Return when it accepts connections."""
        wait_until_open(self.port, self._process, self.log, 60)

    def usage(self) -> dict[str, int]:
        """Kilobytes resident, now and at most, threads and open files, of the process and its children."""
        parent = self._process.pid
        pids = [parent, *Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
        total = Counter(files=sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids))
        for pid in pids:
            status = Path(f"/proc/{pid}/status").read_text()
            for name, line in {"resident": "VmRSS:", "peak": "VmHWM:", "threads": "Threads:"}.items():
                total[name] += int(status.split(line)[1].split()[0])
        return total

    def stop(self) -> None:
        assert self._process.poll() is None, self.log.read_text()
        self._process.terminate()
        try:
            self._process.wait(40)  # gunicorn waits thirty seconds for slow clients
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def served(commands: dict[str, str]) -> Iterator[dict[str, Server]]:
    """All of *commands* at once, by name."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder, servers = Path(name), {}

        def start(command: list[str], port: int, files: str) -> Server:
            server = Server(command, port, folder / files)
            stack.callback(server.stop)
            return server

        for each, command in commands.items():
            port = free_port()
            servers[each] = start([sys.executable, "-m", *command.format(port=port).split()], port, f"{len(servers)}.x")
        if NGINX:
            blocks = []
            for server in servers.values():
                server.proxied = free_port()
                location = f"location / {{ proxy_pass http://127.0.0.1:{server.port}; }}"
                blocks.append(f"server {{ listen 127.0.0.1:{server.proxied}; {location} }}")
            config = (HERE / "nginx.conf").read_text().format(folder=folder, servers="\n    ".join(blocks))
            (folder / "nginx.conf").write_text(config)
            folder.chmod(0o711)  # if root starts it, its worker is another user
            start([NGINX, "-p", name, "-c", f"{name}/nginx.conf"], server.proxied, "nginx.x").wait()
        for server in servers.values():
            server.wait()
        yield servers
