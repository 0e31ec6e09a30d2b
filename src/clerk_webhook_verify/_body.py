"""Convert a raw body to bytes."""

from __future__ import annotations

#: The raw body of a request. A ``str`` is encoded as UTF-8.
Body = bytes | bytearray | memoryview | str

#: How to read the raw body in each framework, for messages.
RAW_BODY_ADVICE = "Flask request.get_data(), Starlette and FastAPI await request.body(), Django request.body"


def body_bytes(body: Body, headers: object = None) -> bytes:
    """Return the bytes of *body*: ``bytes`` unchanged, a buffer as a copy.

    Raises:
        TypeError: *body* is something else, such as parsed JSON, or was swapped with *headers*.
    """
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        # A lone surrogate has no UTF-8 form. The bytes that replace it match no signed text.
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    if isinstance(headers, (bytes, bytearray, memoryview, str)):
        raise TypeError("headers come first: verify(headers, body)")
    raise TypeError(
        f"body must be the raw body as bytes or str, not {type(body).__name__}: do not parse it ({RAW_BODY_ADVICE})"
    )
