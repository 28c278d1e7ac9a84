"""Arrays of results whose numbers are in files, written by `apply` or by a program that it runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from pydantic import TypeAdapter

from runtime_core.arrays import GradientArray, ShapeDType, decompressed
from runtime_core.calls import current_scope
from runtime_core.contracts import ArraySpec
from tesseract_runtime_binref.array_files import DEFAULT_MAX_FILE_SIZE, read_part
from tesseract_runtime_binref.codec import size_in_file
from tesseract_runtime_binref.file_reference import Reference, read_reference

_ARRAY: TypeAdapter[Any] = TypeAdapter(GradientArray)

PathLike = str | os.PathLike[str]


@final
class BinrefArray:
    """An array in a file of the output path, as the value of an array field of a result.

    Make one by `write`, or by `from_file` for a file that another program has written. Its numbers
    are C-contiguous and little-endian. They are mapped into memory, and read when they are used.

    >>> array = BinrefArray.write(np.arange(3.0))
    >>> array.shape, array.dtype, array.load().tolist()
    ((3,), 'float64', [0.0, 1.0, 2.0])
    >>> Path(array.buffer.rpartition(":")[0]).unlink()
    """

    def __init__(self, *_: object, **__: object) -> None:
        raise TypeError(
            "A BinrefArray is made by BinrefArray.write(array), or by BinrefArray.from_file(path, "
            "shape, dtype) for a file that exists."
        )

    @classmethod
    def write(cls, arr: Any, *, compression: str | None = None) -> Self:
        """Write an array to a file of its own in the folder of the run."""
        return cls._of(_written(arr, {**_folders(), "compression": compression}))

    @classmethod
    def from_file(
        cls,
        path: PathLike,
        shape: Sequence[int],
        dtype: Any,
        *,
        offset: int = 0,
        compression: str | None = None,
        compressed_size: int | None = None,
    ) -> Self:
        """Return the array in an existing file, whose path is relative to the output path.

        A compressed one needs the number of its bytes in the file. Raises `ValueError` for a file
        that does not exist in the output path or is too short.
        """
        declared = ShapeDType.model_validate({"shape": shape, "dtype": np.dtype(dtype).name})
        if min(declared.shape, default=0) < 0 or offset < 0:
            raise ValueError(f"A shape and an offset cannot be negative: {shape}, {offset}.")
        root = _real(current_scope().config.output_path)
        name = _inside(root, os.fspath(path)).relative_to(root).as_posix()
        reference = Reference(path=name, offset=offset, size=compressed_size)
        data = {"buffer": str(reference), "encoding": "binref"}
        if compression is not None:
            data["compression"] = compression
        array = cls._of({"object_type": "array", **declared.model_dump(mode="json"), "data": data})
        array._part(root)  # a fault is raised here, where the author can see why
        return array

    @classmethod
    def _of(cls, document: Mapping[str, Any]) -> Self:
        array = object.__new__(cls)
        array._document = document
        return array

    _document: Mapping[str, Any]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return tuple(self._document["shape"])

    @property
    def dtype(self) -> str:
        """The name of the data type."""
        return str(self._document["dtype"])

    @property
    def buffer(self) -> str:
        """The place of the bytes: `PATH:OFFSET`, with `:COMPRESSED_SIZE` for a compressed array."""
        return str(self._document["data"]["buffer"])

    def load(self, context: Mapping[str, Any] | None = None) -> np.ndarray[Any, Any]:
        """Return the array; paths start from `base_dir` of the context, or from the output path.

        Raises `ValueError` for a file that is missing, too short or outside of that folder.
        """
        folder = (context or {}).get("base_dir") or current_scope().config.output_path
        path, offset, size = self._part(_real(folder))
        spec, compression = self._spec, self._document["data"].get("compression")
        if compression is None:
            # Changes stay in memory: the file belongs to the result.
            return np.memmap(path, spec.dtype, "c", offset, spec.shape) if size else _empty(spec)
        with path.open("rb") as file:
            part = read_part(file, offset, size)
        return decompressed(part, compression, spec, current_scope())

    @property
    def _spec(self) -> ArraySpec:
        return ArraySpec(shape=self.shape, dtype=np.dtype(self.dtype))

    def _part(self, root: Path) -> tuple[Path, int, int]:
        """Return the file, the first byte and the number of bytes; `ValueError` if it has less."""
        reference = read_reference(self.buffer)
        size = size_in_file(reference, self._document["data"].get("compression"), self._spec)
        path = _inside(root, reference.path)
        length = path.stat().st_size
        if reference.offset + size > length:
            raise ValueError(
                f"The array in {reference.path!r} takes {size} bytes from byte {reference.offset} "
                f"on, but the file has {length} bytes."
            )
        return path, reference.offset, size

    def to_arraydict(self) -> dict[str, Any]:
        """Return the document of the array, in the encoding `binref`."""
        return {**self._document, "data": {**self._document["data"]}}

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.load(), dtype=dtype, copy=copy)

    def __repr__(self) -> str:
        return f"BinrefArray(buffer={self.buffer!r}, shape={self.shape}, dtype={self.dtype!r})"


@final
class BinrefWriter:
    """Writes many arrays into few files of the run: the next one begins after `max_file_size`."""

    def __init__(
        self, *, max_file_size: int = DEFAULT_MAX_FILE_SIZE, compression: str | None = None
    ) -> None:
        self._options: dict[str, Any] = {
            "max_file_size": max_file_size,
            "compression": compression,
        }

    def write(self, arr: Any) -> BinrefArray:
        """Append an array to the current file of the running call."""
        self._options |= _folders()
        return BinrefArray._of(_written(arr, self._options))


def _folders() -> dict[str, Any]:
    """Return the folders of the files as options of the encoding: two runs share no file."""
    scope = current_scope()
    output_path = scope.config.output_path
    folder = scope.run.folder if scope.run is not None and scope.run.kept else output_path
    below = os.path.relpath(folder, output_path)
    return {"base_dir": output_path, "binref_dir": None if below == os.curdir else below}


def _written(array: Any, options: dict[str, Any]) -> Mapping[str, Any]:
    options["array_encoding"] = "binref"
    validated = _ARRAY.validate_python(np.asarray(array))
    document: Mapping[str, Any] = _ARRAY.dump_python(validated, mode="json", context=options)
    return document


def _inside(root: Path, name: str) -> Path:
    path = Path(os.path.realpath(root / name))
    if not path.is_relative_to(root):
        raise ValueError(f"The array in {name!r} lies outside of the output path {str(root)!r}.")
    if not path.is_file():
        raise ValueError(f"The array in {name!r}: no such file in the output path {str(root)!r}.")
    return path


def _empty(spec: ArraySpec) -> np.ndarray[Any, Any]:
    return np.empty(spec.shape, spec.dtype)


def _real(folder: Any) -> Path:
    return Path(os.path.realpath(folder))
