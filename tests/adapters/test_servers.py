"""Do the adapters work on real servers, with well-behaved and other clients?

Each test runs with every framework on the servers that it commonly runs on.
"""

import http.client
import time

import pytest
from helpers.marks import needs_fork
from helpers.servers import Server
from helpers.signer import SECRET

from clerk_webhook_verify.testing import signed_request

MAX_BODY = 1_048_576
SERVERS = {
    "Flask on werkzeug": ["flask", "--app", "flask_app", "run", "--no-reload", "--port", "{port}"],
    "Flask on gunicorn": ["gunicorn", "--bind", "127.0.0.1:{port}", "--threads", "4", "flask_app:app"],
    "Starlette on uvicorn": ["uvicorn", "--port", "{port}", "--http", "h11", "starlette_app:app"],
    "Starlette on hypercorn": ["hypercorn", "--bind", "127.0.0.1:{port}", "starlette_app:app"],
    "Starlette on hypercorn (trio)": ["hypercorn", "-k", "trio", "--bind", "127.0.0.1:{port}", "starlette_app:app"],
    "Starlette under middleware on uvicorn": ["uvicorn", "--port", "{port}", "starlette_app:under_middleware"],
    "Starlette under middleware on hypercorn": [
        "hypercorn",
        "--bind",
        "127.0.0.1:{port}",
        "starlette_app:under_middleware",
    ],
    "FastAPI on uvicorn": ["uvicorn", "--port", "{port}", "--http", "h11", "fastapi_app:app"],
    "FastAPI on hypercorn": ["hypercorn", "--bind", "127.0.0.1:{port}", "fastapi_app:app"],
    "Django on gunicorn": ["gunicorn", "--bind", "127.0.0.1:{port}", "--threads", "4", "django_app:wsgi"],
    "Django on uvicorn (ASGI)": [
        "uvicorn",
        "--port",
        "{port}",
        "--http",
        "h11",
        "--lifespan",
        "off",
        "django_app:asgi",
    ],
}
REJECTION = {"detail": "webhook refused"}


def param(name: str):
    """A second server for a framework is slow: it repeats what the first one shows."""
    marks = {"gunicorn": needs_fork, "hypercorn": pytest.mark.slow}
    return pytest.param(name, marks=[mark for server, mark in marks.items() if server in name])


@pytest.fixture(scope="module", params=[param(name) for name in SERVERS])
def server(request, tmp_path_factory):
    started = Server(request.param, SERVERS[request.param], tmp_path_factory.mktemp("server") / "log")
    yield started
    started.stop()


def delivery(**changes):
    return signed_request("user.created", secret=SECRET, **changes)


def head(path: str, headers: dict[str, str], *more: str) -> list[str]:
    return [f"POST {path} HTTP/1.1", "Host: localhost", *(f"{name}: {value}" for name, value in headers.items()), *more]


def test_a_valid_delivery_reaches_the_handler_and_the_body_can_be_read_again(server):
    request = delivery()
    response, content = server.request("/hook/acme", request.headers, request.body)
    assert (response.status, content) == (
        200,
        {"type": "user.created", "tenant": "acme", "body_again": len(request.body)},
    )


def test_a_handler_that_returns_nothing_responds_204(server):
    request = delivery()
    response, content = server.request("/quiet", request.headers, request.body)
    assert (response.status, content) == (204, None)


@pytest.mark.parametrize("fault", ["tampered", "stale", "other_secret", "missing_header", "not_json", "empty_body"])
def test_every_rejection_gets_the_same_400(server, fault):
    request = delivery(fault=fault)
    response, content = server.request("/hook/acme", request.headers, request.body)
    assert (response.status, content) == (400, REJECTION)
    assert response.headers["content-type"] == "application/json"


def test_a_duplicate_header_is_rejected(server):
    request = delivery()
    lines = head(
        "/hook/acme", request.headers, f"Svix-Id: {request.headers['svix-id']}", f"Content-Length: {len(request.body)}"
    )
    assert b" 400 " in server.raw(lines, request.body).split(b"\r\n")[0]


def test_an_underscore_is_not_a_dash(server):
    request = delivery()
    lines = head("/hook/acme", request.headers, "svix_id: msg_evil", f"Content-Length: {len(request.body)}")
    assert b" 200 " in server.raw(lines, request.body).split(b"\r\n")[0]
    headers = {name.replace("svix-id", "svix_id"): value for name, value in request.headers.items()}
    lines = head("/hook/acme", headers, f"Content-Length: {len(request.body)}")
    assert b" 400 " in server.raw(lines, request.body).split(b"\r\n")[0]


def test_a_declared_length_over_the_limit_is_413_before_anything_is_read(server):
    lines = head("/hook/acme", delivery().headers, f"Content-Length: {MAX_BODY + 1}")
    if "Django on uvicorn (ASGI)" in server.name:
        pytest.skip("Django on ASGI reads the complete body before any view: limit it in the server or the proxy")
    assert b" 413 " in server.raw(lines).split(b"\r\n")[0]


def rejected_as_too_large(server, lines: list[str], body: bytes) -> bool:
    """Check the response, unless the server reset the connection during the upload, and the log in any case."""
    before = server.log.read_text().count("body_too_large")
    response = server.raw(lines, body)
    logged = server.log.read_text().count("body_too_large") == before + 1
    return logged and (not response or b" 413 " in response.split(b"\r\n")[0])


def test_a_body_over_the_limit_is_413(server):
    body = b" " * (MAX_BODY + 1)
    headers = signed_request(body, secret=SECRET).headers
    assert rejected_as_too_large(server, head("/hook/acme", headers, f"Content-Length: {len(body)}"), body)


def chunked(body: bytes, size: int) -> bytes:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def test_a_chunked_body_is_read(server):
    request = delivery()
    lines = head("/hook/acme", request.headers, "Transfer-Encoding: chunked")
    assert b" 200 " in server.raw(lines, chunked(request.body, 500)).split(b"\r\n")[0]


def test_a_chunked_body_over_the_limit_is_413(server):
    body = b" " * (MAX_BODY + 70_000)
    lines = head("/hook/acme", signed_request(body, secret=SECRET).headers, "Transfer-Encoding: chunked")
    assert rejected_as_too_large(server, lines, chunked(body, 65_536))


def log_after_disconnect(server, lines: list[str], body: bytes) -> str:
    """The log's new part, after the server noticed a disconnect in the body.

    Django on ASGI handles it and does not call the view.
    """
    before = len(server.log.read_text())
    response = server.raw(lines, body, leave=True)
    assert not response or b" 400 " in response.split(b"\r\n")[0]
    deadline = time.monotonic() + 10
    while "body_incomplete" not in (log := server.log.read_text()[before:]) and "ASGI" not in server.name:
        assert time.monotonic() < deadline, log
        time.sleep(0.01)
    return log


def test_disconnect_in_body_logs_no_traceback(server):
    request = delivery()
    lines = head("/hook/acme", request.headers, f"Content-Length: {len(request.body) + 100}")
    log = log_after_disconnect(server, lines, request.body)
    assert "Traceback" not in log
    assert "signature_mismatch" not in log


def test_disconnect_before_the_body_is_not_an_application_error(server):
    log = log_after_disconnect(server, head("/hook/acme", delivery().headers, "Content-Length: 100"), b"")
    assert "body_consumed" not in log


def test_other_methods_are_405(server):
    response, _ = server.request("/quiet", delivery().headers, None, method="GET")
    assert response.status == 405
    assert "POST" in response.headers["allow"]


def test_an_exception_of_the_handler_is_500_so_that_clerk_retries(server):
    request = delivery()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/fails", request.body, request.headers)
    assert connection.getresponse().status == 500
    connection.close()


def test_a_body_that_the_application_has_read_is_an_application_error(server):
    request = delivery()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/consumed", request.body, request.headers)
    assert connection.getresponse().status == 500
    connection.close()
    assert "body_consumed" in server.log.read_text()


def test_a_slow_body_is_408_if_the_adapter_reads_it(server):
    if not server.name.startswith(("Starlette", "FastAPI")):
        pytest.skip("WSGI servers and Django on ASGI have their own timeouts")
    request = delivery()
    lines = head("/hook/acme", request.headers, f"Content-Length: {len(request.body)}")
    response = server.raw(lines, request.body[:100])
    assert b" 408 " in response.split(b"\r\n")[0]
    assert b"connection: close" in response.lower()


def test_a_rejection_before_the_body_closes_the_connection_on_asgi(server):
    if not server.name.startswith(("Starlette", "FastAPI")):
        pytest.skip("on other servers the framework decides")
    lines = head("/hook/acme", {"svix-id": "msg_1"}, "Content-Length: 1000000")
    response = server.raw(lines)
    assert b" 400 " in response.split(b"\r\n")[0]
    assert b"connection: close" in response.lower()
