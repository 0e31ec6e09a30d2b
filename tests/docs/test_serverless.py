"""The functions of the serverless pages, in the frameworks and test servers of their platforms."""

import contextlib
import importlib.util
import os
import re
import socket
import subprocess
import sys
import threading
from http.server import HTTPServer
from pathlib import Path

import httpx
import pytest
from helpers.ports import free_port, wait_until_open
from helpers.signer import SECRET

from clerk_webhook_verify.testing import signed_request

pytestmark = pytest.mark.slow  # it needs the frameworks of several platforms

PAGES = Path(__file__).parents[2] / "docs" / "frameworks"
PAGES_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def module_of(tmp_path):
    """Write the first blocks of a page into a file, with the secret of the tests, and import it."""

    def load(page: str, file: str, blocks: int = 1):
        text = (PAGES / page).read_text("utf-8")
        code = "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[:blocks])
        assert code.count(PAGES_SECRET) >= 1
        (tmp_path / file).write_text(code.replace(PAGES_SECRET, SECRET), "utf-8")
        spec = importlib.util.spec_from_file_location(file.removesuffix(".py"), tmp_path / file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def test_the_functions_framework_serves_the_function_and_doctor_finds_no_fault(module_of, tmp_path):
    module_of("google-cloud-functions.md", "main.py")
    port = free_port()
    command = [sys.executable, "-m", "functions_framework", "--target=clerk", f"--port={port}", "--host=127.0.0.1"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log)
    try:
        wait_until_open(port, server, tmp_path / "log")
        url = f"http://127.0.0.1:{port}/"
        environment = os.environ | {"CLERK_WEBHOOK_SIGNING_SECRET": SECRET}
        doctor = [sys.executable, "-m", "clerk_webhook_verify", "doctor", url]
        done = subprocess.run(doctor, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        request = signed_request("user.created", secret=SECRET, first_name="Zoë")
        assert httpx.post(url, content=request.body, headers=request.headers).status_code == 204
        assert httpx.get(url).status_code == 405
    finally:
        server.terminate()
        server.wait()


def test_azure_gets_a_post_route_that_needs_no_key(module_of):
    module = module_of("azure-functions.md", "function_app.py")
    (function,) = module.app.get_functions()
    trigger = function.get_trigger()
    assert trigger.route == "webhooks/clerk"
    assert trigger.auth_level is module.func.AuthLevel.ANONYMOUS
    assert list(trigger.methods) == [module.func.HttpMethod.POST]


def test_azure_asks_for_a_key_unless_the_level_is_anonymous():
    import azure.functions as func

    app = func.FunctionApp()
    app.route("webhooks/clerk")(lambda req: func.HttpResponse())
    (function,) = app.get_functions()
    assert function.get_trigger().auth_level is func.AuthLevel.FUNCTION


def test_chalices_test_client_reaches_the_route(module_of):
    from chalice.test import Client

    module = module_of("mangum-chalice.md", "app.py", blocks=2)
    request = signed_request("user.created", secret=SECRET, first_name="Zoë")
    headers = {"Content-Type": "application/json", **request.headers}
    with Client(module.app) as client:
        assert client.http.post("/webhooks/clerk", headers=headers, body=request.body).status_code == 204
        assert client.http.post("/webhooks/clerk", headers=headers, body=request.body + b" ").status_code == 400
    assert module.welcomed == ["Zoë Björk"]


@pytest.mark.parametrize(
    "length",
    ["", "+5", "-1", "1_0", "\u0665", "0x5", "5, 5", "9" * 30, "9" * 5000],
    ids=lambda length: f"{length[:5]!r} ({len(length)})",
)
def test_the_handler_for_vercel_responds_400_to_an_odd_content_length(module_of, length):
    module = module_of("vercel.md", "clerk.py", blocks=2)
    request = signed_request("user.created", secret=SECRET)
    lines = ["POST /api/clerk HTTP/1.0", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    with HTTPServer(("127.0.0.1", 0), module.handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with contextlib.closing(socket.create_connection(server.server_address, timeout=10)) as connection:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + request.body)
            response = connection.makefile("rb").readline()
        server.shutdown()
    assert response.split()[1] == b"400"
