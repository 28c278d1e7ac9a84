"""Requests that must fail: their answers, and the absence of side effects."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lz4.frame
import msgpack
import psutil
import pytest

from tests.conftest import DOUBLE
from tests.patience import SECONDS
from tests.server.conftest import head, read_answer, serving

if TYPE_CHECKING:
    from tests.server.conftest import Served

MSGPACK = "application/msgpack"
BASE64 = "application/json+base64"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
PAYLOAD = b'{"inputs": {"x": [1.0]}}'
GIB = 1 << 30
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A request, and the status and a pattern of the text of its answer."""

    body: bytes = PAYLOAD
    status: int
    text: str
    path: str = "/apply"
    method: str = "POST"
    headers: Mapping[str, str] = field(default_factory=dict)


def leaf(data: Mapping[str, Any], **facts: Any) -> bytes:
    """Return a payload whose array has such data."""
    array = {"shape": [2], "dtype": "float64", "data": data, **facts}
    return json.dumps({"inputs": {"x": array}}).encode()


def refers_to(name: str, **facts: Any) -> bytes:
    """Return a payload whose array is in a file."""
    return leaf({"buffer": name, "encoding": "binref"}, **facts)


def packed(data: bytes, **facts: Any) -> bytes:
    """Return a payload whose array is compressed by lz4."""
    buffer = base64.b64encode(data).decode()
    return leaf({"buffer": buffer, "encoding": "base64", "compression": "lz4"}, **facts)


def nested(opening: str, closing: str, depth: int) -> bytes:
    """Return a payload with nested lists or objects."""
    value = opening * depth + "1" + closing * depth
    return f'{{"inputs": {{"x": {value}}}}}'.encode()


def refusal_of_run(run_id: str) -> Refusal:
    """Return the refusal of a run with an invalid id."""
    return Refusal(path=f"/apply?run_id={run_id}", status=422, text="1 to 128 letters")


OUTSIDE = r"is not opened|Cannot read|is not a regular file|at most 4200 characters"

RUN_IDS = {
    f"run id {name}": refusal_of_run(name)
    for name in (
        "..",
        "../x",
        "..%2fx",
        "%2e%2e%2fx",
        "%252e%252e%252fx",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "a..b",
        "a%5cb",
        "a%00",
        "a%0d%0aSet-Cookie:%20b",
        "~root",
        "x" * 129,
        "",
        "%ff",
        "C:",
    )
}

FILES = {
    f"file {name}": Refusal(body=refers_to(name), status=422, text=OUTSIDE)
    for name in (
        "/etc/passwd",
        "../secret.bin",
        "folder/../../secret.bin",
        "./../secret.bin",
        "link.bin",
        "linked/secret.bin",
        "folder",
        "none.bin",
        "pipe",
        "/dev/zero",
        "/dev/fd/0",
        "/proc/self/environ",
        "file:///etc/passwd",
        "local:///etc/passwd",
        "http://127.0.0.1:{port}/health",
        "http://localhost:{port}/apply",
        "https://example.org/x",
        "ftp://127.0.0.1/x",
        "s3://bucket/key",
        "data:,x",
        "memory://x",
        "simplecache::file:///etc/passwd",
        "tar://x::file:///etc/passwd",
        "github://a:b@c/x",
        "inside.bin\0",
        "~/secret.bin",
        "x" * 5000,
    )
}

PARTS = {
    "offset beyond the end": Refusal(
        body=refers_to("inside.bin:1000000"), status=422, text="array_decode_error"
    ),
    "negative offset": Refusal(
        body=refers_to("inside.bin:-8"), status=422, text=f"array_decode_error|{OUTSIDE}"
    ),
    "more than there is": Refusal(
        body=refers_to("inside.bin", shape=[3]), status=422, text="array_decode_error"
    ),
    "a huge part of a sparse file": Refusal(
        body=refers_to("sparse.bin:0:8", shape=[1 << 40]), status=413, text="--memory-limit"
    ),
}

BOMBS = {
    "lz4 of a gigabyte for two numbers": Refusal(
        body=packed(lz4.frame.compress(bytes(64 * MIB))), status=422, text="array_decode_error"
    ),
    "lz4 that says it is small": Refusal(
        body=packed(lz4.frame.compress(bytes(64 * MIB), store_size=False)),
        status=422,
        text="array_decode_error",
    ),
    "lz4 for a shape that is huge": Refusal(
        body=packed(lz4.frame.compress(bytes(16)), shape=[1 << 36]),
        status=413,
        text="--memory-limit",
    ),
    "lz4 that is none": Refusal(body=packed(b"\0" * 30), status=422, text="array_decode_error"),
    "shape that is huge": Refusal(
        body=leaf({"buffer": "AAAA", "encoding": "base64"}, shape=[1 << 40]),
        status=413,
        text="--memory-limit",
    ),
    "shape beyond 64 bits": Refusal(
        body=leaf({"buffer": [], "encoding": "json"}, shape=[10**30]), status=422, text="shape"
    ),
    "shape that overflows": Refusal(
        body=leaf({"buffer": "", "encoding": "base64"}, shape=[1 << 32, 1 << 32]),
        status=422,
        text="array_",
    ),
    "negative shape": Refusal(
        body=leaf({"buffer": [1.0], "encoding": "json"}, shape=[-1]), status=422, text="shape"
    ),
    "size one of a huge shape": Refusal(
        body=leaf({"buffer": [1.0], "encoding": "json"}, shape=[1 << 34]),
        status=413,
        text="--memory-limit",
    ),
    "lists inside lists": Refusal(body=nested("[", "]", 300), status=422, text="recursion|nest"),
    "objects inside objects": Refusal(
        body=nested('{"a":', "}", 300), status=422, text="recursion|nest"
    ),
    "a hundred thousand brackets": Refusal(body=b"[" * 100_000, status=422, text="not valid json"),
    "msgpack of four billion items": Refusal(
        body=b"\xdd\xff\xff\xff\xff", headers={"Content-Type": MSGPACK}, status=422, text="items"
    ),
    "msgpack map of four billion items": Refusal(
        body=b"\xdf\xff\xff\xff\xff", headers={"Content-Type": MSGPACK}, status=422, text="items"
    ),
    "msgpack of four gigabytes": Refusal(
        body=b"\xc6\xff\xff\xff\xff", headers={"Content-Type": MSGPACK}, status=422, text="ends"
    ),
    "msgpack lists inside lists": Refusal(
        body=b"\x91" * 100_000, headers={"Content-Type": MSGPACK}, status=422, text="200"
    ),
    "msgpack with a pickle": Refusal(
        body=msgpack.packb(
            {"inputs": {"x": {"nd": True, "type": "O", "kind": "O", "shape": [1], "data": b"."}}}
        ),
        headers={"Content-Type": MSGPACK},
        status=422,
        text="kind 'O'",
    ),
    "integer of a million digits": Refusal(
        body=b'{"inputs": {"x": [%s]}}' % (b"9" * 1_000_000), status=422, text="number out of range"
    ),
    "float of a million digits": Refusal(
        body=b'{"inputs": {"q": 0.%s}}' % (b"9" * 1_000_000), status=422, text='"inputs","q"'
    ),
}

PAYLOADS = {
    "NaN in an unknown field": Refusal(
        body=b'{"inputs": {"x": [1.0], "q": NaN}}', status=422, text='"inputs","q"'
    ),
    "Infinity where an integer belongs": Refusal(
        body=leaf({"buffer": [1.0, 2.0], "encoding": "json"}, shape=[float("inf")]),
        status=422,
        text=r"shape \[inf\]",
    ),
    "NaN beside the inputs": Refusal(
        body=b'{"inputs": {"x": [1.0]}, "q": NaN}', status=422, text='"body","q"'
    ),
    "the last of two keys": Refusal(
        body=b'{"inputs": {"x": [1.0]}, "inputs": {"x": "no"}}', status=422, text="array_non_num"
    ),
    "no key at all": Refusal(body=b"{}", status=422, text='"body","inputs"'),
    "two documents": Refusal(body=PAYLOAD + PAYLOAD, status=422, text="trailing characters"),
    "an unknown encoding": Refusal(
        body=leaf({"buffer": [1.0, 2.0], "encoding": "pickle"}), status=422, text="pickle"
    ),
    "base64 with spaces": Refusal(
        body=leaf({"buffer": " AAAAAAAAAAAAAAAAAAAAAA==", "encoding": "base64"}),
        status=422,
        text="array_decode_error",
    ),
    "msgpack said to be JSON": Refusal(
        body=msgpack.packb({"inputs": {"x": [1.0]}}), status=422, text="not valid json"
    ),
    "JSON said to be msgpack": Refusal(
        headers={"Content-Type": MSGPACK}, status=422, text="not valid msgpack"
    ),
}

HEADERS = {
    f"content type {value}": Refusal(
        headers={"Content-Type": value}, status=415, text="is not supported"
    )
    for value in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "application/json+pickle",
        "application/jsonx",
        "application",
        "*/*",
        "json",
        "; charset=utf-8",
    )
} | {
    f"accept {value}": Refusal(headers={"Accept": value}, status=406, text="available_formats")
    for value in (
        "image/*",
        "text/html",
        "application/json;q=0",
        "application/json;compression=zip",
    )
}

PLACES = {
    "path above the root": Refusal(path="/../etc/passwd", status=404, text="Not Found"),
    "path that is encoded": Refusal(path="/%2e%2e/%2e%2e/etc/passwd", status=404, text="Not F"),
    "another host": Refusal(headers={"Host": "evil.example"}, status=421, text="--allowed-host"),
    "unknown method": Refusal(method="PATCH", status=405, text="Method Not Allowed"),
    "gradient that is not there": Refusal(path="/jacobian", status=404, text="jacobian"),
    "test of a server that serves": Refusal(path="/test", status=404, text="Not Found|debug"),
    "zipped body": Refusal(
        headers={"Content-Encoding": "gzip"}, status=415, text="Content-Encoding"
    ),
    "no time at all": Refusal(
        headers={"Request-Timeout": "0"}, status=422, text="positive number of seconds"
    ),
}

REFUSALS = {**RUN_IDS, **FILES, **PARTS, **BOMBS, **PAYLOADS, **HEADERS, **PLACES}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an input path, with a secret next to it."""
    root = tmp_path_factory.mktemp("files")
    (root / "secret.bin").write_bytes(b"SECRET!!" * 2)
    folder = root / "inside"
    (folder / "folder").mkdir(parents=True)
    (folder / "inside.bin").write_bytes(bytes(16))
    (folder / "link.bin").symlink_to(root / "secret.bin")
    (folder / "linked").symlink_to(root)
    os.mkfifo(folder / "pipe")
    with (folder / "sparse.bin").open("wb") as sparse:
        sparse.truncate(100 * GIB)
    return folder


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Served]:
    """Return a server that may read a folder; its worker survives all requests, and stays small."""
    path = tmp_path_factory.mktemp("guarded") / "tesseract_api.py"
    path.write_text(DOUBLE, encoding="utf-8")
    with serving(path, "--input-path", str(folder)) as served:
        workers = served.workers()
        yield served
        assert served.workers() == workers
        assert all(peak_of(process.pid) < 700 * MIB for process in workers)
        assert peak_of(served.process.pid) < 300 * MIB
        served.end()
        assert "Traceback" not in served.log.wait_for_end()
        assert {entry.name for entry in path.parent.iterdir()} <= {path.name, "__pycache__"}


def peak_of(pid: int) -> int:
    """Return the peak memory of a process, where the system reports it."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except FileNotFoundError:
        return psutil.Process(pid).memory_info().rss
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else psutil.Process(pid).memory_info().rss


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=[name[:60] for name in REFUSALS])
def test_request_is_refused(guarded: Served, refusal: Refusal) -> None:
    """The answer is short, has the status and the reason, and shows nothing of any file."""
    body = refusal.body.replace(b"{port}", str(guarded.port).encode())
    answer = guarded.request(refusal.method, refusal.path, body, refusal.headers)
    text = answer.body.decode()
    assert (answer.status, answer.headers["content-type"]) == (refusal.status, "application/json")
    assert re.search(refusal.text, text), text
    assert len(text) < 2000
    assert not re.search("root:|SECRET|U0VDUkVU", text)
    assert json.loads(text)["detail"]
    assert guarded.apply({"x": [1.0]}).status == 200


def product(**changes: Any) -> bytes:
    """Return the payload of a vector-Jacobian product of `DOUBLE`, with changes."""
    payload = {
        "inputs": {"x": [1.0, 2.0]},
        "vjp_inputs": ["x"],
        "vjp_outputs": ["y"],
        "cotangent_vector": {"y": [1.0, 1.0]},
    }
    return json.dumps({**payload, **changes}).encode()


GRADIENTS = {
    "cotangent of another length": (
        product(cotangent_vector={"y": [1.0, 1.0, 1.0]}),
        r'"cotangent_vector","y".*shape',
    ),
    "cotangent of another output": (
        product(cotangent_vector={"z": [1.0, 1.0]}),
        "cotangent vector with keys conforming to vjp_outputs: y, got z",
    ),
    "cotangent of nothing": (product(cotangent_vector={}), "vjp_outputs: y, got none"),
    "output that is not there": (product(vjp_outputs=["z"]), r'"vjp_outputs",0.*Valid: y\.'),
    "input that is not there": (product(vjp_inputs=["x.[0]"]), r'"vjp_inputs",0.*Valid: x\.'),
    "no input": (product(vjp_inputs=[]), '"vjp_inputs"'),
    "no output": (product(vjp_outputs=[]), '"vjp_outputs"'),
    "NaN as a path": (product(vjp_inputs=[float("nan")]), '"vjp_inputs",0'),
}


@pytest.fixture(scope="module")
def differentiated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server that has gradients."""
    path = tmp_path_factory.mktemp("differentiated") / "tesseract_api.py"
    path.write_text(DOUBLE, encoding="utf-8")
    with serving(path, "--gradient-backend=auto") as served:
        yield served


@pytest.mark.parametrize(("body", "text"), GRADIENTS.values(), ids=GRADIENTS)
def test_wrong_question_for_a_gradient_is_refused(
    differentiated: Served, body: bytes, text: str
) -> None:
    """Unknown paths and invalid cotangents are a 422, nothing else."""
    answer = differentiated.request("POST", "/vector_jacobian_product", body)
    assert answer.status == 422
    assert re.search(text, answer.body.decode()), answer.body
    right = differentiated.request("POST", "/vector_jacobian_product", product())
    assert right.json()["x"]["data"]["buffer"] == [2.0, 2.0]


@pytest.mark.parametrize("form", ["json", "json+base64"])
def test_numbers_that_json_does_not_have_come_back(double: Served, form: str) -> None:
    """NaN and infinities are unchanged, not `null`."""
    x = '["NaN", NaN, "Infinity", -Infinity]'
    headers = {"Accept": f"application/{form}"}
    answer = double.request("POST", "/apply", f'{{"inputs": {{"x": {x}}}}}', headers)
    assert (answer.status, b"null" in answer.body) == (200, False)
    again = json.dumps({"inputs": {"x": answer.json()["y"]}})
    assert double.request("POST", "/apply", again, headers).body == answer.body


def test_file_inside_is_still_read(guarded: Served) -> None:
    """A file inside the folder is read: the others are refused for their place."""
    answer = guarded.request("POST", "/apply", refers_to("inside.bin"))
    assert answer.json()["y"]["data"]["buffer"] == [0.0, 0.0]


@pytest.mark.parametrize("name", ["inside.bin", "/etc/passwd", "http://127.0.0.1:{port}/health"])
def test_server_without_an_input_path_opens_nothing(double: Served, name: str) -> None:
    """A server without an input path opens no file and no URL, not even its own."""
    body = refers_to(name.format(port=double.port))
    answer = double.request("POST", "/apply", body)
    assert (answer.status, double.get("/health").status) == (422, 200)
    assert "is not opened" in answer.json()["detail"][0]["msg"]


@pytest.mark.parametrize("text", ["1,", "[],", "{},"])
def test_list_of_a_hundred_megabytes_is_refused_unparsed(guarded: Served, text: str) -> None:
    """JSON of more items than are allowed costs the time to count them, and no memory."""
    [worker] = guarded.workers()
    before = peak_of(worker.pid)
    body = b'{"inputs": {"x": [%s1]}}' % (text.encode() * (100 * MIB // len(text)))
    answer = guarded.request("POST", "/apply", body)
    assert answer.status == 422
    assert "--max-json-items" in answer.json()["detail"][0]["msg"]
    assert peak_of(worker.pid) - before < 250 * MIB  # the text itself, and a copy of it


RAW = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\r\n\r\n", 400),
    "two sizes": (head(Content_Length="24, 25") + PAYLOAD, 400),
    "size and chunks": (head(Content_Length=24, Transfer_Encoding="chunked") + PAYLOAD, 400),
    "broken chunk": (head(Transfer_Encoding="chunked") + b"xyz\r\n" + PAYLOAD, 400),
    "unknown transfer": (head(Transfer_Encoding="gzip") + PAYLOAD, 400),
    "endless header": (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000_000, 431),
    "endless trailer": (
        head(Transfer_Encoding="chunked") + b"0\r\nX: " + b"x" * 1_000_000,
        431,
    ),
    "endless chunk size": (head(Transfer_Encoding="chunked") + b"0" * 1_000_000, 431),
    "header without a colon": (b"GET /health HTTP/1.1\r\nHost: localhost\r\nX\r\n\r\n", 400),
    "NUL in a header": (head("/health", "GET", X="a\0b"), 400),
    "newline in the target": (b"GET /a\nb HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
    "unknown version": (b"GET /health HTTP/9.9\r\nHost: localhost\r\n\r\n", 400),
}


@pytest.mark.parametrize(("request_", "status"), RAW.values(), ids=RAW)
def test_broken_http_is_refused(double: Served, request_: bytes, status: int) -> None:
    """Bytes that are no request of HTTP are a 400 or the end of the connection."""
    with double.raw() as broken:
        broken.sendall(request_)
        broken.settimeout(SECONDS)
        try:
            assert read_answer(broken).status == status
        except ConnectionError:
            pass
    assert double.get("/health").status == 200


def test_browser_gets_an_answer(double: Served) -> None:
    """A browser with a long header `Accept` is served."""
    answers = [
        double.get("/health", accept=BROWSER),
        double.request("POST", "/apply", PAYLOAD, {"Accept": BROWSER}),
    ]
    assert [answer.status for answer in answers] == [200, 200]


def test_duplicate_keys_mean_the_last(double: Served) -> None:
    """Of two keys of one name the last counts, as it is documented."""
    body = b'{"inputs": {"x": "no", "x": [1.0]}, "inputs": {"x": [3.0], "x": [4.0]}}'
    answer = double.request("POST", "/apply", body)
    assert answer.json()["y"]["data"]["buffer"] == [8.0]


def test_nothing_is_written_for_a_run_that_is_refused(
    tmp_path: Path, tesseract: Callable[..., Path]
) -> None:
    """Neither wrong run ids nor wrong payloads leave anything in the output path or beside it."""
    output = tmp_path / "output"
    output.mkdir()
    with serving(tesseract(), "--output-path", str(output)) as served:
        for run_id in ("..%2fescaped", "%2e%2e%2fescaped", "fine"):
            served.request("POST", f"/apply?run_id={run_id}", b"{")
    assert [*output.iterdir()] == []
    assert not (tmp_path / "escaped").exists()
    assert not [*tmp_path.glob("*escaped*")]
