"""The folder of a Tesseract as an archive, for processes that do not see its files."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from runtime_core.errors import ExecutorFailed

LARGEST = 64 << 20
"""The bytes of the files of a folder."""

_LEFT_OUT = frozenset({".git", ".venv", "venv", "__pycache__", "node_modules"})
_RUNS = ("run_", ".run_", "evaluation_")


def packed_folder(folder: Path, largest: int = LARGEST) -> bytes:
    """Return the files of a folder as an archive, which depends on nothing but their contents.

    Links, run folders, virtual environments and what Git keeps are left out. Raises
    `ExecutorFailed` for more than `largest` bytes.
    """
    data, size = io.BytesIO(), 0
    with tarfile.open(fileobj=data, mode="w") as archive:
        for path in _files(folder):
            info = tarfile.TarInfo(str(path.relative_to(folder)))
            info.size = path.stat().st_size
            info.mode = path.stat().st_mode & 0o755
            size += info.size
            if size > largest:
                raise ExecutorFailed(
                    f"--executor-ship: {str(folder)!r} has more than {largest} bytes. Move its "
                    "data elsewhere, or use a file system that all processes share."
                )
            with path.open("rb") as file:
                archive.addfile(info, file)
    return data.getvalue()


def unpack(archive: bytes, folder: str) -> None:
    """Unpack a folder, with the filter that lets nothing leave it."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        opened.extractall(folder, filter="data")


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in _LEFT_OUT and not f.startswith(_RUNS))
        paths = (Path(place, name) for name in sorted(names))
        yield from (path for path in paths if path.is_file() and not path.is_symlink())
