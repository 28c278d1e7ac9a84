"""Uploads: files that callers store for their payloads, and their limits."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request

from runtime_core.errors import SlowBody
from runtime_core.files import UPLOADS
from runtime_core.server import request_body
from runtime_core.server.extensions.uploads import Uploads, _pieces, swept
from tests.conftest import Cli
from tests.patience import wait_until
from tests.server.conftest import head, serving

if TYPE_CHECKING:
    from tests.server.conftest import Answer, Served

READER = """
from pydantic import BaseModel
from tesseract_core.runtime.experimental import InputPath, LazySequence

class InputSchema(BaseModel):
    mesh: InputPath | None = None
    points: LazySequence[int] | None = None

class OutputSchema(BaseModel):
    text: str

def apply(inputs: InputSchema) -> OutputSchema:
    return OutputSchema(text=inputs.mesh.read_text() if inputs.mesh else str(len(inputs.points)))
"""

LIMITS = ("--max-body-size=1000000", "--max-uploaded-bytes=3000000")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the servers."""
    folder = tmp_path_factory.mktemp("reader")
    (folder / "tesseract_api.py").write_text(READER)
    return folder


@pytest.fixture(scope="module")
def served(place: Path) -> Iterator[Served]:
    """Return a server that takes small uploads from two keys."""
    options = ["--in-process", "--allow-uploads", *LIMITS, "--api-key=one", "--api-key=two"]
    path = place / "tesseract_api.py"
    with serving(path, "--input-path", str(place), options=options) as served:
        yield served


def put(served: Served, name: str, body: Any, key: str = "one", **headers: str) -> Answer:
    """Upload a file."""
    fields = {"Authorization": f"Bearer {key}", **headers}
    return served.request("PUT", f"/files/{name}", body, fields)


def applied(served: Served, inputs: str) -> Answer:
    """Apply the Tesseract to inputs."""
    headers = {"Authorization": "Bearer two"}
    return served.request("POST", "/apply", f'{{"inputs": {inputs}}}'.encode(), headers)


def stored(place: Path) -> list[str]:
    """Return the names of all uploaded files, of those that still arrive too."""
    return sorted(path.name for path in (place / UPLOADS).glob("*/*"))


def test_upload_is_a_file_for_payloads(served: Served) -> None:
    """The answer has the path that a payload names, which has a part that cannot be guessed."""
    answer = put(served, "mesh%20%C3%BC.msh", "vertices")
    assert answer.status == 201
    facts = answer.json()
    assert facts["size"] == 8
    folder, token, name = facts["path"].split("/")
    assert (folder, len(token), name) == (UPLOADS, 32, "mesh ü.msh")
    assert applied(served, f'{{"mesh": "{facts["path"]}"}}').json() == {"text": "vertices"}


def test_name_is_new_for_its_key(served: Served) -> None:
    """A key cannot replace its file, and has one folder for all; another key has another one."""
    first, again, other, beside = (
        put(served, name, "a", key)
        for name, key in (("new", "one"), ("new", "one"), ("new", "two"), ("beside", "one"))
    )
    assert [answer.status for answer in (first, again, other, beside)] == [201, 409, 201, 201]
    assert "'new' already" in again.json()["detail"]
    folders = [Path(answer.json()["path"]).parent for answer in (first, other, beside)]
    assert folders[0] == folders[2] != folders[1]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("..", "must not begin with a dot"),
        (".ssh", "must not begin with a dot"),
        ("../x", "must have no /"),
        ("%2e%2e%2fx", "must have no /"),
        ("/etc/passwd", "must have no /"),
        ("", "is empty"),
        ("a%00b", "printable"),
        ("a%09b", "printable"),
        ("zip::a", "'::'"),
        ("x" * 256, "at most 255 bytes"),
        ("%C3%BC" * 128, "at most 255 bytes"),
    ],
)
def test_name_must_be_one_of_a_plain_file(served: Served, name: str, problem: str) -> None:
    """A name that is a path, hidden or too long is refused before the body is read."""
    answer = put(served, name, "a")
    assert answer.status == 400
    assert problem in answer.json()["detail"]


@pytest.mark.parametrize("pattern", [".uploads/*/*", "**/new", ".uploads/**/new", ".up*/*/new"])
def test_files_of_others_are_not_found_by_patterns(served: Served, pattern: str) -> None:
    """Only who knows its path can use an upload."""
    put(served, "seen", "1")
    answer = applied(served, f'{{"points": "@{pattern}"}}')
    assert answer.status == 422
    assert applied(served, f'{{"mesh": "{UPLOADS}"}}').status == 422


def test_large_uploads_are_refused(served: Served, place: Path) -> None:
    """A file is bounded, announced or not, and so are all of them together."""
    before = stored(place)
    too_large = b"x" * 1_000_001
    announced = put(served, "large", too_large)
    chunked = put(served, "large", iter([too_large[:700_000], too_large[:700_000]]))
    assert [announced.status, chunked.status] == [413, 413]
    assert "--max-body-size" in chunked.json()["detail"]
    assert stored(place) == before
    fitting = [put(served, f"f{n}", b"x" * 900_000).status for n in range(4)]
    assert fitting == [201, 201, 201, 503]
    assert "--max-uploaded-bytes" in put(served, "f4", iter([b"x" * 900_000])).json()["detail"]
    assert stored(place) == sorted([*before, "f0", "f1", "f2"])


def test_upload_that_breaks_off_leaves_nothing(served: Served, place: Path) -> None:
    """The part that came is removed, and the name can be used again."""
    before = stored(place)
    with served.raw() as connection:
        lines = head("/files/broken", "PUT", Content_Length=90_000, Authorization="Bearer one")
        connection.sendall(lines + b"x" * 1000)
        wait_until(lambda: len(stored(place)) > len(before))
    wait_until(lambda: stored(place) == before)
    assert put(served, "broken", "whole").status == 201


def test_uploads_are_off_unless_allowed(double: Served, place: Path, cli_here: Cli) -> None:
    """Without its option the path does not exist, and the option needs an input path."""
    assert double.request("PUT", "/files/a", "a").status in (404, 405)
    ended = cli_here("serve", "-p", "0", "--allow-uploads", cwd=place)
    assert (ended.returncode, "--input-path" in ended.stderr) == (2, True)


def test_disk_that_is_full_leaves_nothing(tmp_path: Path) -> None:
    """A file that cannot be written whole is removed and not counted."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10_000

    async def store() -> None:
        uploads = Uploads(tmp_path, most_bytes=250_000, seconds=60.0)
        place = uploads.place("a", None)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        try:
            with pytest.raises(OSError, match="File too large"):
                await uploads.store(place, pieces())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert [*place.parent.iterdir()] == []
        assert await uploads.store(place, pieces()) == 200_000

    asyncio.run(store())


def test_upload_that_stops_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that sends nothing for too long gets a 408 instead of the connection for ever."""
    monkeypatch.setattr(request_body, "_IDLE_SECONDS", 0.0)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        return {}

    async def read() -> None:
        async for _ in _pieces(Request({"type": "http"}, receive), 1000):
            pass

    with pytest.raises(SlowBody, match="too slowly, 0 bytes so far"):
        asyncio.run(read())


def test_each_file_without_a_key_has_a_folder(tmp_path: Path) -> None:
    """Callers without keys cannot meet each other's names."""
    uploads = Uploads(tmp_path, most_bytes=1, seconds=60.0)
    assert uploads.place("a", None) != uploads.place("a", None)


def test_old_files_are_removed(tmp_path: Path) -> None:
    """Files whose time is over go, with their folders; the others are counted."""
    files = [tmp_path / "a" / "old", tmp_path / "b" / "old", tmp_path / "b" / "new"]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_text("text")
        if file.name == "old":
            os.utime(file, (0, 0))
    assert swept(tmp_path, 60.0) == (1, 4)
    assert [*tmp_path.rglob("*")] == [tmp_path / "b", tmp_path / "b" / "new"]
