"""Replacements for one piece of code: another operator, a neighbor, a part of it, or nothing."""

import ast
import copy
import re
from collections.abc import Iterator

PROSE = re.compile(r"[a-z]{2,}['\"]?[,;:.]? [('\"]?[a-z]")
SQL = re.compile(r"\s*(CREATE|INSERT|SELECT|DELETE|PRAGMA|BEGIN|COMMIT)\b")
SQL_SWAPS = {"<=": "<", ">=": ">", "<": "<=", ">": ">=", "=": "<>", "AND": "OR", "OR": "AND"}
OPERATORS = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult,
    ast.BitXor: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
NAMES = {
    "lower": ["upper"], "startswith": ["endswith"], "strip": ["lstrip", "rstrip"], "rstrip": ["strip"],
    "isdecimal": ["isdigit"], "isidentifier": ["isprintable"], "removeprefix": ["removesuffix"], "search": ["match"],
    "fullmatch": ["match"], "floor": ["ceil"], "ceil": ["floor"], "any": ["all"], "time": ["monotonic"],
    "monotonic": ["time"], "iscoroutinefunction": ["callable"], "token_hex": ["str"],
}  # fmt: skip
SIMPLE = (ast.Expr, ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Delete, ast.Raise, ast.Break, ast.Continue)


def _but(items: list, index: int) -> list:
    return items[:index] + items[index + 1 :]


def _with(node: ast.AST, **fields: object) -> ast.AST:
    new = copy.copy(node)
    for name, value in fields.items():
        setattr(new, name, value)
    return new


def _without_one(node: ast.AST, field: str) -> Iterator[ast.AST]:
    items = getattr(node, field)
    for index in range(len(items)):
        yield _with(node, **{field: _but(items, index)})


def alternatives(node: ast.AST) -> Iterator:
    """Yield replacements for *node*: nodes, or lists of statements."""
    if isinstance(node, ast.stmt):
        yield from _of_a_statement(node)
    elif isinstance(node, ast.Constant):
        for value in _of_a_value(node.value):
            yield ast.Constant(value)
    elif isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            yield _with(node, ops=[*node.ops[:index], OPERATORS[type(operator)](), *node.ops[index + 1 :]])
    elif isinstance(node, ast.BoolOp):
        yield _with(node, op=OPERATORS[type(node.op)]())
        for index in range(len(node.values)):
            values = _but(node.values, index)
            yield values[0] if len(values) == 1 else _with(node, values=values)
    elif isinstance(node, ast.BinOp):
        yield _with(node, op=OPERATORS[type(node.op)]())
        yield from (node.left, node.right)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.comprehension):
        yield from _without_one(node, "ifs")
    elif isinstance(node, ast.Slice):
        yield from (_with(node, **{end: None}) for end in ("lower", "upper") if getattr(node, end))
    elif isinstance(node, ast.FormattedValue):
        yield _with(node, conversion=-1)
        yield _with(node, format_spec=None)
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)) and not isinstance(getattr(node, "ctx", None), ast.Store):
        for index, item in enumerate(node.elts):
            if not isinstance(item, ast.Constant):
                yield _with(node, elts=_but(node.elts, index))
    elif isinstance(node, ast.Call):
        yield from _of_a_call(node)


def _of_a_statement(node: ast.stmt) -> Iterator:
    if isinstance(node, ast.AnnAssign) and node.value is None:
        return
    if isinstance(node, SIMPLE):
        yield [ast.Pass()]
    if isinstance(node, ast.Raise) and node.cause:
        yield _with(node, cause=None)
    if isinstance(node, ast.Return) and node.value and ast.unparse(node.value) != "None":
        yield _with(node, value=ast.Constant(None))
    if isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
        yield from (_with(node, test=ast.Constant(value)) for value in (True, False))
    if isinstance(node, ast.While):
        yield _with(node, test=ast.Constant(False))
    if isinstance(node, (ast.With, ast.AsyncWith)):
        yield node.body
    if isinstance(node, ast.Try) and node.handlers:
        if len(node.handlers) == 1 and not node.finalbody:
            yield node.body + node.orelse
        else:
            yield from _without_one(node, "handlers")
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        yield from _without_one(node, "decorator_list")
    if isinstance(node, ast.FunctionDef) and ast.unparse(node.args).startswith("self") and not _is_empty(node):
        yield [ast.Pass()]
    if isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Error") for base in node.bases):
        yield _with(node, bases=[ast.Name("Exception")])


def _is_empty(node: ast.FunctionDef) -> bool:
    return ast.unparse(node.body[-1]) == "..."


def _of_a_value(value: object) -> Iterator[object]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, (int, float)):
        yield from (value + 1, value - 1)
    elif isinstance(value, str) and SQL.match(value):
        for found in re.finditer(r"<=|>=|[<>=]|\bAND\b|\bOR\b", value):
            yield value[: found.start()] + SQL_SWAPS[found[0]] + value[found.end() :]
    elif isinstance(value, (str, bytes)) and not (isinstance(value, str) and PROSE.search(value)):
        yield value + ("X" if isinstance(value, str) else b"X")
        if len(value) < 5:
            yield value[:0]
            yield from (_but(value, index) for index in range(len(value)))


def _of_a_call(node: ast.Call) -> Iterator[ast.AST]:
    name = ast.unparse(node.func)
    if name.startswith("re."):
        yield from (
            _with(node, args=[ast.Constant(each), *node.args[1:]]) for each in _of_a_pattern(node.args[0].value)
        )
    if name not in ("isinstance", "getattr", "super"):
        for index, argument in enumerate(node.args):
            if not isinstance(argument, (ast.Constant, ast.JoinedStr, ast.Lambda, ast.Starred)):
                yield _with(node, args=[*node.args[:index], ast.Constant(None), *node.args[index + 1 :]])
    yield from _without_one(node, "keywords")
    if isinstance(node.func, ast.Attribute):
        yield from (_with(node, func=_with(node.func, attr=new)) for new in NAMES.get(node.func.attr, ()))
        yield node.func.value
    elif isinstance(node.func, ast.Name):
        yield from (_with(node, func=ast.Name(new)) for new in NAMES.get(name, ()))
        if len(node.args) == 1 and not node.keywords and name == name.lower():
            yield node.args[0]


def _of_a_pattern(pattern: str) -> Iterator[str]:
    """Remove an alternative, or a character if the alternative is not a plain word and the rest is a pattern."""
    alternatives = pattern.split("|")
    for number, alternative in enumerate(alternatives):
        shorter = [_but(alternative, index) for index in range(len(alternative)) if not alternative.isalpha()]
        for changed in ([], *([each] for each in shorter)):
            try:
                new = "|".join(alternatives[:number] + changed + alternatives[number + 1 :])
                re.compile(new)
            except re.error:
                continue
            yield new
