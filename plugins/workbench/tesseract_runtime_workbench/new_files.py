"""New files in a folder: all are written, or none."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import typer

from runtime_core.errors import InvalidOption, MissingFile


def write_new(folder: Path, files: Mapping[str, str]) -> list[Path]:
    """Write the text of each file at its path in a folder, and return all paths.

    Missing folders are made. Raises `InvalidOption` when a path exists already, and `MissingFile`
    when one cannot be written; then nothing is left behind.
    """
    texts = {folder / name: text for name, text in files.items()}
    try:
        if taken := dict.fromkeys(_taken(texts)):
            raise InvalidOption(
                f"Nothing was written, because there is already {', '.join(map(repr, taken))}. "
                "Name another folder."
            )
        with ExitStack() as undo:
            for path, text in texts.items():
                _write(path, text, undo)
            undo.pop_all()
    except OSError as error:
        place = str(error.filename or folder)
        raise MissingFile(f"Cannot write {place!r}: {error.strerror}.") from None
    return list(texts)


def announce(paths: Iterable[Path], folder: Path, commands: Iterable[str]) -> None:
    """Print the files that were written, and the next commands in their folder."""
    for path in paths:
        typer.echo(f"Wrote {path}")
    typer.echo("\nNext:")
    if folder.resolve() != Path.cwd():
        typer.echo(f"  cd {shlex.quote(str(folder))}")
    for command in commands:
        typer.echo(f"  {command}")


def _taken(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the obstacles to files and their folders, broken links included."""
    for path in paths:
        nearest = next(filter(os.path.lexists, (path, *path.parents)), None)
        if nearest is not None and (nearest == path or not nearest.is_dir()):
            yield str(nearest)


def _write(path: Path, text: str, undo: ExitStack) -> None:
    for parent in reversed([parent for parent in path.parents if not parent.exists()]):
        parent.mkdir()
        undo.callback(_try, parent.rmdir)
    with path.open("x", encoding="utf-8", newline="\n") as file:
        undo.callback(_try, path.unlink)
        file.write(text)


def _try(undo_step: Callable[[], None]) -> None:
    with suppress(OSError):  # another process may have used or removed it meanwhile
        undo_step()
