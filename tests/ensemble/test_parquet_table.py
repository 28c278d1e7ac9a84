"""Tables of Parquet files, as pandas and pyarrow read them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

from runtime_core.errors import InvalidOption
from tests.conftest import Cli

pq = pytest.importorskip("pyarrow.parquet")

from tesseract_runtime_ensemble import parquet_table  # noqa: E402  # it needs pyarrow
from tesseract_runtime_ensemble.columns import table_of  # noqa: E402  # it needs pyarrow


def test_columns_keep_what_a_model_returns(ensemble: Cli, tmp_path: Path) -> None:
    """Scalars, vectors, matrices, complex numbers and integers come back as they were."""
    pandas = pytest.importorskip("pandas")
    done = ensemble("sweep", "n=[0,3,2]", "beta=[0.5]", "-o", "o.parquet")
    assert done.returncode == 0, done.stderr
    table = pandas.read_parquet(tmp_path / "o.parquet")
    assert table["inputs.n"].tolist() == [0, 3, 2]
    assert table["outputs.count"].tolist() == [2**53, 2**53 + 3, 2**53 + 2]
    assert table["outputs.count"].dtype == np.int64
    assert table["outputs.i"].dtype == np.int32
    np.testing.assert_equal(table["outputs.total"].tolist(), [np.nan, 1.0, 1.0])
    assert table["outputs.name"].isna().tolist() == [True, False, True]
    assert table["outputs.parts.a"].tolist() == [0.5] * 3
    assert np.stack(table["outputs.y"]).tolist() == [[0.5, 1.0, 1.5, 2.0]] * 3
    assert [np.stack(each).shape for each in table["outputs.m"]] == [(2, 0), (2, 3), (2, 2)]
    z = np.stack(table["outputs.z.real"]) + 1j * np.stack(table["outputs.z.imag"])
    assert z.tolist() == [[0, 2], [3j, 2], [2j, 2]]
    field = pq.read_schema(tmp_path / "o.parquet" / "part-000000.parquet").field("outputs.m")
    assert json.loads(field.metadata[b"shape"]) == [2, None]


def test_parts_have_the_same_columns(
    ensemble: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where all rows of one have failed, or an output is always missing there."""
    monkeypatch.setattr(parquet_table, "_MOST_ROWS", 2)
    done = ensemble("sweep", "beta=[6,7,1,2,6]", "n=[2]", "-o", "o.parquet")
    assert done.returncode == 1
    assert len(list((tmp_path / "o.parquet").glob("part-*"))) == 3
    table = pq.read_table(tmp_path / "o.parquet").to_pydict()
    assert table["index"] == [*range(5)]
    assert table["status"] == ["failed", "failed", "finished", "finished", "failed"]
    assert table["outputs.m"] == [None, None, [[1.0, 1.0]] * 2, [[2.0, 2.0]] * 2, None]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_part_is_made_once(
    ensemble: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Whether the command is killed before or after the part of a journal appears."""
    arguments = ("sweep", "beta=[1,2,3]", "-o", "o.parquet")
    folder = tmp_path / "o.parquet"

    unlink = Path.unlink

    def killed(path: Path, *arguments: object, **options: bool) -> None:
        if path.name.startswith(("_journal", "part")):
            raise KeyboardInterrupt
        unlink(path, **options)

    with monkeypatch.context() as patch:
        patch.setattr(parquet_table, "_MOST_ROWS", 2)
        if when == "before":
            patch.setattr(parquet_table, "_write", killed)
        else:
            patch.setattr(Path, "unlink", killed)
        assert ensemble(*arguments).returncode == 130
    assert (folder / "_journal-000000.jsonl").exists()
    assert (folder / "part-000000.parquet").exists() == (when == "after")
    assert ensemble(*arguments, "--resume").returncode == 0
    assert sorted(pq.read_table(folder)["index"].to_pylist()) == [0, 1, 2]
    assert not list(folder.glob("_journal*"))


def array(*shape: int) -> object:
    """Return the document of an array."""
    data = np.arange(np.prod(shape), dtype="<f8").tobytes()
    encoded = {"buffer": base64.b64encode(data).decode(), "encoding": "base64"}
    return {"object_type": "array", "shape": [*shape], "dtype": "float64", "data": encoded}


def test_shapes_of_one_column_may_differ() -> None:
    """Ranks too, for which arrays are flat; numbers that are not finite are numbers."""
    values = [array(2), None, array(1, 2)]
    rows = [
        {"index": i, "outputs": {"a": value, "b": b, "c": c}}
        for i, (value, b, c) in enumerate(
            zip(values, ["NaN", 1, "-Infinity"], [1, "one", 2**70], strict=True)
        )
    ]
    table = table_of(rows).to_pydict()
    assert table["outputs.a"] == [[0, 1], None, [0, 1]]
    np.testing.assert_equal(table["outputs.b"], [np.nan, 1.0, -np.inf])
    assert table["outputs.c"] == ["1", '"one"', "1180591620717411303424"]


def test_files_of_other_origin_are_left_alone(tmp_path: Path) -> None:
    """A part is known by its number, and a damaged one is named."""
    (tmp_path / "part-mine.parquet").write_text("mine")
    table = parquet_table.ParquetTable(tmp_path)
    assert [*table.indexes()] == []
    with table:
        table.append(b'{"index":3,"status":"finished","outputs":{"a":1}}\n')
    assert [*table.indexes()] == [3]
    (tmp_path / "part-000000.parquet").write_text("damaged")
    with pytest.raises(
        InvalidOption, match=r"part-000000.parquet' is damaged: remove it, and --re"
    ):
        [*table.indexes()]
    table.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["part-mine.parquet"]
