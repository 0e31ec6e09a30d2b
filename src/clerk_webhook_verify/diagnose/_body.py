"""Causes in the bytes of the body."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from .._payload import RAW_BODY_ADVICE
from ._probe import CauseTable, Finding, RejectedDelivery, breaks_off

VERIFY_RAW_BODY = f"verify the raw body, before any parsing: {RAW_BODY_ADVICE}"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_RESTORED = 10_000  # bytes of a body in which lost letters are looked for
_MAX_WORDS = 10  # that may have lost one
_BETWEEN_LETTERS = re.compile(rb"(?<!\A)(?!\Z)")  # not outside the quotation marks
_LETTER_OR_BETWEEN = re.compile(_BETWEEN_LETTERS.pattern + rb"|[ !#-~]")
_MARK = re.compile(rb"\?{1,3}")  # one for the letter, or for each of its bytes
_LETTERS = [
    *map(chr, range(0xC0, 0x100)),
    *"ĄąĆćČčĎďĐđĘęĚěĞğİıŁłŃńŇňŐőŒœŘřŚśŞşŠšŤťŮůŰűŸŹźŻżŽž\u2019\u201c\u201d\u2013\u2014€",
]
_COMMON_LETTERS = "éèëáàäöóøüíñçå"
_MAX_PAIRED = 3  # names of which two may have lost a letter

causes = CauseTable()


@causes.add(fix=f"check what reads the body first, such as middleware, and {VERIFY_RAW_BODY}")
def empty_body(delivery: RejectedDelivery) -> Finding | None:
    if delivery.body:
        return None
    if delivery.declared_length:
        return Finding("confirmed", f"the body is empty, but Content-Length declares {delivery.declared_length} bytes")
    return Finding("likely", "the body is empty, and Clerk never sends an empty one")


@causes.add(
    fix=f"{VERIFY_RAW_BODY}; in files keep the end unchanged: editors and echo add a newline, curl -d removes it, "
    "printf '%s' and curl --data-binary do neither"
)
def trailing_newline(delivery: RejectedDelivery) -> Finding | None:
    body = delivery.body
    return delivery.confirm(
        [
            ("without the trailing newline", body.rstrip(b"\r\n")),
            ("with one less trailing newline", body.removesuffix(b"\n").removesuffix(b"\r")),
            ("with a trailing newline", body + b"\n"),
            ("with a trailing newline (CR LF)", body + b"\r\n"),
        ]
    )


@causes.add(fix="store the body without a byte order mark: in an editor choose plain UTF-8")
def byte_order_mark(delivery: RejectedDelivery) -> Finding | None:
    without = delivery.body.removeprefix(_BYTE_ORDER_MARK)
    return delivery.confirm(
        [
            ("without the byte order mark", without),
            ("without the byte order mark and the trailing newline", without.rstrip(b"\r\n")),
            ("with a byte order mark", _BYTE_ORDER_MARK + delivery.body),
        ]
    )


@causes.add(fix="read and write the body as binary ('rb', 'wb'), and turn off git's autocrlf for such files")
def line_endings(delivery: RejectedDelivery) -> Finding | None:
    with_lf = delivery.body.replace(b"\r\n", b"\n")
    return delivery.confirm(
        [
            ("with LF instead of CR LF", with_lf),
            ("with CR LF instead of LF", with_lf.replace(b"\n", b"\r\n")),
            ("with LF instead of CR LF and no trailing newline", with_lf.rstrip(b"\n")),
            ("without newlines", with_lf.replace(b"\n", b"")),
        ]
    )


@causes.add(fix=f"{VERIFY_RAW_BODY}; if you need a string, decode and encode it as UTF-8")
def wrong_charset(delivery: RejectedDelivery) -> Finding | None:
    body = delivery.body
    finding = delivery.confirm(_conversions_undone(body))
    if not finding and len(body) <= _MAX_RESTORED:
        finding = delivery.confirm(_lost_letters_restored(body))
    if not finding and "\ufffd".encode() in body:
        return Finding("likely", "the body contains U+FFFD, which replaces bytes that could not be decoded")
    return finding


def _conversions_undone(body: bytes) -> Iterator[tuple[str, bytes]]:
    for charset in ("utf-16", "latin-1", "cp1252"):
        for source, target in ((charset, "utf-8"), ("utf-8", charset)):
            try:
                original = body.decode(target).encode(source)
            except UnicodeError:
                continue
            yield f"after undoing a conversion from {source} to {target}", original


def _lost_letters_restored(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the body with letters outside ASCII where something dropped or replaced them, in one or two words."""
    marked = list(dict.fromkeys(re.findall(rb'"[^"\\:?]{0,40}\?[^"\\:]{0,40}"', body)))[:_MAX_WORDS]
    for words in [[word] for word in marked] + ([marked] if len(marked) == 2 else []):
        for original in _restored(body, words, _MARK):
            yield "with letters outside ASCII in place of question marks", original
    names = list(dict.fromkeys(re.findall(rb'(?<=name":)"[^"\\]{1,40}"', body)))[:_MAX_WORDS]
    for name in names:
        for original in _restored(body, [name], _LETTER_OR_BETWEEN):
            yield "with a letter outside ASCII that was dropped from a name, or replaced", original
    for pair in combinations(names[:_MAX_PAIRED], 2):
        for original in _restored(body, pair, _BETWEEN_LETTERS, _COMMON_LETTERS):
            yield "with letters outside ASCII that were dropped from two names", original


def _restored(
    body: bytes, words: Sequence[bytes], place: re.Pattern[bytes], letters: Iterable[str] = _LETTERS
) -> Iterator[bytes]:
    """Yield the body with a letter outside ASCII at one place of each word, wherever the word is in the body."""
    if not words:
        yield body
        return
    word, *others = words
    for match in place.finditer(word):
        for letter in letters:
            restored = word[: match.start()] + letter.encode() + word[match.end() :]
            yield from _restored(body.replace(word, restored), others, place, letters)


@causes.add(fix="read the complete body: as many bytes as Content-Length declares, or up to the last chunk")
def truncated_body(delivery: RejectedDelivery) -> Finding | None:
    length, declared = len(delivery.body), delivery.declared_length
    if (declared is not None and declared <= length) or not delivery.can_parse or not breaks_off(delivery.body):
        return None
    if declared is None:
        return Finding("likely", f"the body is JSON that breaks off after {length} bytes")
    return Finding("confirmed", f"the body has {length} bytes, but Content-Length declares {declared}")


# Before wrong_secret, which explains by elimination too
@causes.add(
    fix=f"{VERIFY_RAW_BODY}; if it is not JSON there either, check what changes it in transit, and which other sender "
    "uses this URL"
)
def not_json(delivery: RejectedDelivery) -> Finding | None:
    if delivery.is_json:
        return None
    return Finding(
        "by_elimination",
        "the body is not JSON, as all of Clerk's are, and undoing the known changes does not make the signature match: "
        "it was changed in another way, or is another sender's",
    )
