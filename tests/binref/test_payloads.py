"""Payloads that name files, on a server and on the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lz4.frame
import msgpack
import numpy as np
import pytest

from tests.binref.conftest import NUMBERS, document
from tests.conftest import DOUBLE
from tests.server.conftest import serving

if TYPE_CHECKING:
    from tests.cli.conftest import Here
    from tests.server.conftest import Answer, Served

Tesseract = Callable[..., Path]

HUGE = 2**33
"""More bytes than a server should take."""

OUTSIDE = "it lies outside of the input path"
NO_FILE = "it is not a regular file"

REFUSED = [
    ("none.bin", "Cannot read 'none.bin': No such file or directory."),
    ("data.bin:8", "the file has 80 bytes, but the array takes 80 bytes from byte 8 on"),
    ("deep", f"Cannot read 'deep': {NO_FILE}."),
    ("deep/none.bin", "Cannot read 'deep/none.bin': No such file or directory."),
    ("pipe", f"Cannot read 'pipe': {NO_FILE}."),
    ("/dev/zero", f"'/dev/zero' is not opened: {OUTSIDE}."),
    ("zero.bin", f"'zero.bin' is not opened: {OUTSIDE}."),
    ("/proc/self/environ", f"'/proc/self/environ' is not opened: {OUTSIDE}."),
    ("/etc/passwd", f"'/etc/passwd' is not opened: {OUTSIDE}."),
    ("../secret.bin", f"'../secret.bin' is not opened: {OUTSIDE}."),
    ("../none.bin", f"'../none.bin' is not opened: {OUTSIDE}."),
    ("deep/../../secret.bin", f"'deep/../../secret.bin' is not opened: {OUTSIDE}."),
    ("link.bin", f"'link.bin' is not opened: {OUTSIDE}."),
    ("linked/secret.bin", f"'linked/secret.bin' is not opened: {OUTSIDE}."),
    ("data.bin\0", "a path has no NUL characters."),
    ("file:///etc/passwd", "URLs are not read for a remote caller unless --allow-url"),
    ("http://127.0.0.1/x", "URLs are not read for a remote caller unless --allow-url"),
    ("/etc://x", "URLs are not read for a remote caller unless --allow-url"),
    ("simplecache::file:///etc/passwd", "URLs are not read for a remote caller unless --allow-url"),
]


def payload(buffer: str, **options: Any) -> str:
    """Return a payload of `DOUBLE` whose array is in a file."""
    return json.dumps({"inputs": {"x": document(buffer, **options)}})


def apply(served: Served, buffer: str, **options: Any) -> Answer:
    """Apply a served Tesseract to an array that is in a file."""
    return served.request("POST", "/apply", payload(buffer, **options))


def assert_refused(answer: Answer, expected: str) -> None:
    """Check that an answer is a fault of the array `x` with a reason."""
    assert answer.status == 422
    [detail] = answer.json()["detail"]
    assert (detail["type"], detail["loc"]) == ("array_decode_error", ["body", "inputs", "x"])
    assert expected in detail["msg"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of inputs with everything that a payload must not reach."""
    place = tmp_path_factory.mktemp("place")
    inputs = place / "inputs"
    (inputs / "deep").mkdir(parents=True)
    for path in (inputs / "data.bin", inputs / "deep" / "data.bin", place / "secret.bin"):
        NUMBERS.tofile(path)
    (inputs / "inside.bin").symlink_to("deep/data.bin")
    (inputs / "link.bin").symlink_to("../secret.bin")
    (inputs / "linked").symlink_to("..")
    (inputs / "zero.bin").symlink_to("/dev/zero")
    os.mkfifo(inputs / "pipe")
    (place / "tesseract_api.py").write_text(DOUBLE)
    return place


@pytest.fixture(scope="module")
def confined(place: Path) -> Iterator[Served]:
    """Return a server that may read the folder of inputs."""
    with serving(place / "tesseract_api.py", "--input-path", str(place / "inputs")) as served:
        yield served


@pytest.mark.parametrize(
    "name", ["data.bin", "./data.bin", "deep/data.bin", "deep/../data.bin", "inside.bin"]
)
def test_file_inside_is_read(confined: Served, name: str) -> None:
    """A name starts from the input path, and a link that stays inside is followed."""
    answer = apply(confined, f"{name}:16", shape=(8,))
    assert answer.status == 200
    np.testing.assert_array_equal(answer.json()["y"]["data"]["buffer"], 2 * NUMBERS[2:])


def test_absolute_path_inside_is_read(confined: Served, place: Path) -> None:
    """An absolute path is opened when it lies inside."""
    assert apply(confined, f"{place}/inputs/data.bin").status == 200


@pytest.mark.parametrize(("buffer", "expected"), REFUSED)
def test_everything_else_is_refused(confined: Served, buffer: str, expected: str) -> None:
    """A missing, irregular or outside file is a 422 at its array, without blocking."""
    assert_refused(apply(confined, buffer), expected)


def test_server_goes_on_after_refusals(confined: Served) -> None:
    """A refused file does not keep the worker from the next call."""
    for buffer, _ in REFUSED:
        apply(confined, buffer)
    assert apply(confined, "data.bin").status == 200


def test_server_without_an_input_path_opens_nothing(tesseract: Tesseract) -> None:
    """Without `--input-path` nothing is read, even in the working directory."""
    path = tesseract()
    NUMBERS.tofile(path.with_name("data.bin"))
    with serving(path) as served:
        for name in ("data.bin", str(path.with_name("data.bin")), "/etc/passwd", ".", "none.bin"):
            expected = (
                f"'{name}' is not opened: this Tesseract opens no files, because it was started "
                "without --input-path."
            )
            assert_refused(apply(served, name), expected)


def test_every_fault_is_reported_at_its_place(confined: Served) -> None:
    """The location of a refused file is in the payload, in binary formats too."""
    inputs = {"x": document("../secret.bin"), "y": 1}
    body = msgpack.packb({"inputs": inputs, "z": 1})
    headers = {"Content-Type": "application/msgpack"}
    answer = confined.request("POST", "/apply", body, headers)
    assert answer.status == 422
    places = [detail["loc"] for detail in answer.json()["detail"]]
    assert places == [["body", "inputs", "x"], ["body", "inputs", "y"], ["body", "z"]]


@pytest.mark.parametrize("before", [(), ("--input-path", ".")])
@pytest.mark.parametrize(
    ("buffer", "expected"),
    [
        ("data.bin", "Cannot read 'data.bin': No such file or directory."),
        ("short.bin", "the file has 8 bytes, but the array takes 80 bytes from byte 0 on"),
        ("tesseract", f"Cannot read 'tesseract': {NO_FILE}."),
        ("pipe", f"Cannot read 'pipe': {NO_FILE}."),
        ("/dev/zero", f"Cannot read '/dev/zero': {NO_FILE}."),
        ("file:///none.bin", "Cannot open 'file:///none.bin': FileNotFoundError"),
        ("nonsense://x", "Cannot open 'nonsense://x': ValueError: Protocol not known: nonsense"),
    ],
)
def test_command_line_names_what_it_cannot_read(
    here: Here,
    tesseract: Tesseract,
    tmp_path: Path,
    before: tuple[str, ...],
    buffer: str,
    expected: str,
) -> None:
    """An unreadable file is a usage error: exit code 2, and one line for each fault."""
    (tmp_path / "short.bin").write_bytes(bytes(8))
    os.mkfifo(tmp_path / "pipe")
    ended = here("--api-path", str(tesseract()), *before, "apply", payload(buffer))
    assert (ended.code, ended.stdout) == (2, "")
    first, second = ended.stderr.splitlines()
    assert first == "Error: The payload of apply is not valid:"
    assert second.startswith("  inputs.x: Failed to decode array ")
    assert expected in second


@pytest.mark.parametrize("name", ["../place/data.bin", "{tmp_path}/place/data.bin", "link.bin"])
def test_command_line_reads_what_its_user_may(
    here: Here, tesseract: Tesseract, tmp_path: Path, name: str
) -> None:
    """On the command line names start from the input path, but may lead out of it."""
    (tmp_path / "place").mkdir()
    (tmp_path / "inputs").mkdir()
    NUMBERS.tofile(tmp_path / "place" / "data.bin")
    (tmp_path / "inputs" / "link.bin").symlink_to("../place/data.bin")
    buffer = name.format(tmp_path=tmp_path)
    ended = here("--api-path", str(tesseract()), "--input-path", "inputs", "apply", payload(buffer))
    assert (ended.code, ended.stderr) == (0, "")


def test_compressed_array_in_a_payload(confined: Served, place: Path) -> None:
    """A payload may refer to compressed bytes, by their offset and size."""
    packed = lz4.frame.compress(NUMBERS.tobytes())
    (place / "inputs" / "packed.bin").write_bytes(b"xyz" + packed)
    answer = apply(confined, f"packed.bin:3:{len(packed)}", compression="lz4")
    assert answer.status == 200
    np.testing.assert_array_equal(answer.json()["y"]["data"]["buffer"], 2 * NUMBERS)
    assert_refused(
        apply(confined, f"packed.bin:0:{len(packed)}", compression="lz4"),
        "it is not a valid lz4 frame",
    )


def test_sparse_file_is_no_way_to_much_memory(confined: Served, place: Path) -> None:
    """A reference to more compressed bytes than the array could have is refused unread."""
    with (place / "inputs" / "sparse.bin").open("wb") as file:
        file.truncate(HUGE)
    expected = f"{HUGE} compressed bytes are too many for 80 of the array"
    assert_refused(apply(confined, f"sparse.bin:0:{HUGE}", compression="lz4"), expected)
    [worker] = confined.workers()
    assert worker.memory_info().rss < HUGE / 8
