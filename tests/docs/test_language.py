"""Words that the project does not use, with the plain word for each."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKED = ["README.md", "docs", "src", "tests"]
SUFFIXES = {".md", ".py"}

#: A pattern, in which a space is any gap between two words, and what to write instead. Only phrases that are wrong in
#: every sense.
PLAIN_WORDS = {
    "amiss": "wrong",
    "anew": "again",
    "as (?:it|they) arrived": "unchanged",
    "as (?:it|they) should": "as expected",
    "be had": "be available",
    "do(?:es)? no harm": "is safe",
    "doubled": "duplicate",
    "for ?ever": "indefinitely",
    "forgers?": "attacker",
    "full stop": "period",
    "genuine": "valid",
    "hand(?:s|ed|ing)? over": "pass",
    "(?:it|that|what|which) (?-i:is none)": "is invalid",
    "left over": "by elimination",
    "line end": "newline",
    "matter of": "depends on",
    "mend(?:s|ed|ing)?": "fix",
    "mistakes? of": "bug in",
    "nobody knows": "is unknown",
    "of no use": "invalid",
    "on (?:its|their) way": "in transit",
    "ours": "the library's",
    "out of reach": "unavailable",
    "seldom": "rarely",
    "strangers?": "attacker",
    "th(?:is|ese) very": "this",
    "(?:told|tells?|telling)(?: \\w+)? apart": "distinguish",
    "torn": "truncated",
    "turn(?:s|ed)? red": "fail",
    "what is no": "an invalid",
    "whoever": "the client",
    "written again": "re-serialized",
    "behaviour|colour|favour|honour|neighbour": "American spelling: -or",
    "(?:initial|normal|optim|organ|recogn|serial|synchron)is(?:e[ds]?|ing|ation)": "American spelling: -iz-",
}

#: Texts that are not searched, with the reason.
EXCEPTIONS = {"accepts_doubled_header": "a finding's code, which users' scripts compare"}


def pattern(phrase: str) -> re.Pattern[str]:
    """Phrases continue over line breaks of strings, comments and paragraphs, and are in names too."""
    return re.compile(rf"(?<![^\W_])(?:{phrase.replace(' ', _GAP)})(?![^\W_])", re.IGNORECASE)


_GAP = r"[\s_\"'`#*>-]+"
_ANY_PHRASE = pattern("|".join(PLAIN_WORDS))  # to read each text once


def files(name: str) -> Iterator[Path]:
    path = ROOT / name
    for file in [path] if path.is_file() else sorted(path.rglob("*")):
        if file.suffix in SUFFIXES and file != Path(__file__):
            yield file


def hits(text: str) -> Iterator[tuple[int, str, str]]:
    """Return the line, the phrase and the plain word of each use."""
    for exception in EXCEPTIONS:
        text = text.replace(exception, "")
    for match in _ANY_PHRASE.finditer(text):
        plain = next(plain for phrase, plain in PLAIN_WORDS.items() if pattern(phrase).fullmatch(match[0]))
        yield text.count("\n", 0, match.start()) + 1, re.sub(_GAP, " ", match[0]).lower(), plain


@pytest.mark.parametrize("name", CHECKED)
def test_uses_plain_words_in(name):
    found = [
        f"{place}:{line}: {phrase!r}: write {plain!r}"
        for file in files(name)
        for place in [file.relative_to(ROOT).as_posix()]
        for line, phrase, plain in sorted(hits(file.read_text("utf-8")))
    ]
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize(
    "text",
    [
        "Pass the headers as they arrived.",
        'x = (\n    "pass it as "\n    "it arrived"\n)',
        "# a header that is\n# left over",
        "def test_it_is_told_apart(): ...",
        "Doubled headers",
    ],
)
def test_finds_a_phrase_in(text):
    assert len(list(hits(text))) == 1


@pytest.mark.parametrize("text", ["if x is None:", "recommend, amend", "tornado", "hours, yours", "organization"])
def test_finds_nothing_in(text):
    assert not list(hits(text))
