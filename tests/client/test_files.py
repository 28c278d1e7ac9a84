"""Files of a client: sent for inputs, and fetched from results."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from tesseract_runtime_client import Tesseract
from tesseract_runtime_client.errors import TesseractFailed
from tesseract_runtime_client.run_files import Files, with_files
from tests.server.conftest import serving

SOURCE = """
from pydantic import BaseModel
from tesseract_core.runtime.experimental import InputPath, OutputPath, run_directory

class InputSchema(BaseModel):
    text: InputPath
    repeat: int = 1

class OutputSchema(BaseModel):
    copies: list[OutputPath]
    folder: OutputPath
    note: str

def apply(inputs: InputSchema) -> OutputSchema:
    path = run_directory() / "copy \u00fc.txt"
    path.write_bytes(inputs.text.read_bytes() * inputs.repeat)
    folder = run_directory() / "parts"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "part.txt").write_text("part")
    return OutputSchema(copies=[path], folder=folder, note=str(inputs.text.parent.parent.name))
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a Tesseract and a file for it."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "tesseract_api.py").write_text(SOURCE)
    (folder / "in").mkdir()
    (folder / "in" / "text.txt").write_text("text")
    return folder


@pytest.fixture(scope="module")
def url(place: Path) -> Iterator[str]:
    """Return the URL of a server that takes files from a key."""
    paths = ("--input-path", str(place / "in"), "--output-path", str(place / "out"))
    options = ["--in-process", "--allow-uploads", "--api-key=k"]
    with serving(place / "tesseract_api.py", *paths, options=options) as served:
        yield f"http://127.0.0.1:{served.port}"


@pytest.fixture
def remote(url: str) -> Iterator[Tesseract]:
    """Return a client of the server."""
    with Tesseract.from_url(url, api_key="k") as tesseract:
        yield tesseract


@pytest.fixture
def local(place: Path) -> Iterator[Tesseract]:
    """Return a client in this process."""
    with Tesseract.from_api(place / "tesseract_api.py", place / "in", place / "out") as tesseract:
        yield tesseract


def test_local_file_is_sent_and_result_fetched(remote: Tesseract, tmp_path: Path) -> None:
    """A `Path` is a file of the client, and a name in a result can be opened and downloaded."""
    mine = tmp_path / "my text.txt"
    mine.write_text("mine")
    result = remote.apply({"text": mine})
    assert result["note"] == ".uploads"
    [copy] = result["copies"]
    with copy.open() as file:
        assert file.read() == b"mine"
    assert copy.download(tmp_path) == tmp_path / "copy ü.txt"
    assert copy.download(tmp_path / "new" / "name.txt").read_text() == "mine"


def test_text_is_a_name_of_the_server(remote: Tesseract, local: Tesseract) -> None:
    """A text names a file in the input path of the Tesseract, wherever that runs."""
    for tesseract in (remote, local):
        result = tesseract.apply({"text": "text.txt"})
        with result["copies"][0].open() as file:
            assert file.read() == b"text"


def test_folder_is_downloaded_whole(remote: Tesseract, local: Tesseract, tmp_path: Path) -> None:
    """A result may name a folder, whose files are fetched with their folders."""
    for tesseract, name in ((remote, "remote"), (local, "local")):
        folder = tesseract.apply({"text": "text.txt"})["folder"].download(tmp_path / name)
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert files == [tmp_path / name / "inner" / "part.txt"]


@pytest.mark.parametrize("name", ["run_a/../../x", "run_a/..", "run_a//etc/x", "run_a", "x"])
def test_text_that_leads_elsewhere_is_no_file(name: str) -> None:
    """A server cannot choose where a download goes."""
    assert type(with_files([name], cast("Files", None))[0]) is str


def test_path_of_a_local_tesseract_is_no_upload(local: Tesseract, place: Path) -> None:
    """A Tesseract on this machine reads the file itself."""
    result = local.apply({"text": place / "in" / "text.txt"})
    assert result["note"] == place.name


def test_name_of_a_file_is_a_text(remote: Tesseract) -> None:
    """Programs that took names of files for texts still can, in other processes too."""
    [copy] = remote.apply({"text": "text.txt"}, run_id="named")["copies"]
    assert copy == "run_named/copy ü.txt"
    assert type(pickle.loads(pickle.dumps(copy))) is str


def test_unchanged_file_is_sent_once(remote: Tesseract, place: Path, tmp_path: Path) -> None:
    """Many calls with one file send it once, and again when it has changed."""
    mine = tmp_path / "once.txt"
    stored = place / "in" / ".uploads"
    for text, calls in (("a", 2), ("longer", 1)):
        mine.write_text(text)
        for _ in range(calls):
            remote.apply({"text": mine})
    assert len([*stored.glob("*/*-once.txt")]) == 2


@pytest.mark.parametrize("size", [0, 3])
def test_large_file_comes_in_parts(
    remote: Tesseract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """A file is fetched range by range, and an empty one at all."""
    monkeypatch.setattr("tesseract_runtime_client.http_files._PART", 5)
    mine = tmp_path / "mine.txt"
    mine.write_text("0123")
    [copy] = remote.apply({"text": mine, "repeat": size})["copies"]
    assert copy.download(tmp_path / "copy.txt").read_text() == "0123" * size


def test_file_that_is_gone_is_named(remote: Tesseract, place: Path, tmp_path: Path) -> None:
    """A file that cannot be fetched leaves nothing at its path."""
    [copy] = remote.apply({"text": "text.txt"})["copies"]
    (place / "out" / copy).unlink()
    with pytest.raises(TesseractFailed, match="has no file"):
        copy.download(tmp_path / "copy.txt")
    assert [*tmp_path.iterdir()] == []


def test_server_that_takes_no_files_gets_names(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path is sent as it is, as a server on the same machine may know it."""
    monkeypatch.chdir(place / "in")
    options = ["--in-process"]
    with (
        serving(place / "tesseract_api.py", "--input-path", "in", options=options) as served,
        Tesseract.from_url(f"http://127.0.0.1:{served.port}") as tesseract,
    ):
        assert tesseract.apply({"text": Path("text.txt")})["note"] == place.name
