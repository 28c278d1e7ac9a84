"""Arrays of results in files: written by `apply`, or by a program that it runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runtime_core import Runtime
from runtime_core.calls import scope
from tesseract_core.runtime.experimental import BinrefArray, BinrefWriter
from tesseract_runtime_client import Tesseract
from tests.binref.conftest import Model
from tests.client.conftest import written

SOLVER = """
from pathlib import Path
import numpy as np
from pydantic import BaseModel
from tesseract_core.runtime import Array, Float64
from tesseract_core.runtime.config import get_config
from tesseract_core.runtime.experimental import BinrefArray, BinrefWriter

writer = BinrefWriter()

class InputSchema(BaseModel):
    x: Array[(None,), Float64]

class OutputSchema(BaseModel):
    written: Array[(None,), Float64]
    packed: list[Array[(None,), Float64]]
    solved: Array[(None, 2), Float64]
    place: str

def apply(inputs):
    place = Path(get_config().output_path, f"{inputs.x[0]}.bin")
    np.arange(10.0).tofile(place)
    written = BinrefArray.write((2 * inputs.x).astype("float32"))
    return OutputSchema(
        written=written,
        packed=[writer.write(inputs.x), writer.write(inputs.x + 1)],
        solved=BinrefArray.from_file(place.name, (2, 2), "float64", offset=16),
        place=written.buffer,
    )
"""


@pytest.fixture
def outputs(tmp_path: Path) -> Iterator[Path]:
    """Enter the scope of a Tesseract whose output path is returned."""
    runtime = Runtime.from_file(written(tmp_path / "a", SOLVER), output_path=str(tmp_path))
    with scope.enter(runtime.scope()):
        yield tmp_path


@pytest.mark.parametrize("encoding", ["msgpack", "json", "json+base64"])
def test_results_may_be_in_files(encoding: str, tmp_path: Path) -> None:
    """A result has the numbers, cast like others; each run writes files of its own."""
    path = written(tmp_path / "solver", SOLVER)
    with Tesseract.from_api(path, output_path=tmp_path, encoding=encoding) as tesseract:
        results = [tesseract.apply({"x": [x, 2.0]}, f"fit-{x}") for x in (1.0, 5.0)]
    for x, result in zip((1.0, 5.0), results, strict=True):
        assert (result["written"].tolist(), result["written"].dtype) == ([2 * x, 4], "float64")
        assert [part.tolist() for part in result["packed"]] == [[x, 2], [x + 1, 3]]
        assert result["solved"].tolist() == [[2, 3], [4, 5]]
        assert result["place"].startswith(f"run_fit-{x}/")
        assert len([*tmp_path.glob(f"run_fit-{x}/*.bin")]) == 2


@pytest.mark.parametrize("compression", [None, "lz4"])
@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.float32(0.5), np.empty((0, 3)), np.eye(2).T > 0]
)
def test_what_is_written_is_loaded(array: Any, compression: str | None, outputs: Path) -> None:
    """The reference has shape, data type and place, and is the document of the array."""
    stored = BinrefArray.write(array, compression=compression)
    assert (stored.shape, stored.dtype) == (np.shape(array), array.dtype.name)
    np.testing.assert_array_equal(stored.load(), array)
    np.testing.assert_array_equal(np.asarray(stored), array)
    document = stored.to_arraydict()
    assert document["data"]["buffer"] == stored.buffer
    assert repr(stored.shape) in repr(stored)
    if array.dtype != bool:
        model = Model.model_validate({"x": document}, context={"base_dir": outputs})
        np.testing.assert_array_equal(model.x, array)


def test_changes_stay_in_memory(outputs: Path) -> None:
    """An array of a file may be changed; the file keeps its numbers."""
    stored = BinrefArray.write(np.zeros(3))
    array = stored.load()
    array[...] = 1.0
    assert stored.load().tolist() == [0, 0, 0]
    assert stored.load({"base_dir": outputs}).tolist() == [0, 0, 0]


def test_a_writer_begins_new_files(outputs: Path) -> None:
    """Arrays share a file until it exceeds the limit."""
    writer = BinrefWriter(max_file_size=100)
    stored = [writer.write(np.full(5, n)) for n in range(20)]
    assert [array.load()[0] for array in stored] == [*range(20)]
    names = {array.buffer.partition(":")[0] for array in stored}
    assert 5 <= len(names) < 20
    assert {path.name for path in outputs.glob("*.bin")} == names


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (BinrefArray, r"made by BinrefArray\.write\(array\), or by"),
        (lambda: BinrefArray.from_file("no.bin", (1,), "float64"), "'no.bin': no such file in the"),
        (lambda: BinrefArray.from_file("../a.bin", (1,), "int8"), "lies outside of the output pa"),
        (lambda: BinrefArray.from_file("/etc/passwd", (1,), "int8"), "lies outside of the output"),
        (
            lambda: BinrefArray.from_file("data.bin", (3,), "float64", offset=8),
            r"'data\.bin' takes 24 bytes from byte 8 on, but the file has 16 bytes",
        ),
        (lambda: BinrefArray.from_file("data.bin", (3,), "str"), "dtype"),
        (lambda: BinrefArray.from_file("data.bin", (-1,), "int8"), "shape"),
        (
            lambda: BinrefArray.from_file("data.bin", (9,), "int8", compression="lz4"),
            "PATH:OFFSET:COMPRESSED_SIZE",
        ),
        (lambda: BinrefArray.write(["a"]), "contains non-numeric data"),
    ],
)
def test_faults_name_the_file(make: Callable[[], object], message: str, outputs: Path) -> None:
    """A file that cannot be the array is refused where the author names it."""
    np.zeros(2).tofile(outputs / "data.bin")
    with pytest.raises((ValueError, TypeError), match=message):
        make()


def test_documents_refer_to_a_file_of_their_own(tmp_path: Path) -> None:
    """In the format `json+binref` the numbers are copied from file to file."""
    path = written(tmp_path / "solver", SOLVER)
    runtime = Runtime.from_file(path, output_path=str(tmp_path))
    result = runtime.call("apply", {"inputs": {"x": [1.0, 2.0]}})
    context = {"array_encoding": "binref", "base_dir": tmp_path}
    document = json.loads(result.model_dump_json(context=context))
    loaded = Model.model_validate({"x": document["solved"]}, context={"base_dir": tmp_path}).x
    assert loaded.tolist() == [[2, 3], [4, 5]]
