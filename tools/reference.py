"""Writes the reference in Markdown, from signatures and docstrings.

    python tools/reference.py

It makes a page in `docs/hooks` for each hook and one for the contracts that hooks share, and fills
the parts of other pages between a line `<!-- reference: NAME [NAME...] -->` and `<!-- end -->`.
`NAME` is a dotted name; `NAME()` leaves the members of a class out, and `NAME(a, b)` the others.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import griffe

REPOSITORY = Path(__file__).parents[1]
PART = re.compile(r"(<!-- reference: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
NAME = re.compile(r"([\w.]+)(?:\(([\w, ]*)\))?")
WIDTH = 96
"""Characters of a line of a signature."""


def main() -> None:
    """Write all pages."""
    for path, text in generated(REPOSITORY).items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")


def generated(repository: Path) -> dict[Path, str]:
    """Make the text of every page that has a part of the reference."""
    core = griffe.load("runtime_core", search_paths=[repository])
    docs = repository / "docs"
    pages = {docs / "hooks" / f"{name}.md": text for name, text in hook_pages(core).items()}
    for path in sorted(docs.glob("*.md")):
        if PART.search(text := path.read_text(encoding="utf-8")):
            pages[path] = PART.sub(lambda part: _filled(core, part), text)
    return pages


def hook_pages(core: Any) -> Mapping[str, str]:
    """Make a page for each hook with the contracts of its declarations, and one for the others."""
    from runtime_core import contracts
    from runtime_core.catalog import KINDS

    pages: dict[str, str] = {}
    shown = {"Record", "Buffer", "EncodedData"}  # names for type checkers
    for hook, kind in KINDS.items():
        names = contracts_of(kind.type)
        shown |= {*names}
        head = f"# {hook}\n\n" + _text(core[f"hookspecs.{hook}"])
        pages[hook] = head + "".join(_entry(core[f"contracts.{name}"]) for name in names)
    rest = [name for name in contracts.__all__ if name not in shown]
    pages["shared_contracts"] = (
        "# Shared contracts\n\nContracts that several hooks use: calls and replies as plain data, "
        "the scope of array codecs,\nlazy imports, and `Unavailable`.\n"
        + "".join(_entry(core[f"contracts.{name}"]) for name in rest)
    )
    return pages


def contracts_of(declaration: type) -> list[str]:
    """List the contracts of a declaration: itself, then the others of its module."""
    module = sys.modules[declaration.__module__]
    others = [
        name
        for name, thing in vars(module).items()
        if isinstance(thing, type)
        and thing.__module__ == module.__name__
        and thing is not declaration
        and not name.startswith("_")
    ]
    return [declaration.__name__, *others]


def _filled(core: Any, part: re.Match[str]) -> str:
    begin, names, end = part.groups()
    entries = []
    for name, members in NAME.findall(names):
        listed = f"{name}({members})" in names
        chosen = re.findall(r"\w+", members) if listed else None
        entries.append(_entry(core[name.removeprefix("runtime_core.")], name, chosen, "###"))
    return begin + "".join(entries) + "\n" + end


def _entry(
    thing: Any, name: str = "", members: Collection[str] | None = None, level: str = "##"
) -> str:
    """Make the section of a class or a function."""
    thing = thing.final_target if thing.is_alias else thing
    lines = _class_lines(thing, members) if thing.is_class else _function_lines(thing)
    head = f"\n{level} `{name or thing.name}`\n\n```py\n" + "\n".join(lines) + "\n```\n\n"
    listed = [*_members(thing, members)] if thing.is_class else []
    return head + _text(thing) + ("\n" + "".join(listed) if listed else "")


def _class_lines(thing: Any, chosen: Collection[str] | None) -> Iterator[str]:
    """Yield the lines of a class with its fields."""
    yield from (f"@{decorator.value}" for decorator in thing.decorators)
    bases = ", ".join(str(base) for base in thing.bases)
    fields = [line for name, line in _fields(thing) if chosen is None or name in chosen]
    head = f"class {thing.name}({bases}):" if bases else f"class {thing.name}:"
    yield from [head, *fields] if fields else [f"{head} ..."]


def _fields(thing: Any) -> Iterator[tuple[str, str]]:
    for name, member in thing.members.items():
        if not member.is_attribute or name.startswith("_") or "property" in member.labels:
            continue
        if member.annotation is None and not _is_enum(thing):
            continue
        kind = "" if member.annotation is None else f": {member.annotation}"
        value = "" if member.value is None else f" = {_default(member.value)}"
        yield name, f"    {name}{kind}{value}"


def _is_enum(thing: Any) -> bool:
    return any("Enum" in str(base) for base in thing.bases)


def _default(value: Any) -> str:
    """Write a default with the quotation marks of the sources, and that of a factory as `...`."""
    text = str(value)
    if text.startswith("field("):
        return "..."
    return f'"{text[1:-1]}"' if re.fullmatch(r"'[^'\"\\]*'", text) else text


def _members(thing: Any, chosen: Collection[str] | None) -> Iterator[str]:
    """Yield a line of a list for each public method and property that has a docstring."""
    for name, member in thing.members.items():
        left_out = chosen is not None and name not in chosen
        if name.startswith("_") or member.docstring is None or left_out:
            continue
        if member.is_function:
            title = _signature(member, own=False)
        else:
            kind = "" if member.annotation is None else f": {member.annotation}"
            title = f"{name}{kind}"
        text = indent(_text(member), "  ").lstrip()
        yield f"- `{title}`: {text}" if "\n\n" not in text else f"- `{title}`\n\n  {text}"


def _function_lines(thing: Any) -> Iterator[str]:
    yield from (f"@{decorator.value}" for decorator in thing.decorators)
    line = f"def {_signature(thing)}"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"def {thing.name}("
    yield from (f"    {parameter}," for parameter in _parameters(thing))
    yield f") -> {thing.returns}"


def _signature(thing: Any, *, own: bool = True) -> str:
    parameters = [*_parameters(thing)]
    if not own and parameters and parameters[0] in ("self", "cls"):
        parameters = parameters[1:]
    returns = "" if thing.returns is None else f" -> {thing.returns}"
    return f"{thing.name}({', '.join(parameters)}){returns}"


def _parameters(thing: Any) -> Iterator[str]:
    """Yield the parameters of a function as they are written, with `*` and `/` between them."""
    kinds = griffe.ParameterKind
    before = None
    for parameter in thing.parameters:
        if before is kinds.positional_only and parameter.kind is not before:
            yield "/"
        if parameter.kind is kinds.keyword_only and before not in (
            kinds.keyword_only,
            kinds.var_positional,
        ):
            yield "*"
        stars = {kinds.var_positional: "*", kinds.var_keyword: "**"}.get(parameter.kind, "")
        text = f"{stars}{parameter.name}"
        if parameter.annotation is not None:
            text += f": {parameter.annotation}"
        if parameter.default is not None and not stars:
            text += f" = {_default(parameter.default)}"
        yield text
        before = parameter.kind


def _text(thing: Any) -> str:
    """Return the docstring as Markdown: examples in blocks that are not run again."""
    if thing.docstring is None:
        return ""
    lines = re.sub(
        r"^Example:\n((?: {4}.*\n?|\n)+)",
        lambda example: "Example:\n\n" + dedent(example[1]),
        thing.docstring.value.strip() + "\n",
        flags=re.MULTILINE,
    )
    lines = lines.replace("```python", "```py")
    return re.sub(r"^(>>> (?:.+\n?)+)", r"```py\n\1```\n", lines, flags=re.MULTILINE)


if __name__ == "__main__":
    main()
