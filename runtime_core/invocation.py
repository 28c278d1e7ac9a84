"""One call in bytes: read, computed, written."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from pydantic import BaseModel

from runtime_core import documents, scope
from runtime_core.answering import answered, validated
from runtime_core.buffers import Buffers
from runtime_core.contracts import BoundEndpoint, Buffer, Call, Format
from runtime_core.errors import InvalidOption
from runtime_core.lifting import SHORTEST, LiftedTexts
from runtime_core.scope import Scope


class Stages:
    """Measures the stages of a call in seconds, and tells of each if that is wanted."""

    def __init__(self, *, tell: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._tell = tell

    def measure(self, stage: str) -> AbstractContextManager[None]:
        """Measure what is inside the `with`."""
        return _Stage(self, stage)

    def note(self, stage: str, seconds: float) -> None:
        """Note how long a stage has taken."""
        self.seconds[stage] = seconds
        if self._tell:
            sys.stderr.write(f"[trace] {stage}: {seconds * 1e3:.3f} ms\n")


class _Stage:
    def __init__(self, stages: Stages, name: str) -> None:
        self._stages = stages
        self._name = name

    def __enter__(self) -> None:
        self._start = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._stages.note(self._name, time.perf_counter() - self._start)


class Invocation:
    """A call of an endpoint in its surroundings."""

    def __init__(self, endpoint: BoundEndpoint, call: Call, here: Scope, stages: Stages) -> None:
        self._endpoint = endpoint
        self._call = call
        self._here = here
        self._stages = stages

    def document(self) -> Sequence[Buffer]:
        """Return the result as a document; errors are those of the call."""
        format_ = self._here.catalog.formats.find(self._call.output_format)
        self._refuse_unwritable(format_)
        with self._stages.measure("decode"):
            payload = self._read()
        with self._stages.measure("compute"), scope.enter(self._here), self._profiled():
            result = answered(self._endpoint, payload)
        with self._stages.measure("encode"):
            return self._written(result, format_)

    def _refuse_unwritable(self, format_: Format) -> None:
        """Say before a result is computed that it could not be written."""
        catalog = self._here.catalog
        if self._call.compression is not None:
            catalog.compressors.find(self._call.compression)
        encoding = catalog.encodings.find(format_.array_encoding)
        if encoding.writes_files and self._call.output_path is None:
            raise InvalidOption(
                f"Format {format_.name!r} writes files: name a folder for them with -o or "
                "--output-path."
            )

    def _read(self) -> Any:
        format_ = self._here.catalog.formats.find(self._call.body_format)
        if self._endpoint.payload is None:
            return None
        if memoryview(self._call.body).nbytes < SHORTEST:
            return self._payload(format_, self._here.document({}))
        lifted = LiftedTexts()
        try:
            payload = self._payload(format_, self._here.document({}, lifted=lifted))
            if lifted.have_arrived:
                return payload
        except Exception:
            if not lifted:
                raise
        # Something else than an array has met a placeholder, or may have: nothing is lifted now.
        return self._payload(format_, self._here.document({}))

    def _payload(self, format_: Format, reading: Scope) -> Any:
        with scope.enter(reading):
            tree = documents.read(self._call.body, format_)
            return validated(self._endpoint, tree, reading.options)

    def _profiled(self) -> AbstractContextManager[None]:
        if not self._here.config.profiling:
            return nullcontext()
        from runtime_core.profiling import profiled  # few calls are profiled

        return profiled()

    def _written(self, result: BaseModel, format_: Format) -> Sequence[Buffer]:
        buffers = Buffers()
        options = {
            "array_encoding": format_.array_encoding,
            "compression": self._call.compression,
            "base_dir": self._call.output_path,
            "binref_dir": self._call.output_folder,
        }
        with scope.enter(self._here.document(options, buffers=buffers)) as writing:
            return documents.write(documents.tree_of(result, writing.options), format_, buffers)
