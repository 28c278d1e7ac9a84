"""Files of runs over HTTP: ranges, confinement, owners, and other requests meanwhile."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from runtime_core.config import resolve
from runtime_core.server.run_owners import RunOwners
from tests.patience import patient
from tests.server.conftest import exchange, serving

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from tests.server.conftest import Answer, Served

WRITER = """
import os
from pydantic import BaseModel
from runtime_core.run_logs import log_artifact, run_directory

class InputSchema(BaseModel):
    size: int = 10

class OutputSchema(BaseModel):
    pass

def apply(inputs: InputSchema) -> OutputSchema:
    print("solved")
    folder = run_directory()
    (folder / "inner").mkdir()
    for name in ("inner/a b.txt", "run.json"):
        (folder / name).write_text("0123456789")
    with open(folder / "big.bin", "wb") as big:
        big.truncate(inputs.size)
    (folder / ".hidden").write_text("hidden")
    (folder / "linked.txt").symlink_to("inner/a b.txt")
    (folder / "out").symlink_to("/etc/passwd")
    (folder / "sibling").symlink_to("../run_one")
    (folder / "log").symlink_to("logs/tesseract.log")
    os.mkfifo(folder / "pipe")
    log_artifact(folder / "inner" / "a b.txt")
    return OutputSchema()
"""

KEYS = ("--api-key=one", "--api-key=two")
FILE = "/runs/one/files/inner/a%20b.txt"


@pytest.fixture(scope="module")
def serve_writer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Return a function that serves `WRITER` with options of `serve`, with the runs of others."""
    folder = tmp_path_factory.mktemp("writer")
    path = folder / "tesseract_api.py"
    path.write_text(WRITER)
    with ExitStack() as stack:

        def start(*options: str) -> Served:
            return stack.enter_context(serving(path, "--output-path", "out", options=options))

        yield start


@pytest.fixture(scope="module")
def locked(serve_writer: Callable[..., Served]) -> Served:
    """Return a server with two keys, each of which has computed a run of its name."""
    served = serve_writer(*KEYS)
    for key in ("one", "two"):
        assert (
            asked(served, "POST", f"/apply?run_id={key}", key, body='{"inputs": {}}').status == 200
        )
    return served


@pytest.fixture(scope="module")
def showing(serve_writer: Callable[..., Served]) -> Served:
    """Return a server without keys that shows everything, with a run."""
    served = serve_writer("--expose-logs")
    assert served.request("POST", "/apply?run_id=free", '{"inputs": {}}').status == 200
    return served


def asked(
    served: Served, method: str, path: str, key: str, body: str | None = None, **headers: str
) -> Answer:
    """Make a request with a key."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return served.request(method, path, body, {"Authorization": f"Bearer {key}", **fields})


def test_file_of_a_run_is_an_attachment(locked: Served) -> None:
    """No browser runs or guesses what a file is."""
    answer = asked(locked, "GET", FILE, "one")
    assert (answer.status, answer.body) == (200, b"0123456789")
    expected = {
        "content-type": "application/octet-stream",
        "content-disposition": "attachment; filename*=utf-8''a%20b.txt",
        "x-content-type-options": "nosniff",
        "accept-ranges": "bytes",
        "content-length": "10",
    }
    assert expected.items() <= answer.headers.items()
    head = asked(locked, "HEAD", FILE, "one")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "10")
    fresh = asked(locked, "GET", FILE, "one", If_None_Match=answer.headers["etag"])
    assert (fresh.status, fresh.body) == (304, b"")


@pytest.mark.parametrize(
    ("asked_range", "status", "body", "shown"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-300", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=9-1000000000000", 206, b"9", "bytes 9-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-1", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=0-1", 200, b"0123456789", None),
        ("bytes=" + "9" * 400, 200, b"0123456789", None),
    ],
)
def test_range_of_a_file_is_sent(
    locked: Served, asked_range: str, status: int, body: bytes, shown: str | None
) -> None:
    """One range of bytes is sent alone; a header that asks for anything else is ignored."""
    answer = asked(locked, "GET", FILE, "one", Range=asked_range)
    assert (answer.status, answer.body) == (status, body)
    assert answer.headers.get("content-range") == shown


def test_range_of_a_changed_file_is_the_whole(locked: Served) -> None:
    """A client that goes on with another file than it began gets all of it."""
    answer = asked(locked, "GET", FILE, "one", Range="bytes=5-", If_Range='"other"')
    assert (answer.status, answer.body) == (200, b"0123456789")


def test_file_that_the_client_has_is_not_sent(locked: Served) -> None:
    """The tag of a file, among others, or any file is one that the client has."""
    tag = asked(locked, "GET", FILE, "one").headers["etag"]
    statuses = [
        asked(locked, "GET", FILE, "one", If_None_Match=known).status
        for known in (tag, f'"other", {tag}', "*", '"other"')
    ]
    assert statuses == [304, 304, 304, 200]


SHOWN = [
    "inner/a%20b.txt",
    "linked.txt",
    "logs/artifacts/a%20b.txt",
    "inner/../linked.txt",
    "run.json",
]


@pytest.mark.parametrize("path", SHOWN)
def test_what_a_run_wrote_is_sent(locked: Served, path: str) -> None:
    """Files in the folder of a run are sent, artifacts and links inside of it included."""
    assert asked(locked, "GET", f"/runs/one/files/{path}", "one").body == b"0123456789"


NOT_SHOWN = [
    "missing.txt",
    "inner",
    "",
    ".hidden",
    "logs/tesseract.log",
    "logs/run.json",
    "inner/../logs/tesseract.log",
    "log",
    "out",
    "pipe",
    "sibling/inner/a%20b.txt",
    "../run_one/inner/a%20b.txt",
    "%2e%2e/run_one/inner/a%20b.txt",
    "../../tesseract_api.py",
    "/etc/passwd",
    "//etc/passwd",
    "a%00b",
    "a%09b",
    "https://example.org/x",
    "x" * 300,
    "x/" * 3000,
]


@pytest.mark.parametrize("path", NOT_SHOWN)
def test_nothing_else_is_sent(locked: Served, path: str) -> None:
    """Logs, hidden files, folders, devices, and what lies elsewhere are not found."""
    answer = asked(locked, "GET", f"/runs/two/files/{path}", "two")
    assert answer.status == 404
    assert "has no file" in answer.json()["detail"]
    assert "--expose-logs" in answer.json()["detail"]


@pytest.mark.parametrize("run_id", ["two", "none", "..", "x" * 200, "a%2Fb"])
def test_run_of_another_key_is_not_found(locked: Served, run_id: str) -> None:
    """The answer does not say whether there is such a run."""
    for path in ("files", "files/linked.txt", "files/logs/artifacts"):
        assert asked(locked, "GET", f"/runs/{run_id}/{path}", "one").status == 404


def test_run_has_its_owner_after_a_restart(locked: Served, catalog: Catalog) -> None:
    """Another server of the same folder knows whose run it is, and lets only them replace it."""
    folder = Path(psutil.Process(locked.process.pid).cwd(), "out")
    config = resolve(catalog, flags={"output_path": str(folder)}, environment={})
    owners = RunOwners(config)
    assert [owners.find(run) for run in ("one", "two", "other")] == ["key-1", "key-2", None]
    assert [owners.admits("one", key) for key in ("key-2", "key-1")] == [False, True]


def test_runs_of_a_key_are_listed(locked: Served) -> None:
    """A list has the runs of its own key alone, and of a run what can be sent."""
    assert asked(locked, "GET", "/runs", "two").json() == {"runs": ["two"]}
    listed = asked(locked, "GET", "/runs/two/files", "two").json()["files"]
    assert [file["path"] for file in listed] == [
        "big.bin",
        "run.json",
        "inner/a b.txt",
        "logs/artifacts/a b.txt",
    ]
    assert [file["size"] for file in listed] == [10] * 4


def test_lists_pass_over_what_has_no_url_or_is_gone(showing: Served) -> None:
    """A name that is not in UTF-8 is left out, and a removed output path has no runs."""
    folder = Path(psutil.Process(showing.process.pid).cwd(), "out")
    odd = folder / "run_free" / os.fsdecode(b"\xff.bin")
    odd.touch()
    try:
        listed = showing.get("/runs/free/files").json()["files"]
        assert [file["path"] for file in listed if file["path"].endswith(".bin")] == ["big.bin"]
    finally:
        odd.unlink()
    folder.rename(folder.with_name("away"))
    try:
        assert showing.get("/runs").json() == {"runs": []}
    finally:
        folder.with_name("away").rename(folder)


def test_runs_without_a_key_are_listed_on_this_machine(showing: Served, locked: Served) -> None:
    """Without keys, a server of this machine alone lists the runs that belong to none."""
    assert showing.get("/runs").json() == {"runs": ["free"]}
    assert showing.get("/runs/one/files/linked.txt").status == 404


def test_runs_are_not_listed_for_strangers(shared: Callable[..., Served]) -> None:
    """A server that others can reach lists nothing without a key."""
    answer = shared("--allowed-host=solver.example").get("/runs")
    assert (answer.status, answer.json()) == (
        403,
        {"detail": "Runs are listed only with a key, or by a server of this machine alone."},
    )


def test_logs_are_sent_if_the_operator_says_so(showing: Served) -> None:
    """With `--expose-logs` every file of a run is sent, and still none from elsewhere."""
    assert showing.get("/runs/free/files/logs/tesseract.log").body == b"solved\n"
    assert showing.get("/runs/free/files/log").body == b"solved\n"
    assert showing.get("/runs/free/files/.hidden").body == b"hidden"
    assert showing.get("/runs/free/files/out").status == 404


def test_large_file_takes_no_memory_and_no_time_of_others(showing: Served) -> None:
    """200 MB by ranges, by several clients at once, leave memory flat and `/health` quick."""
    size, part = 200_000_000, 25_000_000
    applied = showing.request("POST", "/apply?run_id=large", f'{{"inputs": {{"size": {size}}}}}')
    assert applied.status == 200
    process = psutil.Process(showing.process.pid)
    before, seen, waited = process.memory_info().rss, [], []

    def download() -> None:
        connection, total = showing.connection(), 0
        for start in range(0, size, part):
            headers = {"Range": f"bytes={start}-{start + part - 1}"}
            answer = exchange(connection, "GET", "/runs/large/files/big.bin", headers=headers)
            total += len(answer.body) * (answer.status == 206)
        connection.close()
        seen.append(total)

    threads = [threading.Thread(target=download) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        start = time.monotonic()
        assert showing.get("/health").status == 200
        waited.append(time.monotonic() - start)
        assert process.memory_info().rss < before + 30_000_000
    assert seen == [size, size]
    assert max(waited) < patient(1.0)
