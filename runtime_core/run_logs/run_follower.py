"""Following the records of a run: everything that has been added since the last time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from runtime_core.contracts import Artifact, Metric, Parameter, Record
from runtime_core.errors import MissingFile
from runtime_core.run_logs.run_files import ARTIFACTS, DRAFT, METRICS, PARAMETERS


def has_records(log_folder: Path) -> bool:
    """Check whether a run has logged something."""
    return any((log_folder / name).exists() for name in (PARAMETERS, METRICS, ARTIFACTS))


class RunFollower:
    """Reads the records in a log folder, each once, while other processes write them.

    The records of a kind come in the order in which they were logged. What is torn is left out, or
    comes when it is whole.
    """

    def __init__(self, log_folder: Path) -> None:
        self._folder = log_folder
        self._metrics_read = 0  # bytes
        self._parameters_read = 0  # members
        self._artifacts_read: dict[str, tuple[int, int]] = {}

    def records(self) -> Iterator[Record]:
        """Yield new records of all kinds."""
        yield from self.parameters()
        yield from self.metrics()
        yield from self.artifacts()

    def parameters(self) -> Iterator[Parameter]:
        """Yield new parameters; one that is logged again comes again."""
        try:
            text = (self._folder / PARAMETERS).read_bytes()
        except FileNotFoundError:
            return
        _, *lines, last = text.split(b"\n")
        for line in lines[self._parameters_read :]:
            if last != b"}" and not line.endswith(b","):
                return  # another process is writing it, or was killed meanwhile
            self._parameters_read += 1
            with suppress(ValueError):
                for key, value in json.loads(b"{" + line.rstrip(b",") + b"}").items():
                    yield Parameter(key=key, value=value)

    def metrics(self) -> Iterator[Metric]:
        """Yield new metrics; `MissingFile` if a key is too long to be read."""
        try:
            file = (self._folder / METRICS).open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self._metrics_read)
            row = b""
            for line in file:
                row += line
                if _is_whole(row):
                    self._metrics_read += len(row)
                    with suppress(ValueError):  # the header, or what a full disk has torn
                        yield _metric(row, file.name)
                    row = b""

    def artifacts(self) -> Iterator[Artifact]:
        """Yield new artifacts; one that has been replaced comes again."""
        folder = self._folder / ARTIFACTS
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            with suppress(FileNotFoundError):  # it is being replaced
                facts = path.stat()
                state = (facts.st_ino, facts.st_mtime_ns)
                if not path.name.startswith(DRAFT) and self._artifacts_read.get(path.name) != state:
                    self._artifacts_read[path.name] = state
                    yield Artifact(path=path, name=path.name)


def _is_whole(row: bytes) -> bool:
    """Check whether a row of CSV has ended: a quoted key may have line ends in it."""
    _, _, key = row.partition(b",")
    return row.endswith(b"\n") and (not key.startswith(b'"') or row.count(b'"') % 2 == 0)


def _metric(row: bytes, name: Any) -> Metric:
    """Return the metric of a row; `ValueError` if it is not one."""
    try:
        [fields] = csv.reader([row.decode("utf-8", "replace")], strict=False)
    except csv.Error as error:
        raise MissingFile(f"{name!r} cannot be read: {error}.") from None
    time, key, value, step = fields
    timestamp = datetime.fromisoformat(time).timestamp()
    return Metric(key=key, value=float(value), step=int(step), timestamp=timestamp)
