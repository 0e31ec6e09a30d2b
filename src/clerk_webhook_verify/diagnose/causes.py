"""Every cause that can be diagnosed, in the order in which they are probed.

To add one, decorate its probe in the module of what it looks at; code, fix and probe stand together there.
"""

from __future__ import annotations

from . import _attempt, _body, _headers, _secret

CAUSES = (*_headers.causes, *_body.causes, *_secret.causes, *_attempt.causes)
