"""Refuses a Tesseract whose sibling modules have the names of another folder's."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType

from runtime_core.errors import InvalidTesseract


class TesseractLoader(SourceFileLoader):
    """Loads the file of a Tesseract, and marks its module as one.

    The file is compiled each time: cached bytecode would hide a change within the same second that
    keeps the size, and nothing is written into folders of an author.
    """

    def get_code(self, fullname: str) -> CodeType:
        """Compile the current file."""
        code: CodeType = self.source_to_code(self.get_data(self.path), self.path)
        return code


def refuse_clash(file: Path) -> None:
    """Refuse a file whose imports would silently get the same-named modules of another folder.

    Python keeps one module per name.
    """
    siblings = _siblings_of(file)
    loaded = {
        name: place for name in siblings if (place := _loaded_elsewhere(name, file)) is not None
    }
    others = [other for other in _loaded_tesseracts() if other.parent != file.parent]
    if not loaded and not others:
        return
    imported = _siblings_imported_by(file, siblings)
    rivals = {name: _owner(loaded[name], others) for name in imported & loaded.keys()}
    later = imported - sys.modules.keys()  # a module that is loaded already serves both
    for other in others if later else ():
        theirs = _siblings_imported_by(other, _siblings_of(other))
        rivals |= dict.fromkeys(later & theirs - rivals.keys(), other)
    if not rivals:
        return
    name, rival = min(rivals.items())
    raise InvalidTesseract(
        f"{str(file)!r} imports the module {name!r} beside it, but this process has another one of "
        f"that name from {str(rival)!r}, and Python keeps only one. Give this Tesseract a process "
        f"of its own with Tesseract.from_worker({str(file)!r}) of tesseract-runtime-client."
    )


def own_sources(file: Path) -> list[Path]:
    """Return a file and the modules in its folder that it imports, directly or indirectly."""
    siblings = _siblings_of(file)
    imported = [siblings[name] for name in sorted(_siblings_imported_by(file, siblings))]
    return [file, *(path for place in imported for path in _sources_in(place) if path != file)]


def forget_modules(file: Path) -> None:
    """Let a file, and the modules in its folder that it imports, be loaded anew."""
    sources = {*own_sources(file)}
    for name, module in [*sys.modules.items()]:
        place = getattr(module, "__file__", None)
        if place is not None and Path(place) in sources:
            del sys.modules[name]


def _siblings_of(file: Path) -> dict[str, Path]:
    """Return the modules and packages in the folder of a file, by name."""
    try:
        paths = [*file.parent.iterdir()]
    except OSError:  # an earlier Tesseract may have been deleted since
        return {}
    packages = {path.name: path for path in paths if path.name.isidentifier() and path.is_dir()}
    return packages | {path.stem: path for path in paths if path.suffix == ".py"}


def _loaded_elsewhere(name: str, file: Path) -> Path | None:
    """Return the path of a loaded module that is neither in the file's folder nor installed."""
    module = sys.modules.get(name)
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    place = next((Path(place) for place in places if place is not None), None)
    if place is None or name in sys.stdlib_module_names or _INSTALLED & {*place.parts}:
        return None
    return None if place.resolve().is_relative_to(file.parent.resolve()) else place


_INSTALLED = frozenset({"site-packages", "dist-packages"})


def _loaded_tesseracts() -> list[Path]:
    """Return the files of the Tesseracts that this process has loaded."""
    specs = [getattr(module, "__spec__", None) for module in [*sys.modules.values()]]
    loaders = [getattr(spec, "loader", None) for spec in specs]
    return [Path(loader.path) for loader in loaders if isinstance(loader, TesseractLoader)]


def _owner(place: Path, tesseracts: Iterable[Path]) -> Path:
    """Return the Tesseract whose folder has a module, or the module's own path."""
    return next((file for file in tesseracts if place.is_relative_to(file.parent)), place)


def _siblings_imported_by(file: Path, siblings: Mapping[str, Path]) -> set[str]:
    """Return the sibling modules that a file imports, directly or indirectly."""
    found: set[str] = set()
    waiting = [file]
    while waiting:
        new = _names_imported_by(waiting.pop()) & siblings.keys() - found
        found |= new
        for name in new:
            waiting += _sources_in(siblings[name])
    return found


def _sources_in(module: Path) -> list[Path]:
    """Return the sources of a module or package."""
    return sorted(module.rglob("*.py")) if module.is_dir() else [module]


def _names_imported_by(source: Path) -> set[str]:
    """Return the top-level names of all imports in a source file."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):  # the import itself will report it
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            names.add(node.module.partition(".")[0])
    return names
