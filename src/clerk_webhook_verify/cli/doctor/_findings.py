"""Everything that ``doctor`` can find, the most urgent first.

To add a finding, decorate its rule in the module of what it is about: whether the answer to the delivery of that name
shows it. Code, fix and rule stand together there. A fix may contain the names of :meth:`.Evidence.facts` in braces.
"""

from __future__ import annotations

from . import _accepted, _in_front, _redirects, _rejected, _verification
from ._finding import FindingTable

FINDINGS = FindingTable(
    *_verification.findings,
    *_redirects.findings,
    *_in_front.findings,
    *_rejected.findings,
    *_accepted.findings,
)
