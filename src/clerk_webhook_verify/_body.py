"""From the body that a framework provides to the bytes that were signed."""

from __future__ import annotations

#: The raw body of a request. A ``str`` is encoded as UTF-8.
Body = bytes | bytearray | memoryview | str

#: How to read the raw body in each framework, for error messages and fixes.
RAW_BODY_ADVICE = "Flask request.get_data(), Starlette and FastAPI await request.body(), Django request.body"


def body_bytes(body: Body, headers: object = None) -> bytes:
    """Return the bytes of *body*: ``bytes`` unchanged, a buffer as a copy.

    Raises:
        TypeError: *body* is not a raw body, for example parsed JSON, or it was swapped with *headers*.
    """
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        # A lone surrogate has no UTF-8 form. These bytes in its place match no text that a sender can have signed.
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    if isinstance(headers, (bytes, bytearray, memoryview, str)):
        raise TypeError("headers come first: verify(headers, body)")
    raise TypeError(
        f"body must be the raw body as bytes or str, not {type(body).__name__}: pass what arrived, before any parsing "
        f"({RAW_BODY_ADVICE})"
    )
