"""Read what Clerk publishes about its webhooks, an OpenAPI file or the npm package, into one form."""

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any


class UnusableSourceError(Exception):
    """A file is missing, or has another form than expected."""


@dataclass(frozen=True)
class Field:
    declaration: str
    """Name and type: ``locale?: string | null``."""
    objects: set[str] = field(default_factory=set)
    """Names of the objects that a value can contain."""


@dataclass
class Object:
    fields: dict[str, Field] = field(default_factory=dict)
    extends: set[str] = field(default_factory=set)
    """Names of other objects whose fields it can have, too."""


@dataclass
class Source:
    name: str
    events: set[str] = field(default_factory=set)
    objects: dict[str, Object] = field(default_factory=dict)
    """By name. A payload is named as its event type, an inline object after its place: ``user.created.data``."""

    def object(self, name: str) -> Object:
        return self.objects.setdefault(name, Object())


# --- OpenAPI ---------------------------------------------------------------------------------------------------------


def read_openapi(path: Path) -> Source:
    """Read an OpenAPI description of webhooks, in JSON or, where PyYAML is installed, in YAML."""
    document = _load(path)
    source = Source("OpenAPI")
    try:
        for name, schema in document["components"]["schemas"].items():
            source.object(name).extends |= _schema_objects(source, schema, name) - {name}
        for event_type, path_item in (document.get("webhooks") or document["x-webhooks"]).items():
            schema = path_item["post"]["requestBody"]["content"]["application/json"]["schema"]
            source.events.add(event_type)
            source.object(event_type).extends |= _schema_objects(source, schema, event_type) - {event_type}
    except (KeyError, TypeError, AttributeError) as error:
        raise UnusableSourceError(f"{path} is not an OpenAPI description of webhooks: {error!r}") from error
    return source


def _load(path: Path) -> Any:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableSourceError(f"cannot read {path}: {error}") from error
    if path.suffix == ".json":
        try:
            return json.loads(text)
        except ValueError as error:
            raise UnusableSourceError(f"{path} is not JSON: {error}") from error
    try:
        import yaml
    except ImportError as error:
        raise UnusableSourceError(f"install PyYAML to read {path}, or convert it to JSON") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UnusableSourceError(f"{path} is not YAML: {error}") from error


def _schema_objects(source: Source, schema: dict[str, Any], place: str) -> set[str]:
    """Return the names of the objects in a value of this schema. An inline object is added to the source."""
    if "$ref" in schema:
        return {_ref_name(schema)}
    names: set[str] = set()
    for part in _parts(schema):
        names |= _schema_objects(source, part, place)
    if "items" in schema:
        names |= _schema_objects(source, schema["items"], place)
    if "properties" in schema:
        names.add(place)
        for name, inner in schema["properties"].items():
            optional = "" if name in schema.get("required", ()) else "?"
            declared = Field(f"{name}{optional}: {_schema_type(inner)}")
            source.object(place).fields.setdefault(name, declared).objects.update(
                _schema_objects(source, inner, f"{place}.{name}")
            )
    return names


def _parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for key in ("allOf", "oneOf", "anyOf") for part in schema.get(key, ())]


def _ref_name(schema: dict[str, Any]) -> str:
    name: str = schema["$ref"].rpartition("/")[2]
    return name


def _schema_type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        text = _ref_name(schema)
    elif "items" in schema:
        text = f"array of {_schema_type(schema['items'])}"
    elif "type" in schema:
        text = schema["type"] if isinstance(schema["type"], str) else " | ".join(schema["type"])
    else:
        text = " | ".join(_schema_type(part) for part in _parts(schema)) or "any"
    return f"{text} | null" if schema.get("nullable") else text


# --- The npm package -------------------------------------------------------------------------------------------------

#: Where ``@clerk/backend`` declares its webhooks and the objects in them, inside the package.
DECLARATIONS = ("dist/api/resources/JSON.d.ts", "dist/api/resources/Webhooks.d.ts")

_COMMENT_OR_STRING = re.compile(r"""/\*.*?\*/|//[^\n]*|('[^'\n]*'|"[^"\n]*")""", re.DOTALL)
_DECLARATION = re.compile(r"\b(?:interface (\w+)\s*(?:extends ([\w\s,]+))?\{|type (\w+)(?:<[^=]*>)?\s*=)")
_MEMBER = re.compile(r"""\s*(?:readonly\s+)?['"]?(\w+)['"]?(\??)\s*:\s*(.+)""", re.DOTALL)
_EVENT = re.compile(r"(?<!type )\bWebhook<")
_NO_TYPE = re.compile(r"""'[^']*'|"[^"]*"|\btypeof [\w.]+""")
_TOKEN = re.compile(r"""'[^']*'|"[^"]*"|=>|.""", re.DOTALL)


def read_npm_package(path: Path) -> Source:
    """Read the declaration files of ``@clerk/backend``, from its tarball or its folder."""
    text = _COMMENT_OR_STRING.sub(lambda match: match[1] or " ", "\n".join(_package_files(path)))
    source = Source("@clerk/backend")
    for declaration in _DECLARATION.finditer(text):
        interface, bases, alias = declaration.groups()
        if interface is not None:
            body = _up_to("}", text[declaration.end() :])
            source.object(interface).extends |= _type_names(bases or "")
            _add_members(source, body, interface)
        else:
            body = _up_to(";", text[declaration.end() :])
            source.object(alias).extends |= _type_objects(source, body, alias) - {alias}
    source.object("Webhook").fields.pop("data", None)  # its type is a parameter
    for use in _EVENT.finditer(text):
        arguments = _up_to(">", text[use.end() :])
        event_types, _, data = arguments.partition(",")
        names = re.findall(r"""['"](.+?)['"]""", event_types)
        if not names or not data:
            raise UnusableSourceError(f"cannot read Webhook<{arguments}> in {path}: adapt this script")
        for name in names:
            source.events.add(name)
            source.object(name).extends.add("Webhook")
            declared = Field(f"data: {_one_line(data)}", _type_objects(source, data, f"{name}.data"))
            source.object(name).fields["data"] = declared
    return source


def _package_files(path: Path) -> list[str]:
    try:
        if path.is_dir():
            return [(path / name).read_text("utf-8") for name in DECLARATIONS]
        with tarfile.open(path) as tarball:
            return [
                file.read().decode()
                for name in DECLARATIONS
                if (file := tarball.extractfile(f"package/{name}")) is not None
            ]
    except (OSError, UnicodeDecodeError, KeyError, tarfile.TarError) as error:
        raise UnusableSourceError(f"cannot read {' and '.join(DECLARATIONS)} in {path}: {error}") from error


def _add_members(source: Source, body: str, place: str) -> None:
    ends = [-1, *_outside(";", body), len(body)]
    for before, end in pairwise(ends):
        if match := _MEMBER.fullmatch(body, before + 1, end):
            name, optional, declared = match.groups()
            objects = _type_objects(source, declared, f"{place}.{name}")
            source.object(place).fields[name] = Field(f"{name}{optional}: {_one_line(declared)}", objects)


def _type_objects(source: Source, text: str, place: str) -> set[str]:
    """Return the names of the objects in a value of this type. An inline object is added to the source."""
    before, brace, rest = text.partition("{")
    names = _type_names(before)
    if brace:
        body = _up_to("}", rest)
        _add_members(source, body, place)
        names |= {place} | _type_objects(source, rest[len(body) + 1 :], place)
    return names


def _type_names(text: str) -> set[str]:
    return set(re.findall(r"\b[A-Z]\w*", _NO_TYPE.sub("", text)))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _up_to(end: str, text: str) -> str:
    """Return *text* up to the first *end* that is outside all brackets and strings."""
    return text[: next(_outside(end, text), len(text))]


def _outside(wanted: str, text: str) -> Iterator[int]:
    """Return the positions of a character outside all brackets and strings."""
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] == wanted and depth == 0:
            yield token.start()
        if token[0] in "{([<":
            depth += 1
        elif token[0] in "})]>":
            depth -= 1
