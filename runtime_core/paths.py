r"""Paths into nested inputs and outputs: `layers.[0].weights`, `named.{any key}`.

A path is a sequence of steps separated by dots: the name of a field, `[0]` for an item of a list
or tuple, `{key}` for a value of a dict. In a key, `{`, `}` and `\` are escaped by `\`, and dots are
part of the key. In a template, `[]` matches every index and `{}` every key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NoReturn

from pydantic_core import to_jsonable_python

from runtime_core.errors import TesseractRuntimeError

__all__ = [
    "Field", "Index", "InvalidPath", "Key", "Path", "Step", "expand", "get", "get_dumped",
    "is_concrete", "matches", "parse", "parse_template", "pattern", "render", "replace",
]  # fmt: skip


class InvalidPath(TesseractRuntimeError, ValueError, LookupError):
    """A text is not a valid path, or a value has nothing at a path."""


@dataclass(frozen=True, slots=True)
class Field:
    """The field of a model."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Index:
    """An item of a list or tuple; in a template, `None` matches every item."""

    position: int | None

    def __str__(self) -> str:
        return "[]" if self.position is None else f"[{self.position}]"


@dataclass(frozen=True, slots=True)
class Key:
    """A value of a dict; in a template, `None` matches every value."""

    key: str | None

    def __str__(self) -> str:
        return "{}" if self.key is None else "{" + _SPECIAL.sub(r"\\\g<0>", self.key) + "}"


Step = Field | Index | Key
Path = tuple[Step, ...]

_SPECIAL = re.compile(r"[{}\\]")
_STEP = re.compile(
    r"""
    (?P<field>[^\s.\[\]{}\\]+)
    | \[(?P<index>0|[1-9][0-9]{0,17}|)\]
    | \{(?P<key>(?:[^{}\\]|\\[{}\\])*)\}
    """,
    re.VERBOSE,
)


MOST_CHARACTERS = 4096
"""Characters of a path, as of the path of a file in Linux."""


def parse(text: str) -> Path:
    r"""Parse a path; `InvalidPath` names the first invalid character.

    >>> [str(step) for step in parse(r"a.[0].{x.y\}}")]
    ['a', '[0]', '{x.y\\}}']
    """
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _parsed_path(text)


def parse_template(text: str) -> Path:
    """Parse a template, in which `[]` and `{}` are wildcards.

    >>> parse_template("n.[]")[1]
    Index(position=None)
    """
    return _parsed(
        text,
        index=lambda digits: int(digits) if digits else None,
        key=lambda key: key or None,
    )


def render(path: Sequence[Step]) -> str:
    """Format a path.

    >>> render([Field("a"), Key("b.c")])
    'a.{b.c}'
    """
    return ".".join(map(str, path))


def matches(template: Path, path: Path) -> bool:
    """Check whether a path matches a template.

    >>> matches(parse_template("n.[].{}"), parse("n.[3].{k}"))
    True
    """
    return len(template) == len(path) and all(map(_admits, template, path))


def pattern(template: Path) -> str:
    r"""Return the regular expression (ECMA 262) of the paths that match a template.

    >>> pattern(parse_template("n.[]"))
    '^n\\.\\[(0|[1-9][0-9]*)\\]$'
    """
    return f"^{re.escape('.').join(_step_pattern(step) for step in template)}$"


def is_concrete(template: Path) -> bool:
    """Check whether a template has no wildcards."""
    return Index(None) not in template and Key(None) not in template


def get(tree: Any, path: Path) -> Any:
    """Return the value at a path in a tree of models, dicts, lists and tuples.

    >>> get({"a": [10, 20]}, parse("a.[1]"))
    20
    """
    for depth, step in enumerate(path):
        tree = _child(tree, step, path[: depth + 1])
    return tree


def get_dumped(tree: Any, path: Path) -> Any:
    """Return the value at a path in a dump of models, which has no level for a `root`.

    >>> get_dumped({"a": {"k": 3}}, parse("a.root.{k}"))
    3
    """
    for depth, step in enumerate(path):
        try:
            tree = _child(tree, step, path[: depth + 1])
        except InvalidPath:
            if step != Field("root"):
                raise
    return tree


def replace(tree: Any, changes: Mapping[Path, Any]) -> Any:
    """Replace the values at some paths of a tree; unchanged branches are not copied.

    Values of models are not validated. No path may be inside another.

    >>> tree = {"a": [1, 2], "b": [3]}
    >>> changed = replace(tree, {parse("a.[1]"): 5})
    >>> changed, changed["b"] is tree["b"], tree["a"]
    ({'a': [1, 5], 'b': [3]}, True, [1, 2])
    """
    return _replaced(tree, changes, ())


def expand(tree: Any, template: Path) -> Iterator[tuple[Path, Any]]:
    """Yield the paths of a tree that match a template, with their values.

    Absent branches, such as an optional model that is `None`, are skipped.

    >>> [(render(p), v) for p, v in expand({"k": {"x": 1, "y": 2}}, parse_template("k.{}"))]
    [('k.{x}', 1), ('k.{y}', 2)]
    """
    if not template:
        yield (), tree
        return
    for step, child in _children(tree, template[0]):
        for path, value in expand(child, template[1:]):
            yield (step, *path), value


def _parsed_path(text: str) -> Path:
    if len(text) > MOST_CHARACTERS:
        raise InvalidPath(
            f"A path has at most {MOST_CHARACTERS} characters; {text[:60]!r}... has {len(text)}."
        )
    return _parsed(text, index=_position, key=str)


# The same few paths are parsed in every call. Others must not fill the memory.
_remembered = lru_cache(maxsize=4096)(_parsed_path)
_LONGEST_REMEMBERED = 128  # characters


def _parsed(
    text: str, *, index: Callable[[str], int | None], key: Callable[[str], str | None]
) -> Path:
    steps: list[Step] = []
    position = 0
    while not steps or position < len(text):
        if steps:
            position = _after_dot(text, position)
        match = _STEP.match(text, position)
        if match is None or not (match["field"] or "a").isidentifier():
            _refuse(text, position)
        steps.append(_step(match, index, key))
        position = match.end()
    return tuple(steps)


def _after_dot(text: str, position: int) -> int:
    if text[position] != ".":
        _refuse(text, position)
    return position + 1


def _step(
    match: re.Match[str], index: Callable[[str], int | None], key: Callable[[str], str | None]
) -> Step:
    if match["field"] is not None:
        return Field(match["field"])
    if match["index"] is not None:
        return Index(index(match["index"]))
    return Key(key(re.sub(r"\\(.)", r"\1", match["key"], flags=re.DOTALL)))


def _position(digits: str) -> int:
    if not digits:
        raise InvalidPath("'[]' means every index and is allowed in templates only.")
    return int(digits)


def _refuse(text: str, position: int) -> NoReturn:
    raise InvalidPath(
        f"Invalid path {text[:200]!r} at character {position + 1}: expected a field name, [index] "
        "or {key}."
    )


def _step_pattern(step: Step) -> str:
    if step == Index(None):
        return r"\[(0|[1-9][0-9]*)\]"
    if step == Key(None):
        return r"\{([^{}\\]|\\[{}\\])*\}"
    return re.escape(str(step))


def _admits(template: Step, step: Step) -> bool:
    if template == step:
        return True
    return type(template) is type(step) and template in (Index(None), Key(None))


def _child(tree: Any, step: Step, path: Path) -> Any:
    found = dict(_children(tree, step))
    if step not in found:
        counted = isinstance(step, Index) and step != Index(None) and _is_list(tree)
        known = f": there are {len(tree)} elements" if counted else ""
        raise InvalidPath(f"There is nothing at {render(path)!r}{known}.")
    return found[step]


def _children(tree: Any, step: Step) -> Iterator[tuple[Step, Any]]:
    """Yield the children of a tree that match a step, each with its concrete step."""
    match step:
        case Field(name):
            if isinstance(tree, Mapping):
                if name in tree:
                    yield step, tree[name]
            elif name in _field_names(type(tree)):
                yield step, getattr(tree, name)
        case Index(position):
            if _is_list(tree):
                chosen = range(len(tree)) if position is None else (position,)
                yield from ((Index(i), tree[i]) for i in chosen if i < len(tree))
        case Key(None):
            if isinstance(tree, Mapping):
                yield from ((Key(_text(name)), value) for name, value in tree.items())
        case Key(str(key)):
            if isinstance(tree, Mapping):
                name = _name_of_key(tree, key)
                if name in tree:
                    yield step, tree[name]


def _field_names(kind: type) -> Collection[str]:
    """Return the names of the fields of a model, dataclass or named tuple."""
    found = (getattr(kind, name, None) for name in _FIELDS)
    return next((names for names in found if names is not None), ())


_FIELDS = ("__pydantic_fields__", "__dataclass_fields__", "_fields")


def _is_list(tree: Any) -> bool:
    return isinstance(tree, Sequence) and not isinstance(tree, str | bytes)


def _name_of_key(tree: Mapping[Any, Any], key: str) -> Any:
    """Return the key of a dict with the text `key`; keys need not be strings."""
    return key if key in tree else next((name for name in tree if _text(name) == key), key)


def _text(name: Any) -> str:
    """Return the key of a dict as JSON writes it."""
    return name if type(name) is str else str(next(iter(to_jsonable_python({name: None}))))


def _replaced(tree: Any, changes: Mapping[Path, Any], place: Path) -> Any:
    if () in changes:
        return changes[()]
    branches: dict[Step, dict[Path, Any]] = {}
    for path, value in changes.items():
        branches.setdefault(path[0], {})[path[1:]] = value
    children = {
        step: _replaced(_child(tree, step, (*place, step)), inner, (*place, step))
        for step, inner in branches.items()
    }
    return _with_children(tree, children)


def _with_children(tree: Any, children: Mapping[Step, Any]) -> Any:
    if not children:
        return tree
    if isinstance(tree, Mapping):
        return {
            **tree,
            **{_name_of_key(tree, _name(step)): child for step, child in children.items()},
        }
    named = {step.name: child for step, child in children.items() if isinstance(step, Field)}
    if named:
        return _with_fields(tree, named)
    items = list(tree)
    for step, child in children.items():
        items[step.position] = child  # type: ignore[union-attr,index]  # it is an Index
    make = getattr(tree, "_make", type(tree))  # of a named tuple
    return items if isinstance(tree, list) else make(items)


def _with_fields(tree: Any, update: Mapping[str, Any]) -> Any:
    """Copy a named tuple, dataclass or model with other values, which are not validated."""
    if isinstance(tree, tuple):
        return tree._replace(**update)  # type: ignore[attr-defined]  # it is a named tuple
    if hasattr(tree, "model_copy"):
        return _changed_model(tree, update)
    changed = copy(tree)
    for name, value in update.items():
        object.__setattr__(changed, name, value)  # it may be frozen
    return changed


def _changed_model(model: Any, update: Mapping[str, Any]) -> Any:
    """Copy a model with other values, without the values cached by its properties."""
    changed = model.model_copy(update=update)
    for name in changed.__dict__.keys() - type(changed).model_fields.keys():
        del changed.__dict__[name]
    return changed


def _name(step: Step) -> str:
    return step.name if isinstance(step, Field) else str(getattr(step, "key", ""))
