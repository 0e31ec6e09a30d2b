"""The applications in ``apps/`` on real servers, each in its own process."""

import http.client
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from helpers.ports import free_port, wait_until_open
from helpers.signer import SECRET

APPS = Path(__file__).with_name("apps")


class Server:
    """A command that serves an application of ``apps/`` on a free port, ``{port}``."""

    def __init__(self, name: str, command: list[str], log: Path) -> None:
        self.port = free_port()
        self.name, self.log = name, log
        command = [sys.executable, "-m", *(part.format(port=self.port) for part in command)]
        environment = os.environ | {"CLERK_WEBHOOK_SIGNING_SECRET": SECRET, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, cwd=APPS, env=environment, stdout=log.open("wb"), stderr=subprocess.STDOUT
        )
        wait_until_open(self.port, self.process, log)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:  # hypercorn may wait for a client that has left
            self.process.kill()
            self.process.wait()

    def request(self, path, headers, body, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response, json.loads(content) if content else None

    def raw(self, head: list[str], *parts: bytes, leave: bool = False) -> bytes:
        """Write bytes that no client library would send; return the complete response."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            connection.sendall("\r\n".join([*head, "", ""]).encode("latin-1"))
            try:
                for part in parts:
                    connection.sendall(part)
                if leave:
                    connection.shutdown(socket.SHUT_WR)
                response = b""
                while data := connection.recv(65_536):
                    response += data
                    if leave or b"\r\n\r\n" in response:
                        break
            except TimeoutError:
                raise
            except OSError:  # the server has closed the connection
                return b""
            return response
