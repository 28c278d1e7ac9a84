"""The directive `hook-reference`: every hook, with the contracts of its declarations."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import EnumType
from typing import Any

from docutils import nodes  # type: ignore[import-untyped]  # docutils ships no types
from docutils.statemachine import StringList  # type: ignore[import-untyped]  # the same
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from runtime_core import contracts
from runtime_core.catalog import KINDS, Kind


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("hook-reference", HookReference)
    app.add_directive("shared-contracts", SharedContracts)
    return {"parallel_read_safe": True}


class HookReference(SphinxDirective):
    """Writes a section per hook, from its docstring and those of its contracts."""

    def run(self) -> list[nodes.Node]:
        """Make the sections in the order of the hooks."""
        return [self._section(kind) for kind in KINDS.values()]

    def _section(self, kind: Kind[Any]) -> nodes.section:
        section = nodes.section(ids=[nodes.make_id(kind.hook)], names=[kind.hook])
        section += nodes.title(kind.hook, "", nodes.literal(kind.hook, kind.hook))
        lines = [f".. autofunction:: runtime_core.hookspecs.{kind.hook}", ""]
        for name in contracts_of(kind):
            lines += autodoc_of(name)
        self.state.nested_parse(StringList(lines, source=kind.hook), 0, section)
        return section


class SharedContracts(SphinxDirective):
    """Writes the contracts shared by hooks: calls, their scope, and `Unavailable`."""

    def run(self) -> list[nodes.Node]:
        """Make the documentation of each."""
        of_hooks = {name for kind in KINDS.values() for name in contracts_of(kind)}
        container = nodes.Element()
        lines = [
            line
            for name in contracts.__all__
            if name not in of_hooks and name not in ("Record", "Buffer", "EncodedData")
            for line in autodoc_of(name)
        ]
        self.state.nested_parse(StringList(lines, source="contracts"), 0, container)
        return list(container.children)


def contracts_of(kind: Kind[Any]) -> Iterator[str]:
    """Yield the names of a hook's contracts, the declaration first."""
    module = sys.modules[kind.type.__module__]
    yield kind.type.__name__
    for name, thing in vars(module).items():
        defined_here = isinstance(thing, type) and thing.__module__ == module.__name__
        if defined_here and thing is not kind.type:
            yield name


def autodoc_of(name: str) -> list[str]:
    """Return the autodoc directive of a public name of `runtime_core.contracts`."""
    thing = getattr(contracts, name)
    if not isinstance(thing, type):
        return [f".. autofunction:: runtime_core.contracts.{name}", ""]
    options = ["   :members:", *(["   :undoc-members:"] if isinstance(thing, EnumType) else [])]
    return [f".. autoclass:: runtime_core.contracts.{name}", *options, ""]
