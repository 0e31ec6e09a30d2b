"""Causes in the bytes of the body."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations, product

from .._body import RAW_BODY_ADVICE
from ._cause import CauseTable, Finding
from ._delivery import RejectedDelivery
from ._json import breaks_off

VERIFY_RAW_BODY = f"verify the raw body, before any parsing: {RAW_BODY_ADVICE}"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MAX_RESTORED = 10_000  # bytes of a body in which lost letters are looked for
_MAX_WORDS = 10  # that may have lost one
_WORD_WITH_MARK = re.compile(rb'"[^"\\:?]{0,40}\?[^"\\:]{0,40}"')
_NAME = re.compile(rb'(?<=name":)"[^"\\]{1,40}"')
_BETWEEN_LETTERS = re.compile(rb"(?<!\A)(?!\Z)")  # not outside the quotation marks
_LETTER = re.compile(rb"[ !#-~]")
_MARK = re.compile(rb"\?{1,3}")  # one for the letter, or for each of its bytes
_LETTERS = (
    "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿ"
    "ĄąĆćČčĎďĐđĘęĚěĞğİıŁłŃńŇňŐőŒœŘřŚśŞşŠšŤťŮůŰűŸŹźŻżŽž\u2019\u201c\u201d\u2013\u2014€"
)
_COMMON_LETTERS = "éèëáàäöóøüíñçå"
_MAX_PAIRED = 3  # names of which two may have lost a letter

causes = CauseTable()


def confirm(change: str | None) -> Finding | None:
    """Return the finding that the signature matches after a change; None without one."""
    return Finding("confirmed", f"the signature matches {change}") if change else None


@causes.add("empty_body", fix=f"check what reads the body first, such as middleware, and {VERIFY_RAW_BODY}")
def empty_body(delivery: RejectedDelivery) -> Finding | None:
    if delivery.body:
        return None
    if delivery.declared_length:
        return Finding("confirmed", f"the body is empty, but Content-Length declares {delivery.declared_length} bytes")
    return Finding("likely", "the body is empty, and Clerk never sends an empty one")


@causes.add(
    "trailing_newline",
    fix=f"{VERIFY_RAW_BODY}; in files keep the end unchanged: editors and echo add a newline, curl -d removes it, "
    "printf '%s' and curl --data-binary do neither",
)
def trailing_newline(delivery: RejectedDelivery) -> Finding | None:
    return confirm(delivery.first_match(_other_ends(delivery.body)))


def _other_ends(body: bytes) -> Iterator[tuple[str, bytes]]:
    yield "without the trailing newline", body.rstrip(b"\r\n")
    yield "with one less trailing newline", body.removesuffix(b"\n").removesuffix(b"\r")
    yield "with a trailing newline", body + b"\n"
    yield "with a trailing newline (CR LF)", body + b"\r\n"


@causes.add("byte_order_mark", fix="store the body without a byte order mark: in an editor choose plain UTF-8")
def byte_order_mark(delivery: RejectedDelivery) -> Finding | None:
    return confirm(delivery.first_match(_other_starts(delivery.body)))


def _other_starts(body: bytes) -> Iterator[tuple[str, bytes]]:
    without = body.removeprefix(_BYTE_ORDER_MARK)
    yield "without the byte order mark", without
    yield "without the byte order mark and the trailing newline", without.rstrip(b"\r\n")
    yield "with a byte order mark", _BYTE_ORDER_MARK + body


@causes.add(
    "line_endings", fix="read and write the body as binary ('rb', 'wb'), and turn off git's autocrlf for such files"
)
def line_endings(delivery: RejectedDelivery) -> Finding | None:
    return confirm(delivery.first_match(_other_newlines(delivery.body)))


def _other_newlines(body: bytes) -> Iterator[tuple[str, bytes]]:
    with_lf = body.replace(b"\r\n", b"\n")
    yield "with LF instead of CR LF", with_lf
    yield "with CR LF instead of LF", with_lf.replace(b"\n", b"\r\n")
    yield "with LF instead of CR LF and no trailing newline", with_lf.rstrip(b"\n")
    yield "without newlines", with_lf.replace(b"\n", b"")


@causes.add("wrong_charset", fix=f"{VERIFY_RAW_BODY}; if you need a string, decode and encode it as UTF-8")
def wrong_charset(delivery: RejectedDelivery) -> Finding | None:
    body = delivery.body
    change = None if body.isascii() and b"\0" not in body else delivery.first_match(_conversions_undone(body))
    if change is None and len(body) <= _MAX_RESTORED:
        change = delivery.first_match(_lost_letters_restored(body))
    if change is None and "\ufffd".encode() in body:
        return Finding("likely", "the body contains U+FFFD, which replaces bytes that could not be decoded")
    return confirm(change)


def _conversions_undone(body: bytes) -> Iterator[tuple[str, bytes]]:
    for charset in ("utf-16", "latin-1", "cp1252"):
        for source, target in ((charset, "utf-8"), ("utf-8", charset)):
            try:
                original = body.decode(target).encode(source)
            except UnicodeError:
                continue
            yield f"after undoing a conversion from {source} to {target}", original


def _lost_letters_restored(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the body with letters outside ASCII where something replaced them by question marks, in one or two words.

    In a name, a letter may also have been dropped, or replaced by one of ASCII; in two of the first three names, common
    letters may have been dropped. Each word is restored wherever it is in the body.
    """
    marked = list(dict.fromkeys(_WORD_WITH_MARK.findall(body)))[:_MAX_WORDS]
    for words in (*combinations(marked, 1), *(combinations(marked, 2) if len(marked) == 2 else ())):
        for restored in product(*(list(_restored(word, _MARK)) for word in words)):
            original = body
            for word, letters in zip(words, restored, strict=True):
                original = original.replace(word, letters)
            yield "with letters outside ASCII in place of question marks", original
    names = list(dict.fromkeys(_NAME.findall(body)))[:_MAX_WORDS]
    for name in names:
        for restored_name in _restored(name, _BETWEEN_LETTERS):
            yield "with a letter outside ASCII that was dropped from a name", body.replace(name, restored_name)
        for restored_name in _restored(name, _LETTER):
            yield "with a letter outside ASCII in place of another one in a name", body.replace(name, restored_name)
    for one, other in combinations(names[:_MAX_PAIRED], 2):
        for restored_one in _restored(one, _BETWEEN_LETTERS, _COMMON_LETTERS):
            partly_restored = body.replace(one, restored_one)
            for restored_other in _restored(other, _BETWEEN_LETTERS, _COMMON_LETTERS):
                original = partly_restored.replace(other, restored_other)
                yield "with letters outside ASCII that were dropped from two names", original


def _restored(word: bytes, place: re.Pattern[bytes], letters: str = _LETTERS) -> Iterator[bytes]:
    """Yield a word in quotation marks with a letter outside ASCII at each place."""
    for match in place.finditer(word):
        for letter in letters:
            yield word[: match.start()] + letter.encode() + word[match.end() :]


@causes.add(
    "truncated_body", fix="read the complete body: as many bytes as Content-Length declares, or up to the last chunk"
)
def truncated_body(delivery: RejectedDelivery) -> Finding | None:
    length, declared = len(delivery.body), delivery.declared_length
    if declared is not None and declared <= length:
        return None
    if not delivery.can_parse or not breaks_off(delivery.body):
        return None
    if declared is None:
        return Finding("likely", f"the body is JSON that breaks off after {length} bytes")
    return Finding("confirmed", f"the body has {length} bytes, but Content-Length declares {declared}")


# Before wrong_secret, which explains by elimination too
@causes.add(
    "not_json",
    fix=f"{VERIFY_RAW_BODY}; if it is not JSON there either, check what changes it in transit, and which other sender "
    "uses this URL",
)
def not_json(delivery: RejectedDelivery) -> Finding | None:
    if delivery.is_json:
        return None
    return Finding(
        "by_elimination",
        "the body is not JSON, as all of Clerk's are, and undoing the known changes does not make the signature match: "
        "it was changed in another way, or is another sender's",
    )
