"""Every cause that can be diagnosed, in the order in which they are probed.

To add one, decorate its probe in the module of the part that it examines: code, fix and probe are one entry.
"""

from __future__ import annotations

from . import _body, _encoding, _headers, _serialization, _signing

CAUSES = (
    *_headers.causes,
    *_body.causes,
    *_encoding.causes,
    *_serialization.causes,
    *_signing.causes,
)
