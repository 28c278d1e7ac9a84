"""binref passes the conformance suites and opens no files without rights.

A buffer is a place in a file, which does not tell where the array ends.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import lz4.frame
import numpy as np
import pytest

from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.runtime import served_runtime
from runtime_core.testing import (
    ArrayEncodingConformance,
    CompressorConformance,
    Echo,
    FormatConformance,
    made_echo,
)
from runtime_core.testing.memory import SLACK, resident_peak, traced_peak

SIZE = 4


class TestBinref(FormatConformance):
    """The format json+binref."""

    format = "json+binref"
    buffers_have_ends = False


class TestBinrefEncoding(ArrayEncodingConformance):
    """The encoding binref."""

    encoding = "binref"
    buffers_have_ends = False


class TestCompressedBinref(CompressorConformance):
    """lz4 in files."""

    compressor = "lz4"
    format = "json+binref"


@pytest.fixture
def echo(catalog: Catalog, tmp_path: Path) -> Echo:
    """Return a Tesseract that reads `inside`, which has `data.bin` and lies beside `secret.bin`."""
    folder = tmp_path / "inside"
    folder.mkdir()
    np.arange(SIZE, dtype="float64").tofile(folder / "data.bin")
    np.full(SIZE, -1.0).tofile(tmp_path / "secret.bin")
    return made_echo(catalog, "json+binref", folder)


def document(echo: Echo, buffer: str, **data: Any) -> bytes:
    """Return the payload of an array whose bytes are in a file."""
    data = {"buffer": buffer, "encoding": "binref", **data}
    leaf = {"shape": [SIZE], "dtype": "float64", "data": data}
    return echo.document({"inputs": {"float64": leaf}})


def test_a_file_inside_is_read(echo: Echo) -> None:
    """A valid reference is read, so that the refusals below have the stated reason."""
    assert echo.read(document(echo, "data.bin")).float64.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "name",
    ["../secret.bin", "/etc/passwd", "/etc/../etc/passwd", "link", "folder/secret.bin", "./../x"],
)
def test_files_outside_are_refused(echo: Echo, name: str) -> None:
    """No path, dots or link leads out of the input path."""
    (echo.folder / "link").symlink_to("../secret.bin")
    (echo.folder / "folder").symlink_to("..")
    assert "lies outside of the input path" in echo.refusal(document(echo, name)).message


@pytest.mark.parametrize("kind", ["fifo", "folder", "socket", "dangling", "loop"])
def test_only_regular_files_are_opened(echo: Echo, kind: str) -> None:
    """A FIFO, a socket, a folder or a broken link is refused without blocking."""
    path = echo.folder / kind
    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "fifo":
            os.mkfifo(path)
        elif kind == "folder":
            path.mkdir()
        elif kind == "socket":
            listener.bind(os.path.relpath(path))
        else:
            path.symlink_to("nothing" if kind == "dangling" else kind)
        echo.refusal(document(echo, kind))


@pytest.mark.parametrize("device", ["zero", "random", "null", "full", "tty", "stdin", "fd/0"])
def test_devices_are_refused(catalog: Catalog, tmp_path: Path, device: str) -> None:
    """A device is refused, even if the input path is the folder of devices."""
    made = made_echo(catalog, "json+binref", tmp_path)
    flags = {**dict(made.runtime.config.given), "input_path": "/dev"}
    runtime = served_runtime(catalog, resolve(catalog, flags=flags, environment={}))
    echo = Echo(runtime=runtime, format=made.format, folder=tmp_path)
    peak = traced_peak(lambda: echo.refusal(document(echo, device)))
    assert peak < 1_000_000
    echo.refusal(document(echo, f"/dev/{device}"))


@pytest.mark.parametrize("name", ["swapped.bin", "swapped/secret.bin"])
def test_links_swapped_between_check_and_opening_lead_nowhere(
    echo: Echo, tmp_path: Path, name: str
) -> None:
    """A link that changes after the check never gives bytes from outside."""
    deep = echo.folder / "deep"
    deep.mkdir()
    np.arange(SIZE, dtype="float64").tofile(deep / "secret.bin")
    inside, outside = ("data.bin", "../secret.bin") if "/" not in name else ("deep", "..")
    body = document(echo, name)
    with swapping(echo.folder / name.partition("/")[0], inside, outside):
        answers = [echo.survive(body) for _ in range(1000)]
    read = [answer.float64.tolist() for answer in answers if answer is not None]
    assert len(read) < len(answers)
    assert all(array == [0, 1, 2, 3] for array in read)


@contextmanager
def swapping(link: Path, *targets: str) -> Iterator[None]:
    """Point a link to each of some targets in turn, as fast as possible."""
    done = threading.Event()

    def swap() -> None:
        while not done.is_set():
            for target in targets:
                draft = link.with_name("draft")
                draft.symlink_to(target)
                draft.replace(link)

    link.symlink_to(targets[0])
    thread = threading.Thread(target=swap)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("name", ["data.bin", "/etc/passwd", "tesseract_api.py", "nothing.bin"])
def test_nothing_is_opened_without_an_input_path(
    catalog: Catalog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Without `--input-path` no file is opened, even in the working directory."""
    made = made_echo(catalog, "json+binref", tmp_path)
    np.arange(SIZE, dtype="float64").tofile(tmp_path / "data.bin")
    monkeypatch.chdir(tmp_path)
    flags = {key: value for key, value in made.runtime.config.given.items() if key != "input_path"}
    runtime = served_runtime(catalog, resolve(catalog, flags=flags, environment={}))
    echo = Echo(runtime=runtime, format=made.format, folder=tmp_path)
    message = echo.refusal(document(echo, name)).message
    assert "was started without --input-path" in message


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/x",
        "file:///etc/passwd",
        "local:///etc/passwd",
        "memory://x",
        "data:,AAAA::x",
        "zip://x::http://127.0.0.1:9/x",
        "simplecache::file:///etc/passwd",
        "reference://::/etc/passwd",
    ],
)
def test_urls_are_refused(echo: Echo, url: str) -> None:
    """No URL is opened unless the options allow it."""
    assert "URLs are not read for a remote caller" in echo.refusal(document(echo, url)).message


NOWHERE = (
    *("data.bin:1", "data.bin:32", "data.bin:999999999999999999", "data.bin:0:31", "data.bin:0:33"),
    *("data.bin:-1", "data.bin:0x1", "data.bin:0:32:1", "data.bin:" + "9" * 100, ":0", "", "\x00"),
)
"""References to no array of four numbers in `data.bin`."""


@pytest.mark.parametrize("buffer", NOWHERE)
def test_places_that_are_not_in_the_file_are_refused(echo: Echo, buffer: str) -> None:
    """An array must be in its file completely."""
    echo.refusal(document(echo, buffer))


def test_more_packed_bytes_than_plain_ones_take_no_memory(echo: Echo) -> None:
    """A frame of tiny blocks, which no compressor makes, is refused by its size."""
    size = 80_000_000
    header = lz4.frame.compress(b"", store_size=False)[:7]
    block = (0x8000_0004).to_bytes(4, "little") + bytes(4)  # four bytes that are not compressed
    frame = header + block * (size // 4) + bytes(4)
    (echo.folder / "frame.bin").write_bytes(frame)
    leaf = {
        "shape": [size],
        "dtype": "int8",
        "data": {
            "buffer": f"frame.bin:0:{len(frame)}",
            "encoding": "binref",
            "compression": "lz4",
        },
    }
    body = echo.document({"inputs": {"int8": leaf}})
    del frame
    assert resident_peak(lambda: echo.survive(body)) < 2 * size + SLACK


@pytest.mark.parametrize("length", [256, 5000, 1_000_000])
def test_long_names_get_short_answers(echo: Echo, length: int) -> None:
    """A very long name is quoted in part."""
    message = echo.refusal(document(echo, "a" * length)).message
    assert len(message) < 1000
