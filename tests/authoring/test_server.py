"""Files, sequences and references over HTTP, within the rights that the operator grants."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.authoring.conftest import write_points
from tests.authoring.test_openapi import EVERYTHING
from tests.server.conftest import Served, serving


@pytest.fixture
def served(tesseract: Callable[..., Path], inputs: Path, outputs: Path) -> Iterator[Served]:
    """Return a server with an input and an output path."""
    write_points(inputs / "points", 3)
    for path in (inputs / "points").iterdir():
        path.write_text('{"x": [1, 2]}')
    folders = (f"--input-path={inputs}", f"--output-path={outputs}")
    with serving(tesseract(EVERYTHING), *folders) as server:
        yield server


def payload(**inputs: object) -> dict[str, object]:
    """Return inputs of the Tesseract."""
    return {"points": "@points/*.json", "path": "notes.txt", "to": "new.txt", **inputs}


def test_a_server_reads_and_writes_in_its_folders(served: Served, outputs: Path) -> None:
    """The result names files like the payload, relative to the folders of the server."""
    answer = served.apply(payload())
    assert answer.status == 200, answer.body
    written = answer.json()
    assert (written["path"], written["to"]) == ("notes.txt", "new.txt")
    assert len(written["points"]) == 3
    assert (outputs / "new.txt").read_text() == "done"


def test_what_a_payload_may_not_name_is_a_422(served: Served, tmp_path: Path) -> None:
    """Every fault has its location, and no message reveals the server's folders."""
    wrong = payload(
        points="@../*",
        path="up/secret",
        to="old.txt",
        paths={"a": ["none.txt", "/etc/passwd"]},
        solver={"type": "url", "ref": "http://127.0.0.1:8000"},
        many={"b": {"type": "api_path", "ref": "tesseract_api.py"}},
    )
    answer = served.apply(wrong)
    assert answer.status == 422
    places = [fault["loc"][2:] for fault in answer.json()["detail"]]
    assert places == [
        ["points"],
        ["path"],
        ["to"],
        ["solver"],
        ["paths", "a", 0],
        ["paths", "a", 1],
        ["many", "b"],
    ]
    assert str(tmp_path) not in answer.body.decode()


def test_a_wrong_item_names_its_file(served: Served, inputs: Path, tmp_path: Path) -> None:
    """The caller learns the file and the value in it, but not the folder."""
    (inputs / "points" / "0002.json").write_text('{"x": {}}')
    answer = served.apply(payload())
    assert answer.status == 422
    [fault] = answer.json()["detail"]
    assert fault["loc"] == ["body", "item 'points/0002.json'", "x"]
    assert str(tmp_path) not in answer.body.decode()


def test_a_server_without_an_input_path_opens_nothing(
    tesseract: Callable[..., Path], outputs: Path
) -> None:
    """Files are refused, and everything else works."""
    with serving(tesseract(EVERYTHING), f"--output-path={outputs}") as server:
        refused = server.apply(payload())
        assert refused.status == 422
        messages = [fault["msg"] for fault in refused.json()["detail"]]
        assert len(messages) == 2
        assert all("was started without --input-path" in message for message in messages)
        assert json.loads(server.get("/openapi.json").body)["openapi"] == "3.1.0"
