"""Finds code of an author that uses the output path, which calls share, and no folder of a run."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from pathlib import Path

from runtime_core.tesseract.module_clashes import own_sources


def shared_output_lines(file: Path) -> list[str]:
    """Return the lines, as `name.py:12`, that read `output_path` of `get_config()`.

    They are those of a Tesseract's file and of the modules beside it; none if one of these calls
    `run_directory`.
    """
    trees = {path: ast.parse(path.read_bytes()) for path in own_sources(file)}
    if any(_calls_run_directory(tree) for tree in trees.values()):
        return []
    return [
        f"{path.relative_to(file.parent)}:{line}"
        for path, tree in trees.items()
        for line in sorted({*_reading_lines(tree)})
    ]


def _calls_run_directory(tree: ast.Module) -> bool:
    names = _names_of("run_directory", tree)
    return any(_is_call(node, names) for node in ast.walk(tree))


def _reading_lines(tree: ast.Module) -> Iterator[int]:
    functions = _names_of("get_config", tree)
    configs = {*_assigned(tree, functions)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "output_path":
            owner = node.value
            if _is_call(owner, functions) or (isinstance(owner, ast.Name) and owner.id in configs):
                yield node.lineno


def _assigned(tree: ast.Module, functions: Collection[str]) -> Iterator[str]:
    """Yield the variables that results of functions are assigned to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if node.value is not None and _is_call(node.value, functions):
                yield from (target.id for target in targets if isinstance(target, ast.Name))


def _names_of(function: str, tree: ast.Module) -> set[str]:
    """Return the name of a function, and those that it is imported as."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = [name for node in imports for name in node.names if name.name == function]
    return {function, *(name.asname or name.name for name in names)}


def _is_call(node: ast.AST, functions: Collection[str]) -> bool:
    """Check whether a node calls a function, by its name or as an attribute of a module."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)
    return name in functions
