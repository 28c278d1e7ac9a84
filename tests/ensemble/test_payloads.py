"""The payloads of `map`."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from runtime_core.catalog import Catalog
from runtime_core.errors import InvalidOption, MissingFile, UnreadableDocument
from tesseract_runtime_ensemble.ensemble import Ensemble
from tesseract_runtime_ensemble.payloads import payloads_of


def payload(number: int) -> str:
    """Return a payload."""
    return json.dumps({"inputs": {"x": [number]}})


Payloads = Callable[[str], Ensemble]


@pytest.fixture
def payloads(catalog: Catalog) -> Iterator[Payloads]:
    """Return a function that finds payloads for `apply`."""
    with ExitStack() as opened:
        yield lambda name: payloads_of(name, "apply", catalog, opened, out=Path("cases/out.jsonl"))


def read(ensemble: Ensemble) -> list[tuple[int, object, object]]:
    """Return index, payload and inputs of all evaluations."""
    return [
        (index, json.loads(each.body)["inputs"]["x"][0], [*each.inputs.values()])
        for index, each in ensemble.evaluations(lambda index: index != 1)
    ]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with payloads in a file and in a folder."""
    lines = [payload(0), "", payload(1), payload(2), ""]
    (tmp_path / "lines.jsonl").write_text("\n".join(lines))
    (tmp_path / "cases" / "deep").mkdir(parents=True)
    for number in range(3):
        (tmp_path / "cases" / f"{number}.json").write_text(payload(number))
    (tmp_path / "cases" / ".hidden").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("lines.jsonl", [[1], [4]]),
        ("cases", [["0.json"], ["2.json"]]),
        ("cases/*.json", [["0.json"], ["2.json"]]),
    ],
)
def test_payloads_have_an_order_and_a_place(
    folder: Path, payloads: Payloads, name: str, inputs: list[object]
) -> None:
    """The row of each names its line or its file; what is done already is not read."""
    ensemble = payloads(name)
    assert ensemble.number == 3
    assert read(ensemble) == [(0, 0, inputs[0]), (2, 2, inputs[1])]


def test_lines_of_stdin_are_payloads(
    folder: Path, payloads: Payloads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are kept in a temporary file, so that they can be checked first."""
    kept = os.dup(0)
    try:
        with tempfile.TemporaryFile() as stdin:
            stdin.write((folder / "lines.jsonl").read_bytes())
            stdin.seek(0)
            os.dup2(stdin.fileno(), 0)
            assert [each[1] for each in read(payloads("-"))] == [0, 2]
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def test_every_change_changes_the_facts(folder: Path, payloads: Payloads) -> None:
    """A payload, its place and the number of payloads count, blank lines do not."""
    lines, files = folder / "lines.jsonl", folder / "cases"
    before = payloads(str(lines)).facts
    lines.write_text(f"{payload(0)}\n{payload(1)}\n\n{payload(2)}\n")
    assert payloads(str(lines)).facts == before
    lines.write_text(f"{payload(1)}\n{payload(0)}\n{payload(2)}\n")
    assert payloads(str(lines)).facts != before
    before = payloads(str(files)).facts
    (files / "2.json").rename(files / "3.json")
    assert payloads(str(files)).facts != before


def test_the_table_is_not_a_payload(folder: Path, payloads: Payloads) -> None:
    """A table among the payloads is neither computed nor, as the only one, replaced."""
    for name in ("out.jsonl", "out.jsonl.ensemble.json"):
        (folder / "cases" / name).write_text(payload(9))
    assert [payloads(name).number for name in ("cases", "cases/*.json*")] == [3, 3]
    with pytest.raises(InvalidOption, match=r"^cases/out.jsonl has the payloads, and cannot be"):
        payloads("cases/out.jsonl")


def test_names_of_files_may_have_any_bytes(folder: Path, payloads: Payloads) -> None:
    """A name that is not in UTF-8 is written with its bytes as numbers."""
    (folder / "cases" / os.fsdecode(b"\xff.json")).write_text(payload(3))
    assert read(payloads("cases"))[-1] == (3, 3, ["\\xff.json"])


def test_broken_lines_are_named(folder: Path, payloads: Payloads) -> None:
    """Nothing is computed for a file with lines that are not JSON, such as a torn last one."""
    (folder / "lines.jsonl").write_text(f'{payload(0)}\n\n{{"inputs": \n{payload(1)}\n{{"inp')
    with pytest.raises(UnreadableDocument) as caught:
        payloads("lines.jsonl")
    assert str(caught.value) == (
        "lines.jsonl must have one JSON payload on each line:\n"
        "  line 3: EOF while parsing a value at line 2 column 0\n"
        "  line 5: EOF while parsing a string at character 5"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.jsonl", "Cannot read 'nowhere.jsonl': No such file or directory."),
        ("@lines.jsonl", "Cannot read '@lines.jsonl'. Name the file without '@': 'lines.jsonl'."),
        ("cases/deep", "cases/deep has no payloads."),
        ("*.msgpack", r"\*.msgpack has no payloads."),
    ],
)
def test_no_payloads_are_an_error(
    folder: Path, payloads: Payloads, name: str, message: str
) -> None:
    """An empty folder is a mistake."""
    with pytest.raises(MissingFile, match=f"^{message}$"):
        payloads(name)
