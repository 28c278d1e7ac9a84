"""The documents of results in a folder or at a URL, by their keys."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from runtime_core.contracts import Buffer
from runtime_core.errors import TesseractRuntimeError
from runtime_core.files import FileAccess, is_url, join, write

_log = logging.getLogger(__name__)

_SHARDS = 16  # folders, named by the first digit of a key, each with its part of the bytes
_DIGEST = hashlib.sha256().digest_size  # bytes before a document, which tell whether it is whole

Entry = tuple[float, int, str]
"""The time of the last change of a file, its bytes and its name."""


class KeptResults:
    """Results, bounded by `most_bytes`: the oldest are removed.

    No failure of the place ever fails a call: what cannot be read is computed.
    """

    def __init__(self, place: str, *, most_bytes: int) -> None:
        self._place = place
        self._most_bytes = most_bytes // _SHARDS
        self._files = FileAccess(root=None, confined=False)
        self._is_reported = False

    def find(self, key: str) -> bytes | None:
        """Return the document that is kept under a key, if there is one."""
        try:
            kept = self._files.read(join(self._shard(key), key))
        except TesseractRuntimeError:  # what is wrong with the place is reported by `keep`
            return None
        document = kept[_DIGEST:]
        return document if hashlib.sha256(document).digest() == kept[:_DIGEST] else None

    def keep(self, key: str, body: Sequence[Buffer]) -> None:
        """Keep a document, unless it is too large; removes old ones."""
        pieces = [memoryview(buffer).cast("B") for buffer in body]
        digest = hashlib.sha256()
        for piece in pieces:
            digest.update(piece)
        size = _DIGEST + sum(piece.nbytes for piece in pieces)
        if size > self._most_bytes:
            return
        shard = self._shard(key)
        try:
            self._make_room(shard, size)
            write(join(shard, key), [digest.digest(), *pieces])
        # Object stores raise exceptions of their own.
        except Exception as error:
            self._report(error)

    def _shard(self, key: str) -> str:
        return join(self._place, key[0])

    def _make_room(self, shard: str, size: int) -> None:
        """Remove the oldest documents of a shard, until so many bytes more are allowed."""
        listed = _entries_of_url if is_url(shard) else _entries_of_folder
        entries = sorted(listed(shard), reverse=True)
        for _, kept, name in entries:
            size += kept
            if size > self._most_bytes:
                _remove(name)

    def _report(self, error: Exception) -> None:
        if not self._is_reported:
            self._is_reported = True
            text = str(error) if isinstance(error, TesseractRuntimeError) else repr(error)
            _log.warning("Results cannot be kept by --memo: %s", text)


def _entries_of_folder(folder: str) -> Iterator[Entry]:
    path = Path(folder)
    for file in path.iterdir() if path.is_dir() else ():
        try:
            facts = file.stat()
        except FileNotFoundError:
            continue  # another process has made room
        yield facts.st_mtime, facts.st_size, str(file)


def _entries_of_url(url: str) -> Iterator[Entry]:
    import fsspec  # takes 150 ms, only for URLs

    system, path = fsspec.core.url_to_fs(url)
    system.invalidate_cache()
    for facts in system.ls(path, detail=True) if system.exists(path) else ():
        if facts["type"] == "file":
            name = facts["name"]
            yield system.modified(name).timestamp(), facts["size"], system.unstrip_protocol(name)


def _remove(name: str) -> None:
    if not is_url(name):
        Path(name).unlink(missing_ok=True)
        return
    import fsspec  # as above

    system, path = fsspec.core.url_to_fs(name)
    system.rm(path)
