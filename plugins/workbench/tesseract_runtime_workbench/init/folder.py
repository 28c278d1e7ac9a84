"""A folder of new files, which is written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from runtime_core.errors import InvalidOption, MissingFile


def write_new(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write the text of each file at its path in a folder, and return where they are.

    What is missing of the folder is made. Nothing is written over: raises `InvalidOption` for all
    that is in the way, and `MissingFile` for what cannot be written. Nothing is left behind then.
    """
    texts = {folder / name: text for name, text in files.items()}
    try:
        _refuse(list(dict.fromkeys(_obstacles(texts))))
        with ExitStack() as undo:
            for path, text in texts.items():
                _make(path.parent, undo)
                _write(path, text, undo)
            undo.pop_all()
    except OSError as error:
        place = error.filename or folder
        raise MissingFile(f"Cannot write {str(place)!r}: {error.strerror}.") from None
    return list(texts)


def _obstacles(paths: Iterable[Path]) -> Iterator[Path]:
    """Yield what stands where a file or one of its folders must be, broken links included."""
    for path in paths:
        nearest = next(filter(os.path.lexists, (path, *path.parents)), None)
        if nearest is not None and (nearest == path or not nearest.is_dir()):
            yield nearest


def _refuse(obstacles: list[Path]) -> None:
    if obstacles:
        names = ", ".join(repr(str(path)) for path in obstacles)
        raise InvalidOption(
            f"Nothing was written, because there is already {names}. Name another folder: "
            "tesseract-runtime init DIR."
        )


def _make(folder: Path, undo: ExitStack) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir()
        undo.callback(_tried, path.rmdir)


def _write(path: Path, text: str, undo: ExitStack) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        undo.callback(_tried, path.unlink)
        file.write(text)


def _tried(undoing: Callable[[], None]) -> None:
    with suppress(OSError):  # somebody may have used or removed it meanwhile
        undoing()
