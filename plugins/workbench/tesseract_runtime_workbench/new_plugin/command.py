"""The command `plugins new`: writes the distribution of a new plugin and lists the next steps."""

from __future__ import annotations

import keyword
import re
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

from runtime_core.catalog import KINDS, Registry
from runtime_core.errors import InvalidOption, did_you_mean, listed
from tesseract_runtime_workbench.new_files import announce, write_new
from tesseract_runtime_workbench.new_plugin.distribution import files_of, module_name

HOOKS = MappingProxyType({kind.noun.replace(" ", "-"): kind.hook for kind in KINDS.values()})
"""The hook of each kind of plugins."""

LONGEST = 30
"""Characters of a name, for which the lines of the template have room."""


def new(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name, such as acme-hex.")],
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help=f"One of: {', '.join(HOOKS)}.")
    ],
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="The new folder.  [default: NAME]")
    ] = None,
) -> None:
    """Write the files of a new plugin, with its tests.

    They work unchanged: replace the functions by your own. If any of the files exists already,
    nothing is written.
    """
    if kind not in HOOKS:
        suggestion = did_you_mean(kind, HOOKS)
        raise InvalidOption(f"Unknown kind {kind!r}.{suggestion} Kinds: {listed(HOOKS)}.")
    _check(name, context.obj.catalog.registry(HOOKS[kind]))
    folder = folder or Path(name)
    announce(
        write_new(folder, files_of(name, HOOKS[kind])),
        folder,
        ['pip install -e ".[test]"', f"tesseract-runtime plugins check {name}", "pytest"],
    )


def _check(name: str, registry: Registry[object]) -> None:
    """Refuse a name that a distribution, a package or a declaration cannot have."""
    module = module_name(name)
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST:
        raise InvalidOption(
            f"{name[:99]!r} is not a valid name of a plugin: take lower-case letters, digits and "
            f"single hyphens, at most {LONGEST} characters, such as acme-hex."
        )
    if keyword.iskeyword(module) or find_spec(module) is not None:
        raise InvalidOption(
            f"The package of a plugin {name!r} would be {module!r}, a name that Python has. "
            f"Take another one, such as acme-{name}."
        )
    if taken := {name, module} & {*registry.names, *registry.conflicts}:
        raise InvalidOption(
            f"{registry.kind.noun.capitalize()} {taken.pop()!r} exists already. Take another name, "
            f"such as acme-{name}."
        )
