"""From what a framework hands over to the bytes that were signed."""

from __future__ import annotations

#: The raw body of a request. A ``str`` stands for its UTF-8 bytes.
Body = bytes | bytearray | memoryview | str


def body_bytes(body: Body, headers: object = None) -> bytes:
    """The bytes of *body*: ``bytes`` by reference, a buffer as a copy that no later change reaches.

    Raises:
        TypeError: It is no raw body: parsed JSON, nothing, or *headers* in its place; says what to pass.
    """
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        # A lone surrogate has no UTF-8 form. What stands here for it is in no text that a sender can have signed.
        return body.encode("utf-8", "surrogatepass")
    if isinstance(body, (bytearray, memoryview)):
        return bytes(body)
    if isinstance(headers, (bytes, bytearray, memoryview, str)):
        raise TypeError("headers come first: verify(headers, body)")
    raise TypeError(
        f"body must be the raw body as bytes or str, not {type(body).__name__}: pass what arrived, before any parsing "
        "(Flask request.get_data(), Starlette and FastAPI await request.body(), Django request.body)"
    )
