"""The nginx configuration of docs/frameworks/proxies.md, in a real nginx in front of a Flask application."""

import re
import shutil
import subprocess
import threading
from pathlib import Path

import httpx
import pytest
from flask import Flask
from helpers.ports import free_port, wait_until_open
from helpers.signer import SECRET
from werkzeug.serving import make_server

from clerk_webhook_verify import Webhook
from clerk_webhook_verify.events import Event
from clerk_webhook_verify.flask import clerk_webhook
from clerk_webhook_verify.testing import signed_request

NGINX = shutil.which("nginx")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not NGINX, reason="needs nginx")]

PAGE = (Path(__file__).parents[2] / "docs" / "frameworks" / "proxies.md").read_text("utf-8")
LOCATION = re.search(r"^```nginx\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)[1]


@pytest.fixture
def app_port():
    app = Flask(__name__)

    @app.post("/webhooks/clerk")
    @clerk_webhook(Webhook(SECRET))
    def receive(event: Event) -> None: ...

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


@pytest.fixture
def start_nginx(tmp_path, app_port):
    """Start nginx with a location block, and return the URL of its server."""
    processes = []

    def start(location: str) -> str:
        port = free_port()
        paths = "\n".join(
            f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (tmp_path / "nginx.conf").write_text(
            f"daemon off; pid {tmp_path}/pid; error_log stderr; events {{}}\n"
            f"http {{ access_log off; {paths}\nserver {{ listen 127.0.0.1:{port};\n"
            f"{location.replace('127.0.0.1:8000', f'127.0.0.1:{app_port}')} }} }}\n"
        )
        log = tmp_path / "nginx.log"
        with log.open("ab") as output:
            process = subprocess.Popen([NGINX, "-p", tmp_path, "-c", tmp_path / "nginx.conf"], stderr=output)
        processes.append(process)
        wait_until_open(port, process, log)
        return f"http://127.0.0.1:{port}"

    yield start
    for process in processes:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "chunked"])
def test_nginx_passes_on_a_valid_delivery_and_a_forged_one_is_400(start_nginx, chunked):
    url = start_nginx(LOCATION) + "/webhooks/clerk"
    request = signed_request("user.created", secret=SECRET, first_name="Zoë")
    for body, status in [(request.body, 204), (request.body + b" ", 400)]:
        content = iter([body]) if chunked else body
        assert httpx.post(url, content=content, headers=request.headers).status_code == status


def test_nginx_rejects_a_body_of_more_than_1_mb(start_nginx):
    url = start_nginx(LOCATION) + "/webhooks/clerk"
    assert httpx.post(url, content=bytes(1_048_577)).status_code == 413


def test_a_location_with_a_slash_at_the_end_redirects(start_nginx):
    url = start_nginx(LOCATION.replace("= /webhooks/clerk", "/webhooks/clerk/"))
    assert httpx.post(url + "/webhooks/clerk").status_code == 301


def test_a_proxy_pass_with_a_path_changes_the_path(start_nginx):
    url = start_nginx(re.sub(r"(proxy_pass \S+);", r"\1/;", LOCATION))
    request = signed_request("user.created", secret=SECRET)
    assert httpx.post(url + "/webhooks/clerk", content=request.body, headers=request.headers).status_code == 404


def test_authentication_of_the_server_block_can_be_switched_off_for_the_location(start_nginx, tmp_path):
    (tmp_path / "users").write_text("ada:{PLAIN}secret\n")
    protected = f'auth_basic "staff"; auth_basic_user_file {tmp_path}/users;\n'
    url = start_nginx(protected + LOCATION) + "/webhooks/clerk"
    request = signed_request("user.created", secret=SECRET)
    assert httpx.post(url, content=request.body, headers=request.headers).status_code == 401

    url = start_nginx(protected + LOCATION.replace("{\n", "{\n    auth_basic off;\n", 1)) + "/webhooks/clerk"
    assert httpx.post(url, content=request.body, headers=request.headers).status_code == 204
