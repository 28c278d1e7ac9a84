"""Large arrays of a client on the machine of the server, in memory that both share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
import pytest

from tesseract_runtime_client import Tesseract, TesseractFailed
from tests.client.conftest import serving, written
from tests.patience import wait_until

SOURCE = """
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Float64

class InputSchema(BaseModel):
    x: Array[(None,), Float64]
    times: int = 1

class OutputSchema(BaseModel):
    y: Array[(None,), Float64]

def apply(inputs):
    if inputs.times < 0:
        raise ArithmeticError("negative")
    return OutputSchema(y=np.tile(inputs.x, inputs.times))
"""
X = np.arange(200_000.0)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the socket of a server that repeats a vector."""
    source = written(tmp_path_factory.mktemp("tiled"), SOURCE)
    with TemporaryDirectory() as folder:
        socket = Path(folder, "model.sock")
        with serving(source, uds=socket):
            yield socket


def sent(path: Path, run_id: str) -> tuple[int, int]:
    """Return the bytes of the bodies of a call and its answer, by the log of the server."""
    log = path.with_suffix(".log")
    line = re.compile(rf"run_id={run_id} bytes_in=(\d+) bytes_out=(\d+)")
    wait_until(lambda: bool(line.search(log.read_text())))
    found = line.search(log.read_text())
    assert found
    return int(found[1]), int(found[2])


def segments() -> int:
    """Return the number of segments that this process has mapped."""
    maps = psutil.Process().memory_maps(grouped=False)
    return sum(part.path.startswith("/memfd:tesseract-segment") for part in maps)


def test_large_arrays_are_not_sent(path: Path) -> None:
    """From the second call on documents are small, and so are the answers."""
    with Tesseract.from_url(f"unix://{path}") as tesseract:
        results = [tesseract.apply({"x": X + turn}, f"large-{turn}")["y"] for turn in range(3)]
        assert segments() == 1
    for turn, result in enumerate(results):  # the segment was used again
        assert np.array_equal(result, X + turn)
    assert segments() == 0
    assert min(sent(path, "large-0")) > X.nbytes
    assert max(*sent(path, "large-1"), *sent(path, "large-2")) < 1000


def test_segment_grows_with_the_answers(path: Path) -> None:
    """An answer that has no room is sent, and the next one has room."""
    with Tesseract.from_url(f"unix://{path}") as tesseract:
        for turn, times in enumerate((1, 3, 3)):
            result = tesseract.apply({"x": X, "times": times}, f"grown-{turn}")
            assert result["y"].size == times * X.size
        assert segments() == 1
    assert sent(path, "grown-1")[1] > 3 * X.nbytes
    assert sent(path, "grown-2")[1] < 1000


def test_small_arrays_need_no_segment(path: Path) -> None:
    """Documents of less than a megabyte are sent as usual."""
    with Tesseract.from_url(f"unix://{path}") as tesseract:
        for _ in range(3):
            tesseract.apply({"x": X[:10_000]})
        assert segments() == 0


def test_threads_have_a_segment_each(path: Path) -> None:
    """Calls at the same time do not share memory."""
    with Tesseract.from_url(f"unix://{path}") as tesseract, ThreadPoolExecutor(8) as threads:
        tesseract.apply({"x": X})
        results = threads.map(lambda turn: tesseract.apply({"x": X + turn})["y"][-1], range(40))
        assert [*results] == [X[-1] + turn for turn in range(40)]
        assert 1 <= segments() <= 4


def test_segment_of_a_failed_call_is_not_used_again(path: Path) -> None:
    """A server that could not answer may still write into it."""
    with Tesseract.from_url(f"unix://{path}") as tesseract:
        tesseract.apply({"x": X})
        with pytest.raises(TesseractFailed, match="negative"):
            tesseract.apply({"x": X, "times": -1})
        assert segments() == 0
        assert tesseract.apply({"x": X})["y"].size == X.size
        assert segments() == 1


def test_server_without_segments_gets_whole_documents(tmp_path: Path) -> None:
    """Where segments are refused, or not served at all, arrays are sent."""
    with TemporaryDirectory() as folder:
        socket = Path(folder, "model.sock")
        with serving(written(tmp_path, SOURCE), uds=socket):
            Path(f"{socket}.segments").unlink()
            with Tesseract.from_url(f"unix://{socket}") as tesseract:
                for _ in range(3):
                    assert np.array_equal(tesseract.apply({"x": X})["y"], X)
                assert segments() == 0


def test_segments_of_an_ended_server_are_replaced(tmp_path: Path) -> None:
    """A client goes on with the next server on the same path."""
    source = written(tmp_path, SOURCE)
    with TemporaryDirectory() as folder:
        socket = Path(folder, "model.sock")
        with Tesseract.from_url(f"unix://{socket}") as tesseract:
            for _ in range(2):
                with serving(source, uds=socket):
                    for _ in range(2):
                        assert np.array_equal(tesseract.apply({"x": X})["y"], X)
                    assert segments() == 1
