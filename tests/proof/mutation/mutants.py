"""Generate the mutants of a module: its complete text with one small change.

The text is the output of ``ast.unparse``, so a change is found again on another line or in another layout. Annotations,
imports, docstrings, ``__all__``, code for type checkers and prose (literals with two words in a row) are not changed.
The tests assert the key words of messages.
"""

import ast
import difflib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from changes import alternatives

NOT_READ = ("TYPE_CHECKING", "__all__", "Secret", "Body", "Headers")  # the last three in annotations only
NOT_MUTATED = (ast.Import, ast.ImportFrom, ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)


@dataclass(frozen=True)
class Mutant:
    place: str  #: The function or class, dotted; "module" outside of any.
    diff: str  #: The changed lines, each after "- " or "+ ", long ones shortened to the text around the change.
    text: str  #: The complete module.


def mutants(source: str) -> Iterator[Mutant]:
    tree = ast.parse(source)
    whole = ast.unparse(tree)
    seen, named = {whole}, Counter()
    for place, node, slot in _slots(tree, "module"):
        for new in alternatives(node):
            old = slot(new)
            text = ast.unparse(ast.fix_missing_locations(tree))
            slot(old)
            if text not in seen:
                seen.add(text)
                diff = _diff(whole, text)
                named[place, diff] += 1
                number = named[place, diff]
                yield Mutant(place if number == 1 else f"{place}, number {number}", diff, text)


def _slots(node: ast.AST, place: str) -> Iterator[tuple]:
    """Yield each node with its place, and a function that replaces it and returns the old nodes."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        place = node.name if place == "module" else f"{place}.{node.name}"
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns") or _is_for_type_checkers(node, field):
            continue
        for index, child in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(child, ast.AST) or isinstance(child, NOT_MUTATED) or _is_left_alone(node, child):
                continue
            if isinstance(value, list):
                yield place, child, lambda new, value=value, index=index: _put(value, index, new)
            else:
                yield place, child, lambda new, field=field: _set(node, field, new)
            yield from _slots(child, place)


def _put(nodes: list[ast.AST], index: int, new: object) -> object:
    if isinstance(new, list):  # statements for one statement, and the reverse to restore it
        old = list(nodes)
        nodes[index : index + 1] = new
        return tuple(old)
    if isinstance(new, tuple):
        nodes[:] = new
        return None
    old, nodes[index] = nodes[index], new
    return old


def _set(node: ast.AST, field: str, new: object) -> object:
    old = getattr(node, field)
    setattr(node, field, new)
    return old


def _is_for_type_checkers(node: ast.AST, field: str) -> bool:
    test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
    return (field == "test" and "TYPE_CHECKING" in test) or (field == "body" and test == "TYPE_CHECKING")


def _is_left_alone(parent: ast.AST, node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return ast.unparse(node.targets[0]) in NOT_READ
    if isinstance(node, ast.AnnAssign) and ast.unparse(node.annotation) == "TypeAlias":
        return True
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING" and not node.orelse
    if isinstance(parent, ast.Call) and ast.unparse(parent.func).startswith("re."):
        return node is parent.args[0]  # changes.py changes patterns as such
    if isinstance(parent, ast.ClassDef) and node in parent.bases:
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _diff(before: str, after: str) -> str:
    lines = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0))[2:]
    removed, added = ([line[1:].strip() for line in lines if line[0] == sign and line[1:].strip()] for sign in "-+")
    gone, new = [line for line in removed if line not in added], [line for line in added if line not in removed]
    if len(gone) == len(new) == 1:
        return "\n".join(_cut(f"- {gone[0]}", f"+ {new[0]}"))
    more = [f"- and {len(gone) - 1} lines more"] if len(gone) > 2 else [f"- {line}" for line in gone[1:]]
    return "\n".join([*(f"- {line}" for line in gone[:1]), *more, *(f"+ {line}" for line in new)])


def _cut(before: str, after: str) -> list[str]:
    start = next((i for i, (a, b) in enumerate(zip(before[2:], after[2:], strict=False)) if a != b), 0) + 2
    same = next((i for i, (a, b) in enumerate(zip(before[::-1], after[::-1], strict=False)) if a != b), 0)
    cut = []
    for line in (before, after):
        first, last = max(2, start - 40), len(line) - max(0, same - 40)
        cut.append(line[:2] + ("… " if first > 2 else "") + line[first:last] + (" …" if last < len(line) else ""))
    return cut
