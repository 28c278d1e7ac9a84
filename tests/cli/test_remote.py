"""Payloads and results of every format, in local folders, on S3 and on a web server."""

from __future__ import annotations

import base64
import json
import struct
import subprocess
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from io import IOBase
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

import msgpack
import msgpack_numpy
import numpy as np
import pytest

from tests.binref.conftest import FileServer, serving_files
from tests.conftest import DOUBLE, Cli
from tests.patience import SECONDS
from tests.server.conftest import Log

if TYPE_CHECKING:
    from tests.cli.conftest import Here

Tesseract = Callable[..., Path]

FORMATS = ["json", "json+base64", "json+binref", "msgpack"]
X, Y = (1.0, 2.5, 4.0), (2.0, 5.0, 8.0)
BYTES = struct.pack("<3d", *X)
PAYLOAD = json.dumps({"inputs": {"x": X}})

KEYS = {
    "AWS_ACCESS_KEY_ID": "x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_MAX_ATTEMPTS": "1",
}


class Place(Protocol):
    """A place for files, with the prefix of their names."""

    @property
    def url(self) -> str:
        """Return the path or URL."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the variables with which it can be reached."""

    @abstractmethod
    def put(self, name: str, body: bytes) -> None:
        """Make a file."""

    @abstractmethod
    def get(self, name: str) -> bytes:
        """Return a file."""

    @abstractmethod
    def names(self) -> list[str]:
        """Return the names of all files, in order."""


@dataclass(frozen=True, kw_only=True)
class Folder(Place):
    """A local folder."""

    path: Path

    @property
    def url(self) -> str:
        """Return its path."""
        return str(self.path)

    @property
    def environment(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def put(self, name: str, body: bytes) -> None:
        """Write a file."""
        self.path.mkdir(exist_ok=True)
        (self.path / name).write_bytes(body)

    def get(self, name: str) -> bytes:
        """Read a file."""
        return (self.path / name).read_bytes()

    def names(self) -> list[str]:
        """List the folder."""
        found = (path for path in self.path.iterdir() if path.name != "logs")
        return sorted(path.name for path in found if not path.name.startswith("run_"))


@dataclass(frozen=True, kw_only=True)
class Bucket(Place):
    """A bucket of an S3 server on this machine."""

    port: int
    bucket: str
    variable: str = "AWS_ENDPOINT_URL"

    @property
    def url(self) -> str:
        """Return the URL of a folder in the bucket."""
        return f"s3://{self.bucket}/folder"

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the address of the server, and keys to it."""
        return {**KEYS, self.variable: f"http://127.0.0.1:{self.port}"}

    def put(self, name: str, body: bytes) -> None:
        """Store an object."""
        self._request("PUT", f"/folder/{name}", body)

    def get(self, name: str) -> bytes:
        """Fetch an object."""
        return self._request("GET", f"/folder/{name}")

    def names(self) -> list[str]:
        """List the folder."""
        listing = self._request("GET", "?list-type=2").decode()
        keys = [part.partition("</Key>")[0] for part in listing.split("<Key>")[1:]]
        return sorted(key.removeprefix("folder/") for key in keys)

    def make(self) -> None:
        """Make the bucket."""
        self._request("PUT", "")

    def _request(self, method: str, path: str, body: bytes = b"") -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        # The server asks for a name, and accepts any.
        headers = {"Authorization": "AWS x:x", "Content-Type": "application/octet-stream"}
        connection.request(method, f"/{self.bucket}{path}", body, headers)
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        assert response.status == 200, answer
        return answer


@dataclass(frozen=True, kw_only=True)
class Site(Place):
    """A web server, which nothing can be written to."""

    server: FileServer

    @property
    def url(self) -> str:
        """Return the URL of a folder."""
        return f"{self.server.url}/folder"

    @property
    def environment(self) -> Mapping[str, str]:
        """Return nothing."""
        return {}

    def put(self, name: str, body: bytes) -> None:
        """Publish a file."""
        self.server.files[f"/folder/{name}"] = body

    def get(self, name: str) -> bytes:
        """Return a file."""
        return self.server.files[f"/folder/{name}"]

    def names(self) -> list[str]:
        """List the folder."""
        return sorted(path.removeprefix("/folder/") for path in self.server.files)


@pytest.fixture(scope="session")
def s3_port() -> Iterator[int]:
    """Return the port of a running S3 server."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield int(Log(process).wait_for(r"Running on http://127\.0\.0\.1:(\d+)")[1])
        finally:
            process.kill()


@pytest.fixture
def bucket(s3_port: int, request: pytest.FixtureRequest) -> Bucket:
    """Return a new, empty bucket for a test."""
    bucket = Bucket(port=s3_port, bucket=f"bucket-{abs(hash(request.node.nodeid))}")
    bucket.make()
    return bucket


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Return the place that a test names as its parameter."""
    if request.param == "folder":
        yield Folder(path=tmp_path / "folder")
    elif request.param == "s3":
        yield request.getfixturevalue("bucket")
    else:
        with serving_files() as server:
            yield Site(server=server)


writable = pytest.mark.parametrize("place", ["folder", "s3"], indirect=True)
readable = pytest.mark.parametrize("place", ["folder", "s3", "web"], indirect=True)


def everywhere(
    places: list[str], name: str, values: Iterable[str], remote: set[str]
) -> pytest.MarkDecorator:
    """Parametrize a test by a place and something else, of which S3 has only the `remote` ones."""
    cases = [
        pytest.param(place, value)
        for place in places
        for value in values
        if place != "s3" or value in remote
    ]
    return pytest.mark.parametrize(("place", name), cases, indirect=["place"])


@pytest.fixture
def apply(cli: Cli, cli_here: Cli, tesseract: Tesseract) -> Callable[..., Any]:
    """Return a function that runs `apply`, with options before and after.

    Only what has variables gets a process: fsspec reads them once.
    """

    def run(
        payload: str, *after: str, before: tuple[str, ...] = (), place: Place | None = None
    ) -> Any:
        environment = place.environment if place else {}
        arguments = ("--api-path", str(tesseract()), *before, "apply", payload, *after)
        return (cli if environment else cli_here)(*arguments, environment=environment)

    return run


def result_in(place: Place, format_: str, name: str = "") -> Any:
    """Return the numbers of a result of `DOUBLE`, read without the runtime."""
    suffix = "msgpack" if format_ == "msgpack" else "json"
    body = place.get(name or f"results.{suffix}")
    document = msgpack.unpackb(body) if format_ == "msgpack" else json.loads(body)
    return numbers(document["y"], place)


def numbers(array: Mapping[str, Any], place: Place) -> list[float]:
    """Return the numbers of an array document, read without the runtime."""
    buffer, encoding = array["data"]["buffer"], array["data"]["encoding"]
    if encoding == "binref":
        name, _, offset = buffer.partition(":")
        return unpacked(place.get(name)[int(offset or 0) :])
    table = {"json": list, "base64": lambda text: unpacked(base64.b64decode(text)), "raw": unpacked}
    return list(table[encoding](buffer))


def unpacked(data: bytes) -> list[float]:
    """Return the numbers in the bytes of an array."""
    return list(struct.unpack(f"<{len(data) // 8}d", data))


def array(buffer: Any, encoding: str) -> dict[str, Any]:
    """Return the document of the array `X`."""
    data = {"buffer": buffer, "encoding": encoding}
    return {"shape": [3], "dtype": "float64", "data": data}


@everywhere(["folder", "s3"], "format_", FORMATS, remote={"json+binref", "msgpack"})
def test_result_goes_to_a_place(apply: Callable[..., Any], place: Place, format_: str) -> None:
    """`-o` takes the result in every format, with the suffix of that, and stdout stays empty."""
    ended = apply(PAYLOAD, "-o", place.url, "-f", format_, place=place)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert result_in(place, format_) == list(Y)
    suffixes = [name.rpartition(".")[2] for name in place.names()]
    assert (
        sorted(suffixes)
        == {
            "json": ["json"],
            "json+base64": ["json"],
            "json+binref": ["bin", "json"],
            "msgpack": ["msgpack"],
        }[format_]
    )


@everywhere(["folder", "s3"], "format_", FORMATS, remote={"json+binref"})
def test_output_file_names_the_result(
    apply: Callable[..., Any], place: Place, format_: str
) -> None:
    """`--output-file` is the name of the document, whatever its format; arrays lie beside it."""
    before = ("--output-file", "answer.data")
    ended = apply(PAYLOAD, "-o", place.url, "-f", format_, before=before, place=place)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert "answer.data" in place.names()
    assert result_in(place, format_, "answer.data") == list(Y)


@writable
def test_compressed_result(apply: Callable[..., Any], place: Place) -> None:
    """`--compression` applies to the files of a result, and their references have the size."""
    options = ("-o", place.url, "-f", "json+binref")
    ended = apply(PAYLOAD, *options, before=("--compression", "lz4"), place=place)
    assert (ended.returncode, ended.stderr) == (0, "")
    document = json.loads(place.get("results.json"))
    assert document["y"]["data"]["compression"] == "lz4"
    name, offset, size = document["y"]["data"]["buffer"].split(":")
    assert (offset, int(size)) == ("0", len(place.get(name)))


@writable
def test_arrays_may_go_where_the_document_does_not(apply: Callable[..., Any], place: Place) -> None:
    """A global `--output-path` takes the files of a result whose document goes to stdout."""
    ended = apply(PAYLOAD, "-f", "json+binref", before=("--output-path", place.url), place=place)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert numbers(json.loads(ended.stdout)["y"], place) == list(Y)
    assert [name.rpartition(".")[2] for name in place.names()] == ["bin"]


def test_files_without_a_folder_are_refused(here: Here, tesseract: Tesseract) -> None:
    """`json+binref` without a folder for its files is refused before the computation."""
    source = DOUBLE.replace("    return", "    raise ValueError('computed')\n    return")
    for command in (["-f", "json+binref"], []):
        before = [] if command else ["--output-format", "json+binref"]
        ended = here("--api-path", str(tesseract(source)), *before, "apply", PAYLOAD, *command)
        assert (ended.code, ended.stdout) == (2, "")
        assert ended.stderr == (
            "Error: Format 'json+binref' writes files: name a folder for them with -o or "
            "--output-path.\n"
        )


@pytest.mark.parametrize("format_", FORMATS)
def test_folder_that_cannot_be_written_is_named(
    here: Here, tesseract: Tesseract, tmp_path: Path, format_: str
) -> None:
    """A file in place of the folder is refused in one line for every format."""
    (tmp_path / "out").write_bytes(b"precious")
    ended = here("--api-path", str(tesseract()), "apply", PAYLOAD, "-o", "out", "-f", format_)
    assert (ended.code, ended.stdout) == (2, "")
    assert ended.stderr.startswith("Error: Cannot write ")
    assert ended.stderr.count("\n") == 1
    assert (tmp_path / "out").read_bytes() == b"precious"


@pytest.mark.parametrize("format_", FORMATS)
def test_reader_never_sees_half_a_result(
    here: Here, tesseract: Tesseract, tmp_path: Path, format_: str
) -> None:
    """A visible result is whole, with all of its files."""
    place = Folder(path=tmp_path / "folder")
    result = place.path / ("results.msgpack" if format_ == "msgpack" else "results.json")
    seen: list[int | str] = []

    def look() -> None:
        try:
            if result.exists():
                seen.append(len(result_in(place, format_)))
        except (OSError, ValueError) as error:  # raised here, it would be an error of the command
            seen.append(repr(error))

    for size in (1_500, 3_000):  # more than a file's buffer, which is written in one piece
        payload = json.dumps({"inputs": {"x": [1 / 3] * size}})
        with looking(look):
            options = ("-o", place.url, "-f", format_)
            assert here("--api-path", str(tesseract()), "apply", payload, *options).code == 0
    assert [size for size, _ in groupby(seen)] == [1_500, 3_000]
    assert not [name for name in place.names() if name.startswith(".")]


@contextmanager
def looking(look: Callable[[], None]) -> Iterator[None]:
    """Call a function whenever this thread has called what may change a file.

    A polling thread would see less, and hold the GIL.
    """

    def returned(frame: FrameType, event: str, function: Any) -> None:
        if event != "c_return":
            return
        if function.__module__ in ("posix", "io", "_io") or isinstance(function.__self__, IOBase):
            look()

    before = sys.getprofile()
    sys.setprofile(returned)
    try:
        yield
    finally:
        sys.setprofile(before)


BODIES: Mapping[str, Callable[[], bytes]] = {
    "payload": PAYLOAD.encode,
    "payload.json": lambda: json.dumps(
        {"inputs": {"x": array(base64.b64encode(BYTES).decode(), "base64")}}
    ).encode(),
    "binref.json": lambda: json.dumps({"inputs": {"x": array("x.bin:5", "binref")}}).encode(),
    "payload.msgpack": lambda: bytes(msgpack.packb({"inputs": {"x": array(BYTES, "raw")}})),
    "numpy.msgpack": lambda: bytes(msgpack_numpy.packb({"inputs": {"x": np.array(X)}})),
}


@everywhere(["folder", "s3", "web"], "name", BODIES, remote={"binref.json", "payload.msgpack"})
def test_payload_comes_from_a_place(apply: Callable[..., Any], place: Place, name: str) -> None:
    """`@` reads every format by its suffix; the names in it start from `--input-path`."""
    place.put(name, BODIES[name]())
    place.put("x.bin", b"12345" + BYTES)
    ended = apply(f"@{place.url}/{name}", before=("--input-path", place.url), place=place)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["y"]["data"]["buffer"] == list(Y)


@readable
def test_files_are_named_in_full_too(apply: Callable[..., Any], place: Place) -> None:
    """A payload on the command line may name any file and URL."""
    place.put("x.bin", BYTES)
    payload = json.dumps({"inputs": {"x": array(f"{place.url}/x.bin", "binref")}})
    ended = apply(payload, place=place)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["y"]["data"]["buffer"] == list(Y)


def test_relative_names_start_from_the_input_path(
    here: Here, tesseract: Tesseract, tmp_path: Path
) -> None:
    """Relative names start from the input path or the working directory, not from the payload."""
    (tmp_path / "payloads").mkdir()
    (tmp_path / "payloads" / "payload.json").write_bytes(BODIES["binref.json"]())
    command = ("--api-path", str(tesseract()))
    (tmp_path / "x.bin").write_bytes(b"12345" + BYTES)
    assert here(*command, "apply", "@payloads/payload.json").code == 0
    ended = here(*command, "--input-path", "payloads", "apply", "@payloads/payload.json")
    assert ended.code == 2
    assert "Cannot read 'x.bin': No such file or directory." in ended.stderr


@writable
def test_result_is_a_payload_again(
    apply: Callable[..., Any], tesseract: Tesseract, place: Place
) -> None:
    """A Tesseract reads the result of another one, with its arrays, from the same place."""
    apply(PAYLOAD, "-o", place.url, "-f", "json+binref", place=place)
    y = json.loads(place.get("results.json"))["y"]
    payload = json.dumps({"inputs": {"x": y}})
    ended = apply(payload, before=("--input-path", place.url), place=place)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["y"]["data"]["buffer"] == [2 * number for number in Y]


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "FSSPEC_S3_ENDPOINT_URL"])
def test_address_of_s3_comes_from_the_environment(
    apply: Callable[..., Any], s3_port: int, variable: str
) -> None:
    """Both the variable of AWS and that of fsspec name another server than Amazon's."""
    bucket = Bucket(port=s3_port, bucket=variable.lower().replace("_", "-"), variable=variable)
    bucket.make()
    bucket.put("payload.json", PAYLOAD.encode())
    ended = apply(f"@{bucket.url}/payload.json", "-o", bucket.url, place=bucket)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert result_in(bucket, "json") == list(Y)


@pytest.mark.parametrize("place", ["s3", "web"], indirect=True)
def test_missing_remote_file_is_named(apply: Callable[..., Any], place: Place) -> None:
    """A missing payload or file is an invalid call."""
    ended = apply(f"@{place.url}/none.json", place=place)
    assert (ended.returncode, ended.stdout) == (2, "")
    url = f"{place.url}/none.json"
    assert ended.stderr.startswith(f"Error: Cannot open '{url}': FileNotFoundError")
    assert ended.stderr.count("\n") == 1
    place.put("payload.json", BODIES["binref.json"]())
    before = ("--input-path", place.url)
    ended = apply(f"@{place.url}/payload.json", before=before, place=place)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "  inputs.x: Failed to decode array" in ended.stderr
    assert f"'{place.url}/x.bin'" in ended.stderr


@pytest.mark.parametrize("format_", ["json", "json+binref"])
def test_server_that_is_not_there_is_told(apply: Callable[..., Any], format_: str) -> None:
    """A result that cannot be delivered is an error in one line that names the place."""
    nowhere = Bucket(port=1, bucket="nowhere")
    ended = apply(PAYLOAD, "-o", nowhere.url, "-f", format_, place=nowhere)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "s3://nowhere/folder/" in ended.stderr
    assert "Could not connect to the endpoint" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_payload_that_breaks_off_is_told(apply: Callable[..., Any]) -> None:
    """A web server that refuses a payload is not reported as a fault of the runtime."""
    with serving_files() as server:
        server.files["/payload.json"] = PAYLOAD.encode()
        server.broken.add("/payload.json")
        ended = apply(f"@{server.url}/payload.json")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"{server.url}/payload.json" in ended.stderr
    assert ended.stderr.count("\n") == 1
