"""A finding: its code, its fix and the rule that finds it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ._evidence import Evidence

#: Whether the answer to the delivery with this name shows it.
Rule: TypeAlias = Callable[[Evidence, str], bool]


@dataclass(frozen=True)
class Finding:
    """One entry of a :class:`FindingTable`."""

    code: str
    """Stable, since people match on it."""

    fix: str
    """May contain the keys of :meth:`.Evidence.facts` in braces."""

    rule: Rule

    is_vague: bool
    """Whether it can have several causes. Variations of the good delivery then find out which."""


class FindingTable:
    """Findings, the most urgent first. A delivery has the first one whose rule matches."""

    def __init__(self, *findings: Finding) -> None:
        self._findings = list(findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._findings)

    def add(self, code: str, *, fix: str, is_vague: bool = False) -> Callable[[Rule], Rule]:
        """Decorate the rule of a finding."""

        def register(rule: Rule) -> Rule:
            self._findings.append(Finding(code, fix, rule, is_vague))
            return rule

        return register

    def of(self, evidence: Evidence, name: str) -> Finding | None:
        """Return the finding of a delivery, or None if the answer is as expected."""
        return next((finding for finding in self._findings if finding.rule(evidence, name)), None)


def says(evidence: Evidence, name: str, pattern: str) -> bool:
    """Whether good and bad deliveries get an answer alike, whose text in lower case has the pattern."""
    return evidence.is_common(name) and re.search(pattern, evidence.text("good"), re.DOTALL) is not None
