"""Writing arrays into files from plain Python code, without a runtime."""

from __future__ import annotations

import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pytest
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from runtime_core import Array, Float32, Float64, Int16, Int32

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Several(BaseModel):
    """Arrays of several shapes and data types, as in the documentation of `Array`."""

    int_array: Array[(2, 3), Int32]
    float_array: Array[(None, 3), Float64]
    scalar_int: Array[(), Int16]
    any_shape_array: Array[..., Float32]


class Pair(BaseModel):
    """Two vectors."""

    a: Array[(None,), Float64]
    b: Array[(None,), Float64]


SEVERAL = Several(
    int_array=np.array([[1, 2, 3], [4, 5, 6]]),
    float_array=np.array([[1.0, 2.0, 3.0]]),
    scalar_int=np.int32(42),
    any_shape_array=np.array([True, False, True]).reshape(1, 1, 3),
)
SIZES = (24, 24, 2, 12)
"""The bytes of its arrays."""


def pair(first: float = 0.0, size: int = 2) -> Pair:
    """Return two vectors that are identified by their first element."""
    return Pair(a=first + np.arange(float(size)), b=-first - np.arange(float(size)))


def context(folder: Path, **options: Any) -> dict[str, Any]:
    """Return the context that writes arrays into files in a folder."""
    return {"array_encoding": "binref", "base_dir": str(folder), **options}


def data_of(text: str) -> list[dict[str, Any]]:
    """Return the `data` of each array of a document."""
    return [array["data"] for array in json.loads(text).values()]


def sizes(folder: Path) -> list[int]:
    """Return the sizes of the files in a folder."""
    return sorted(path.stat().st_size for path in folder.rglob("*.bin"))


def assert_same(found: BaseModel, expected: BaseModel) -> None:
    """Compare the arrays of two models, with their types."""
    for name, array in expected:
        np.testing.assert_array_equal(getattr(found, name), array, strict=True)


def test_example_of_the_documentation_comes_back(tmp_path: Path) -> None:
    """`model_validate` reads what `model_dump_json` wrote, from the same folder."""
    text = SEVERAL.model_dump_json(context=context(tmp_path, max_file_size=10**8))
    read = Several.model_validate(json.loads(text), context={"base_dir": str(tmp_path)})
    assert_same(read, SEVERAL)


def test_text_is_read_too(tmp_path: Path) -> None:
    """`model_validate_json` reads the files as well."""
    text = SEVERAL.model_dump_json(context=context(tmp_path))
    assert_same(Several.model_validate_json(text, context={"base_dir": tmp_path}), SEVERAL)


def test_arrays_are_appended_to_one_file(tmp_path: Path) -> None:
    """The file is named after the context's `__binref_uuid`, and arrays follow one another."""
    options = context(tmp_path)
    text = SEVERAL.model_dump_json(context=options)
    name = f"{options['__binref_uuid']}.bin"
    offsets = [sum(SIZES[:n]) for n in range(len(SIZES))]
    expected = [{"buffer": f"{name}:{offset}", "encoding": "binref"} for offset in offsets]
    assert data_of(text) == expected
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert sizes(tmp_path) == [sum(SIZES)]


@pytest.mark.parametrize(
    "array", [np.array([1.0, 2.0], ">f8"), np.arange(1.0, 5.0)[::2] / [1, 1.5]]
)
def test_bytes_are_little_endian_and_in_c_order(tmp_path: Path, array: NDArray[Any]) -> None:
    """The file does not depend on the memory layout of the array."""
    Pair(a=array, b=[]).model_dump_json(context=context(tmp_path))
    [file] = tmp_path.iterdir()
    assert file.read_bytes() == np.array([1.0, 2.0], "<f8").tobytes()


@pytest.mark.parametrize(
    ("max_file_size", "expected"),
    [(1, [16, 16, 16, 16]), (15, [16, 16, 16, 16]), (16, [32, 32]), (32, [16, 48]), (64, [64])],
)
def test_new_file_once_one_has_exceeded_the_limit(
    tmp_path: Path, max_file_size: int, expected: list[int]
) -> None:
    """Arrays are appended until the file exceeds `max_file_size`, across documents."""
    options = context(tmp_path, max_file_size=max_file_size)
    texts = [pair(first).model_dump_json(context=options) for first in (1.0, 2.0)]
    assert sizes(tmp_path) == expected
    for first, text in zip((1.0, 2.0), texts, strict=True):
        assert_same(Pair.model_validate_json(text, context={"base_dir": tmp_path}), pair(first))


def test_limit_of_nothing_gives_each_array_a_file(tmp_path: Path) -> None:
    """A `max_file_size` of 0 is a valid limit."""
    SEVERAL.model_dump_json(context=context(tmp_path, max_file_size=0))
    assert sizes(tmp_path) == sorted(SIZES)


def test_one_context_appends_to_one_file(tmp_path: Path) -> None:
    """Documents written with one context share its file."""
    options = context(tmp_path)
    texts = [pair(first).model_dump_json(context=options) for first in (1.0, 2.0, 3.0)]
    assert sizes(tmp_path) == [3 * 32]
    for first, text in zip((1.0, 2.0, 3.0), texts, strict=True):
        assert_same(Pair.model_validate_json(text, context={"base_dir": tmp_path}), pair(first))


def test_new_context_begins_a_new_file(tmp_path: Path) -> None:
    """Files of another context are never changed."""
    for _ in range(3):
        pair().model_dump_json(context=context(tmp_path))
    assert sizes(tmp_path) == [32, 32, 32]


@pytest.mark.parametrize("max_file_size", [100, 10**6])
def test_threads_share_a_context(tmp_path: Path, max_file_size: int) -> None:
    """Threads with the same context do not overwrite each other's arrays."""
    options = context(tmp_path, max_file_size=max_file_size)

    def written(first: int) -> str:
        return pair(float(first), size=20).model_dump_json(context=options)

    with ThreadPoolExecutor(8) as threads:
        texts = list(threads.map(written, range(100)))
    assert sum(sizes(tmp_path)) == 100 * 2 * 160
    for first, text in enumerate(texts):
        read = Pair.model_validate_json(text, context={"base_dir": tmp_path})
        assert_same(read, pair(float(first), size=20))


def test_binref_dir_is_below_the_base_dir(tmp_path: Path) -> None:
    """Files are written to `binref_dir`, and named relative to `base_dir`."""
    options = context(tmp_path, binref_dir="arrays/of_run_7")
    text = pair().model_dump_json(context=options)
    name = f"arrays/of_run_7/{options['__binref_uuid']}.bin"
    assert data_of(text)[0]["buffer"] == f"{name}:0"
    assert (tmp_path / name).stat().st_size == 32
    assert_same(Pair.model_validate_json(text, context={"base_dir": tmp_path}), pair())


@pytest.mark.parametrize("kind", [str, Path])
def test_base_dir_is_made(tmp_path: Path, kind: type) -> None:
    """A missing folder is made, given as a string or a path."""
    folder = tmp_path / "a" / "b"
    text = pair().model_dump_json(context={"array_encoding": "binref", "base_dir": kind(folder)})
    assert_same(Pair.model_validate_json(text, context={"base_dir": kind(folder)}), pair())


def test_base_dir_starts_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative `base_dir` is the same folder for writing and for reading."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        text = pair().model_dump_json(context=context(Path("arrays")))
        assert sizes(tmp_path / name / "arrays") == [32]
        assert_same(Pair.model_validate_json(text, context={"base_dir": "arrays"}), pair())


def test_no_base_dir_is_reported() -> None:
    """Without a folder nothing is written, and the error gives the option."""
    with pytest.raises(PydanticSerializationError) as raised:
        pair().model_dump_json(context={"array_encoding": "binref"})
    assert (
        "Array encoding 'binref' writes files: name a folder for them with -o or --output-path, "
        "or in Python with context={'base_dir': ...}."
    ) in str(raised.value)


def test_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file at the path of the folder is an error that names it."""
    (tmp_path / "file").write_bytes(b"precious")
    with pytest.raises(PydanticSerializationError, match=r"Cannot write '.+\.bin' in '.+/file': "):
        pair().model_dump_json(context=context(tmp_path / "file"))
    assert (tmp_path / "file").read_bytes() == b"precious"


@pytest.mark.parametrize("encoding", ["base64", "binref"])
@pytest.mark.parametrize("size", [0, 1, 1000, 300_000])
def test_compressed_arrays_come_back(tmp_path: Path, encoding: str, size: int) -> None:
    """Arrays are compressed by lz4 in both encodings, and reading detects it."""
    options = {**context(tmp_path, compression="lz4"), "array_encoding": encoding}
    model = Pair(a=np.random.default_rng(0).normal(size=size), b=np.zeros(size))
    text = model.model_dump_json(context=options)
    assert {(d["encoding"], d["compression"]) for d in data_of(text)} == {(encoding, "lz4")}
    assert_same(Pair.model_validate_json(text, context={"base_dir": tmp_path}), model)


def test_compressed_size_is_reported(tmp_path: Path) -> None:
    """A reference to compressed bytes has their number, which is smaller."""
    text = Pair(a=np.zeros(10_000), b=np.ones(10_000)).model_dump_json(
        context=context(tmp_path, compression="lz4")
    )
    first, second = ([int(n) for n in d["buffer"].split(":")[1:]] for d in data_of(text))
    assert first[0] == 0
    assert second[0] == first[1]
    assert sizes(tmp_path) == [first[1] + second[1]]
    assert sum(sizes(tmp_path)) < 10_000


@pytest.mark.parametrize("encoding", ["base64", "binref"])
def test_unknown_compression_is_reported(tmp_path: Path, encoding: str) -> None:
    """An unknown compressor is named, with the installed ones."""
    options = {**context(tmp_path, compression="lz5"), "array_encoding": encoding}
    with pytest.raises(PydanticSerializationError, match=r"Unknown compression 'lz5'.*lz4"):
        pair().model_dump_json(context=options)


@pytest.mark.parametrize("compression", [None, "lz4"])
def test_base_dir_may_be_a_url(memory: fsspec.AbstractFileSystem, compression: str | None) -> None:
    """In a remote folder each array has its own file, because nothing can be appended."""
    options = {"array_encoding": "binref", "base_dir": "memory://runs", "binref_dir": "run_7"}
    text = SEVERAL.model_dump_json(context={**options, "compression": compression})
    files = memory.find("/runs")
    assert sorted(f"/runs/{data['buffer'].partition(':')[0]}" for data in data_of(text)) == files
    assert len(files) == len(SIZES)
    read = Several.model_validate_json(text, context={"base_dir": "memory://runs"})
    assert_same(read, SEVERAL)


def test_array_is_not_copied(tmp_path: Path) -> None:
    """An array is written without a copy."""
    model = pair(size=10**6)
    model.model_dump_json(context=context(tmp_path))
    tracemalloc.start()
    try:
        model.model_dump_json(context=context(tmp_path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < model.a.nbytes / 10
