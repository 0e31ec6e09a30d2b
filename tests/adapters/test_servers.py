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
    "Starlette on uvicorn (httptools)": ["uvicorn", "--port", "{port}", "--http", "httptools", "starlette_app:app"],
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
#: WSGI servers that do not mark the end of the input (wsgi.input_terminated).
SERVERS_WITHOUT_AN_END = {
    "Flask on hypercorn (WSGI)": ["hypercorn", "--bind", "127.0.0.1:{port}", "wsgi:flask_app:app"],
    "Django on hypercorn (WSGI)": ["hypercorn", "--bind", "127.0.0.1:{port}", "wsgi:django_app:wsgi"],
}
REJECTION = {"detail": "webhook rejected"}


def param(name: str):
    """Mark the second server of a framework as slow: it is redundant."""
    repetitions = ("hypercorn", "httptools", "under middleware", "Flask on gunicorn")
    marks = {"gunicorn": needs_fork, **dict.fromkeys(repetitions, pytest.mark.slow)}
    return pytest.param(name, marks=[mark for server, mark in marks.items() if server in name])


@pytest.fixture(scope="module", params=[param(name) for name in SERVERS])
def server(request, tmp_path_factory):
    started = Server(request.param, SERVERS[request.param], tmp_path_factory.mktemp("server") / "log")
    yield started
    started.stop()


@pytest.fixture(scope="module", params=[param(name) for name in SERVERS_WITHOUT_AN_END])
def server_without_an_end(request, tmp_path_factory):
    command = SERVERS_WITHOUT_AN_END[request.param]
    started = Server(request.param, command, tmp_path_factory.mktemp("server") / "log")
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
    lines = head("/hook/acme", delivery().headers, f"Content-Length: {5 * MAX_BODY}")
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


CHUNKED = "Transfer-Encoding: chunked"
HOSTILE = {
    "a chunk that is cut off": ([CHUNKED], [b"fff\r\n", b"{"], True),
    "no chunk at all": ([CHUNKED], [], True),
    "no last chunk": ([CHUNKED], [b"5\r\nhello\r\n"], True),
    "a chunk size that is not a number": ([CHUNKED], [b"zz\r\nhello\r\n0\r\n\r\n"], False),
    "a negative chunk size": ([CHUNKED], [b"-5\r\nhello\r\n0\r\n\r\n"], False),
    "an empty chunk size": ([CHUNKED], [b"\r\nhello\r\n0\r\n\r\n"], False),
    "a chunk that is longer than its size": ([CHUNKED], [b"5\r\nhello world\r\n0\r\n\r\n"], False),
    "a body that is cut off": (["Content-Length: 100"], [b"{"], True),
    "no body at all": (["Content-Length: 100"], [], True),
    "an empty body": (["Content-Length: 0"], [], False),
    "no declared length": ([], [], False),
    "a signed length": (["Content-Length: +5"], [b"hello"], True),
    "two lengths": (["Content-Length: 5, 5"], [b"hello"], True),
    "a length and chunks": (["Content-Length: 5", CHUNKED], [b"5\r\nhello\r\n0\r\n\r\n"], True),
    "an upgrade": (["Content-Length: 5", "Connection: Upgrade", "Upgrade: x"], [b"hello"], False),
    "an upgrade of chunks": ([CHUNKED, "Connection: Upgrade", "Upgrade: x"], [b"5\r\nhello\r\n0\r\n\r\n"], False),
    "an upgrade to HTTP/2": (["Content-Length: 5", "Connection: Upgrade", "Upgrade: h2c"], [b"hello"], False),
}


def test_malformed_requests_cause_no_5xx_no_traceback_and_no_alarm(server):
    before = len(server.log.read_bytes())
    for name, (lines, parts, leave) in HOSTILE.items():
        response = server.raw(head("/quiet", delivery(fault="other_secret").headers, *lines), *parts, leave=leave)
        assert not response or b" 4" in response.split(b"\r\n")[0], name
    request = delivery()
    assert server.request("/quiet", request.headers, request.body)[0].status == 204
    log = server.log.read_bytes()[before:].decode()
    for alarm in ("Traceback", "ERROR", "body_consumed"):
        assert alarm not in log


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_type_is_not_an_application_error_if_the_application_reads_forms(server, content_type):
    before = server.log.read_text().count("body_consumed")
    body = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nb\r\n--x--\r\n'
    headers = delivery().headers | {"content-type": content_type}
    assert server.request("/form", headers, body)[0].status == 400
    request = delivery()
    assert server.request("/form", request.headers, request.body)[0].status == 204
    assert server.log.read_text().count("body_consumed") == before


def test_a_chunked_body_is_named_as_the_cause_if_the_server_does_not_mark_its_end(server_without_an_end):
    request = delivery()
    lines = head("/hook/acme", request.headers, "Transfer-Encoding: chunked")
    assert b" 400 " in server_without_an_end.raw(lines, chunked(request.body, 500)).split(b"\r\n")[0]
    record = server_without_an_end.log.read_text().splitlines()[-1]
    assert "the body is chunked, and this WSGI server does not mark its end" in record
    assert request.headers["svix-id"] in record
    response, _ = server_without_an_end.request("/hook/acme", request.headers, request.body)
    assert response.status == 200


@pytest.mark.parametrize("encoding", ["declared", "chunked"])
@pytest.mark.parametrize("status", [400, 413])
def test_a_rejection_before_the_body_arrives_as_its_status_on_asgi(server, encoding, status):
    if not server.name.startswith(("Starlette", "FastAPI")):
        pytest.skip("on other servers the framework decides")
    body = b" " * (4 * 1_048_576)
    headers = {} if status == 400 else delivery().headers
    if encoding == "declared":
        response = server.raw(head("/quiet", headers, f"Content-Length: {len(body)}"), body)
    else:
        response = server.raw(head("/quiet", headers, "Transfer-Encoding: chunked"), chunked(body, 65_536))
    assert f" {status} ".encode() in response.split(b"\r\n")[0]


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


@pytest.mark.slow
def test_a_slow_body_is_408_if_the_adapter_reads_it(server):
    if not server.name.startswith(("Starlette", "FastAPI")):
        pytest.skip("WSGI servers and Django on ASGI have their own timeouts")
    request = delivery()
    lines = head("/hook/acme", request.headers, f"Content-Length: {len(request.body)}")
    response = server.raw(lines, request.body[:100])
    assert b" 408 " in response.split(b"\r\n")[0]
    assert b"connection: close" in response.lower()


@pytest.mark.slow
def test_a_rejection_of_a_silent_sender_closes_the_connection_within_two_seconds_on_asgi(server):
    if not server.name.startswith(("Starlette", "FastAPI")):
        pytest.skip("on other servers the framework decides")
    started = time.monotonic()
    response = server.raw(head("/hook/acme", {"svix-id": "msg_1"}, "Content-Length: 1000000"))
    assert b" 400 " in response.split(b"\r\n")[0]
    assert b"connection: close" in response.lower()
    assert time.monotonic() - started < 2
