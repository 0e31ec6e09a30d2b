"""Do the recipes for other frameworks read a body with a limit, whatever its declared length is?"""

import io
import re
from pathlib import Path

import pytest
from helpers.signer import SECRET

from clerk_webhook_verify.testing import signed_request

pytestmark = pytest.mark.slow  # it needs Falcon and Bottle

PAGE = (Path(__file__).parents[2] / "docs" / "frameworks" / "others.md").read_text("utf-8")
LIMIT = 1_048_576


def blocks(text: str) -> str:
    return "\n".join(re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module", params=["Plain WSGI", "Falcon", "Bottle"])
def app(request):
    """The recipe as a WSGI application."""
    shared, *sections = re.split(r"^## (.+)$", PAGE, flags=re.MULTILINE)
    recipes = dict(zip(sections[::2], sections[1::2], strict=True))
    namespace: dict = {"io": io}
    exec(blocks(shared), namespace)
    exec(blocks(recipes["Plain WSGI"]) + "\n" + blocks(recipes[request.param]), namespace)
    names = {"Plain WSGI": "wsgi_app", "Falcon": "falcon_app", "Bottle": "bottle_app"}
    return namespace[names[request.param]]


class Input(io.RawIOBase):
    """A wsgi.input that notes how much was asked for."""

    def __init__(self, content: bytes = b"", *, endless: bool = False) -> None:
        self.content, self.endless, self.asked = io.BytesIO(content), endless, []

    def read(self, size=-1):
        self.asked.append(size)
        return b"x" * size if self.endless else self.content.read(size)


def status_of(app, stream, headers, **environ) -> int:
    statuses = []
    base = {"REQUEST_METHOD": "POST", "PATH_INFO": "/", "SCRIPT_NAME": "", "QUERY_STRING": "", "SERVER_NAME": "x"}
    base |= {"SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": stream}
    base |= {"wsgi.errors": io.StringIO(), "CONTENT_TYPE": "application/json"}
    base |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    list(app(base | environ, lambda status, headers, error=None: statuses.append(int(status.split()[0]))))
    return statuses[0]


@pytest.mark.parametrize(
    "length",
    ["+5", "-1", "1_0", "\u0665", "\u00b2", "", " ", "5, 5", "5,5", "9" * 30, "0x5", "5.0", "1e3", "NaN", "5\n"],
    ids=repr,
)
def test_an_odd_declared_length_is_400_and_nothing_is_read(app, length):
    stream, sent = Input(endless=True), signed_request("user.created", secret=SECRET)
    assert status_of(app, stream, sent.headers, CONTENT_LENGTH=length) == 400
    assert stream.asked == []


@pytest.mark.parametrize("length", ["5", "1048577", "999999999"])
def test_no_more_than_the_limit_is_read_of_a_declared_length(app, length):
    stream, sent = Input(endless=True), signed_request("user.created", secret=SECRET)
    assert status_of(app, stream, sent.headers, CONTENT_LENGTH=length) == 400
    assert stream.asked == [min(int(length), LIMIT)]


def test_no_more_than_the_limit_is_read_of_a_chunked_body(app):
    stream, sent = Input(endless=True), signed_request("user.created", secret=SECRET)
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert status_of(app, stream, sent.headers, **environ) == 400
    assert stream.asked
    assert all(0 <= asked <= LIMIT for asked in stream.asked)


def test_a_chunked_body_is_read_if_the_server_marks_its_end(app):
    sent = signed_request("user.created", secret=SECRET)
    environ = {"HTTP_TRANSFER_ENCODING": "chunked"}
    assert status_of(app, Input(sent.body), sent.headers, **environ, **{"wsgi.input_terminated": True}) == 204
    stream = Input(sent.body)
    assert status_of(app, stream, sent.headers, **environ) == 400
    assert stream.asked == []


def test_a_header_that_is_not_utf_8_causes_no_error(app):
    sent = signed_request("user.created", secret=SECRET)
    length = str(len(sent.body))
    assert status_of(app, Input(sent.body), sent.headers, CONTENT_LENGTH=length, HTTP_X="\xff") == 204
    headers = sent.headers | {"svix-signature": "\xff"}
    assert status_of(app, Input(sent.body), headers, CONTENT_LENGTH=length) == 400


def test_an_exception_while_the_body_is_read_is_400(app):
    class Broken(Input):
        def read(self, size=-1):
            raise ValueError("not a chunk size")

    sent = signed_request("user.created", secret=SECRET)
    environ = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert status_of(app, Broken(), sent.headers, **environ) == 400
    assert status_of(app, Broken(), sent.headers, CONTENT_LENGTH="100") == 400
