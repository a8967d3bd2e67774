"""YAML that is read strictly: whatever is wrong becomes one line with file, line and key.

PyYAML parses, pydantic validates, and this module keeps the two together: it remembers on which
line each key stands. YAML 1.1's surprises are switched off: ``no`` is a text (Norway's country
code, not false), ``1:30`` is a text (not ninety), and a date stays the text that was written.
"""

import difflib
import re
from collections.abc import Iterable
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

LIMIT: Final = 4 * 1024 * 1024  # bytes; a larger file is a mistake or an attack
DEPTH: Final = 64  # collections within collections, likewise
_MODEL = TypeVar("_MODEL", bound=BaseModel)
_Path = tuple[str | int, ...]
_TAGS: Final = "tag:yaml.org,2002:"


class ConfigError(Exception):
    """The user's file or argument is wrong; each line says where, what, and what to change."""

    def __init__(self, *lines: str) -> None:
        """Keep the lines; the text of the error is all of them."""
        super().__init__("\n".join(lines))
        self.lines = lines


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """SafeLoader with YAML 1.2's idea of booleans and numbers, and no timestamps."""


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.removeprefix(_TAGS) not in {"bool", "int", "float", "timestamp"}
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    _Loader.add_implicit_resolver(_TAGS + _tag, re.compile(rf"^(?:{_pattern})$"), list(_first))


def read(model: type[_MODEL], text: str | bytes, name: str, limit: int = LIMIT) -> _MODEL:
    """Validate one YAML document against a model.

    ``name`` is the file's name in messages. Raises ConfigError with one line per mistake. A
    validator that knows which key below it is wrong says so by an attribute ``key`` (a tuple) of
    the ValueError that it raises.
    """
    value, lines = _load(text, name, limit)
    if value is None:
        raise ConfigError(f"{name}: the file is empty")
    if not isinstance(value, dict):
        raise ConfigError(f"{name}:1: expected keys and values, found a {_kind(value)}")
    try:
        return model.model_validate(value)
    except ValidationError as exc:
        raise ConfigError(*_explain(exc, model, name, lines)) from None


def value(text: str | bytes, name: str, limit: int = LIMIT) -> Any:
    """The value of one YAML document, read as strictly, for those who validate it themselves.

    Raises ConfigError if it is no YAML, too large, or nested too deeply.
    """
    return _load(text, name, limit)[0]


def _load(text: str | bytes, name: str, limit: int) -> tuple[Any, dict[_Path, int]]:
    """The document's value, and the line of each path in it."""
    if len(text) > limit:
        raise ConfigError(f"{name}: larger than {limit // 1024**2} MiB")
    lines: dict[_Path, int] = {}
    try:
        _refuse_depth(text, name)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None, lines
            _note_lines(node, (), lines, name, seen=set())
            return loader.construct_document(node), lines
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        problem = exc.problem or exc.context or "not valid YAML"
        if "tab character" in problem or "cannot start any token" in problem:
            problem += " (YAML is indented with spaces, not tabs)"
        raise ConfigError(f"{where}: {problem}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as exc:
        first = str(exc).splitlines()[0]
        raise ConfigError(f"{name}: not a YAML text file: {first}") from None


def _refuse_depth(text: str | bytes, name: str) -> None:
    """Reading events needs no stack; composing nodes from them recurses, in C without a limit."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEPTH:
            line = event.start_mark.line + 1 if event.start_mark else 1
            raise ConfigError(f"{name}:{line}: nested too deeply")


def _note_lines(
    node: yaml.Node, path: _Path, lines: dict[_Path, int], name: str, seen: set[int]
) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if id(node) in seen:
        raise ConfigError(f"{name}:{node.start_mark.line + 1}: aliases (*name) are not supported")
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            where = f"{name}:{key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode) or key.tag != _TAGS + "str":
                raise ConfigError(f"{where}: a key must be a plain text")
            if key.value in keys:
                raise ConfigError(f"{where}: {_dotted((*path, key.value))}: stands here twice")
            keys.add(key.value)
            lines[(*path, key.value)] = key.start_mark.line + 1
            _note_lines(value, (*path, key.value), lines, name, seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _note_lines(value, (*path, index), lines, name, seen)


def _explain(
    exc: ValidationError, model: type[BaseModel], name: str, lines: dict[_Path, int]
) -> Iterable[str]:
    told: set[tuple[int, str]] = set()
    for error in exc.errors(include_url=False):
        cause = error.get("ctx", {}).get("error")
        path, line = _locate((*error["loc"], *getattr(cause, "key", ())), lines)
        message = _message(error, model)
        text = f"{name}:{line}: {_dotted(path)}{': ' if path else ''}{message}"
        if (line, _dotted(path)) not in told:  # a union reports each of its arms
            told.add((line, _dotted(path)))
            yield text


def _locate(loc: tuple[str | int, ...], lines: dict[_Path, int]) -> tuple[_Path, int]:
    """The part of pydantic's location that is in the file, and its line.

    pydantic puts names of union arms into the path; those are in no file and are left out.
    """
    path: _Path = ()
    for part in loc:
        if (*path, part) in lines:
            path = (*path, part)
    missing = bool(loc) and isinstance(loc[-1], str) and (not path or path[-1] != loc[-1])
    line = lines.get(path, 1)
    if missing and str(loc[-1]).isidentifier() and not str(loc[-1])[0].isupper():
        path = (*path, loc[-1])
    return path, line


def _message(error: Any, model: type[BaseModel]) -> str:
    kind = error["type"]
    if kind == "extra_forbidden":
        guess = difflib.get_close_matches(str(error["loc"][-1]), sorted(_fields(model)), 1)
        return "unknown key" + (f"; did you mean '{guess[0]}'?" if guess else "")
    if kind == "missing":
        return "is missing"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in {"model_type", "dict_type"}:
        return f"expected keys and values, found {_found(error.get('input'))}"
    message = str(error["msg"]).replace("valid tuple", "valid list")
    given = error.get("input")
    if isinstance(given, str | int | float | bool):
        message += f" (found {given!r})"
    return message[0].lower() + message[1:]


def _fields(model: type[BaseModel]) -> set[str]:
    """The names of all keys that may stand anywhere in the document."""
    names: set[str] = set()

    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            names.update(schema.get("properties", ()))
            for value in schema.values():
                walk(value)
        elif isinstance(schema, list):
            for value in schema:
                walk(value)

    walk(model.model_json_schema())
    return names


def _dotted(path: _Path) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _found(value: object) -> str:
    return "nothing" if value is None else f"a {_kind(value)}"


def _kind(value: object) -> str:
    return "list" if isinstance(value, list) else "single value"
