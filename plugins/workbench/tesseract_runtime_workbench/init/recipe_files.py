"""The files of a recipe, validated before any is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PureWindowsPath

from runtime_core.catalog import Catalog
from runtime_core.cli import stdout_to_stderr
from runtime_core.errors import PluginFault


def files_of(recipe: str, catalog: Catalog) -> Mapping[str, str]:
    """Return the text of each file of a recipe, by its path in the new folder.

    Raises `UnknownName` for a recipe that is not installed, and `PluginFault` for one that fails
    or names a file outside of the folder.
    """
    declaration = catalog.recipes.find(recipe)
    origin = f"Recipe {recipe!r} of {catalog.recipes.entries[recipe].origin}"
    with stdout_to_stderr():
        files = declaration.files()
    for name in filter(is_outside, files):
        raise PluginFault(f"{origin} cannot be used: {name!r} is not inside of the new folder.")
    return files


def is_outside(name: str) -> bool:
    r"""Check whether a relative path leads out of its folder.

    >>> [is_outside(name) for name in ("a/b", "../b", "/b", "", r"a\..\b", "c:b")]
    [False, True, True, True, True, True]
    """
    path = PureWindowsPath(name)  # it knows both separators, and drives
    return bool(path.anchor) or ".." in path.parts or not path.parts
