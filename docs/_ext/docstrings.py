"""Conversion of docstrings for autodoc: Markdown's fenced blocks and "Example:" become RST."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import EnumType
from typing import Any

from sphinx.application import Sphinx

_FENCE = "```"
_INDENT = "    "


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the events of autodoc."""
    app.connect("autodoc-process-docstring", process)
    app.connect("autodoc-process-signature", process_signature)
    return {"parallel_read_safe": True}


def process(
    app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]
) -> None:
    """Rewrite a docstring in place, for an event of autodoc."""
    lines[:] = as_rst(lines)


def process_signature(
    app: Sphinx,
    what: str,
    name: str,
    thing: object,
    options: object,
    signature: str | None,
    returns: str | None,
) -> tuple[str | None, str | None] | None:
    """Remove the signatures of protocols and enums, and write default factories as `...`."""
    if getattr(thing, "_is_protocol", False) or isinstance(thing, EnumType):
        return "", returns
    return signature and signature.replace("<factory>", "..."), returns


def as_rst(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a docstring with its examples as RST directives.

    >>> print("\\n".join(as_rst(["Example:", "    ```python", "    x = 1", "    ```"])))
    .. rubric:: Example
    <BLANKLINE>
    .. code-block:: python
    <BLANKLINE>
        x = 1
    <BLANKLINE>
    """
    fence = None
    in_example = False
    for line in lines:
        if line.strip() == "Example:":
            in_example = True
            yield from (".. rubric:: Example", "")
            continue
        text = line.removeprefix(_INDENT) if in_example else line
        if fence is None and text.startswith(_FENCE):
            fence = text.removeprefix(_FENCE)
            yield from (f".. code-block:: {fence or 'text'}", "")
        elif fence is not None and text == _FENCE:
            fence = None
            yield ""
        else:
            yield _INDENT + text if fence is not None and text else text
