"""Every format over real sockets: bodies, answers, compressions, and files beside answers."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lz4.frame
import msgpack
import msgpack_numpy
import numpy as np
import pytest

from tests.conftest import DOUBLE, Cli
from tests.server.conftest import serving

if TYPE_CHECKING:
    from runtime_core.catalog import Catalog
    from tests.server.conftest import Answer, Serve, Served

Tesseract = Callable[..., Path]

JSON, BASE64, BINREF = "application/json", "application/json+base64", "application/json+binref"
MSGPACK, X_MSGPACK = "application/msgpack", "application/x-msgpack"
MEDIA_TYPES = [JSON, BASE64, BINREF, MSGPACK]
ENCODINGS = {JSON: "json", BASE64: "base64", BINREF: "binref", MSGPACK: "raw"}

IN_PROCESS = ["--in-process"]
"""An option of `serve` for rules that concern no worker, which takes time to start."""

X, Y = [1.0, 2.5, 4.0], [2.0, 5.0, 8.0]
BYTES = struct.pack("<3d", *X)
PAYLOAD = json.dumps({"inputs": {"x": X}})


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that the server of this module writes into."""
    return tmp_path_factory.mktemp("outputs")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, outputs: Path) -> Iterator[Served]:
    """Return a server of the Tesseract that doubles a vector, with a folder for its files."""
    path = tmp_path_factory.mktemp("double") / "tesseract_api.py"
    path.write_text(DOUBLE)
    with serving(path, "--output-path", str(outputs)) as served:
        yield served


def post(served: Served, body: bytes | str = PAYLOAD, *, query: str = "", **headers: str) -> Answer:
    """Apply the Tesseract to a body."""
    dashed = {name.replace("_", "-"): value for name, value in headers.items()}
    return served.request("POST", f"/apply{query}", body, dashed)


def tree(answer: Answer) -> Any:
    """Return the document of an answer, read without the runtime."""
    if answer.headers["content-type"] == MSGPACK:
        return msgpack.unpackb(answer.body)
    return answer.json()


def numbers(answer: Answer, folder: Path) -> list[float]:
    """Return the numbers of the answer `y`, read without the runtime."""
    data = dict(tree(answer)["y"]["data"])
    encoding, buffer = data.pop("encoding"), data.pop("buffer")
    compressed = data.pop("compression", None) == "lz4"
    assert data == {}
    if encoding == "json":
        return list(buffer)
    bytes_ = BYTES_OF[encoding](buffer, folder)
    return np.frombuffer(lz4.frame.decompress(bytes_) if compressed else bytes_).tolist()  # type: ignore[no-any-return]  # numpy says Any


def bytes_of_file(reference: str, folder: Path) -> bytes:
    """Return the bytes that a reference in an answer points to."""
    name, offset, *size = reference.split(":")
    end = int(offset) + int(size[0]) if size else None
    return (folder / name).read_bytes()[int(offset) : end]


BYTES_OF: Mapping[str, Callable[[Any, Path], bytes]] = {
    "base64": lambda buffer, folder: base64.b64decode(buffer),
    "raw": lambda buffer, folder: bytes(buffer),
    "binref": bytes_of_file,
}


@pytest.mark.parametrize("media_type", MEDIA_TYPES)
def test_every_format_is_answered(served: Served, outputs: Path, media_type: str) -> None:
    """`Accept` with the media type of a format gives that format and its array encoding."""
    answer = post(served, accept=media_type)
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    array = tree(answer)["y"]
    assert (array["shape"], array["dtype"]) == ([3], "float64")
    assert array["data"]["encoding"] == ENCODINGS[media_type]
    assert numbers(answer, outputs) == Y


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (X_MSGPACK, MSGPACK),
        ("APPLICATION/MsgPack", MSGPACK),
        (f"{JSON}, {MSGPACK}", JSON),
        (f"{MSGPACK}, {JSON}", MSGPACK),
        (f"{JSON};q=0.5, {MSGPACK}", MSGPACK),
        (f"{MSGPACK};q=0.9, {BASE64};q=0.8, {BINREF}", BINREF),
        (f"{MSGPACK};q=0.2, {BASE64};q=0.3, {BINREF};q=0.1, */*;q=0.05", BASE64),
        (f"{JSON};q=0, {BASE64};q=0, {BINREF};q=0, application/*", MSGPACK),
        (f"{X_MSGPACK};q=0, {MSGPACK};q=0.5", MSGPACK),
        (f"text/html, {MSGPACK};q=0.1", MSGPACK),
        (f"{MSGPACK};compression=zstd, {BINREF};q=0.1", BINREF),
        (f"{MSGPACK};compression=zstd, {MSGPACK};q=0.1", MSGPACK),
        (f"{BASE64};compression=lz4;gpu_transport=none;q=0.5, {JSON};q=0.4", BASE64),
        ("*/*", JSON),
        ("", JSON),
    ],
)
def test_best_range_decides(served: Served, accept: str, expected: str) -> None:
    """Quality, then order, decide among all formats."""
    answer = post(served, accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, expected)


@pytest.mark.parametrize("media_type", [BASE64, BINREF])
@pytest.mark.parametrize("compression", ["lz4", "LZ4", '"lz4"'])
def test_compression_is_asked_for(
    served: Served, outputs: Path, media_type: str, compression: str
) -> None:
    """The parameter `compression` of a range applies to the arrays of the answer."""
    answer = post(served, accept=f"{media_type}; compression={compression}")
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    assert answer.json()["y"]["data"]["compression"] == "lz4"
    assert numbers(answer, outputs) == Y


@pytest.mark.parametrize("media_type", [JSON, MSGPACK])
def test_compression_without_a_use_is_none(served: Served, media_type: str) -> None:
    """Formats whose arrays are never compressed ignore the parameter `compression`."""
    answer = post(served, accept=f"{media_type};compression=lz4")
    assert (answer.status, answer.headers["content-type"]) == (200, media_type)
    assert set(tree(answer)["y"]["data"]) == {"buffer", "encoding"}


def test_configured_compression_gives_way(serve: Serve) -> None:
    """`--compression` is the default of a request, which may ask for none."""
    served = serve(DOUBLE, "--compression", "lz4", options=IN_PROCESS)
    assert post(served, accept=BASE64).json()["y"]["data"]["compression"] == "lz4"
    plain = post(served, accept=f"{BASE64};compression=none").json()["y"]["data"]
    assert plain == {
        "buffer": base64.b64encode(struct.pack("<3d", *Y)).decode(),
        "encoding": "base64",
    }


@pytest.mark.parametrize(
    ("accept", "reason"),
    [
        ("application/x-json", ""),
        ("application/msgpack+base64", ""),
        (f"{MSGPACK};compression=zstd", ": Unknown compression 'zstd'. Available: lz4."),
        (f"{MSGPACK};q=0", ""),
        (f"{MSGPACK};gpu_transport=cuda", ": gpu_transport 'cuda' is not available."),
    ],
)
def test_what_cannot_be_made_is_406(
    served: Served, catalog: Catalog, accept: str, reason: str
) -> None:
    """A 406 has the reason, and lists every format and compression."""
    answer = post(served, accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (406, JSON)
    detail = answer.json()["detail"]
    assert set(detail["available_formats"]) >= {"json", "json+base64", "json+binref", "msgpack"}
    assert detail == {
        "message": f"Cannot produce any encoding accepted by {accept!r}{reason}",
        "available_formats": list(catalog.formats.names),
        "available_compressions": ["none", *catalog.compressors.names],
        "available_gpu_transports": ["none"],
    }


@pytest.mark.parametrize("accept", MEDIA_TYPES)
@pytest.mark.parametrize("path", ["/health", "/input_schema", "/output_schema"])
def test_documents_without_arrays_come_in_every_format(
    served: Served, path: str, accept: str
) -> None:
    """A GET answers with the same document in all formats."""
    answer = served.get(path, accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, accept)
    assert tree(answer) == served.get(path).json()


def document(buffer: Any, encoding: str, **data: Any) -> dict[str, Any]:
    """Return a payload whose array is `X`."""
    data = {"buffer": buffer, "encoding": encoding, **data}
    return {"inputs": {"x": {"shape": [3], "dtype": "float64", "data": data}}}


BODIES: Mapping[str, tuple[str, bytes]] = {
    "json": (JSON, PAYLOAD.encode()),
    "json+base64": (
        BASE64,
        json.dumps(document(base64.b64encode(BYTES).decode(), "base64")).encode(),
    ),
    "json+base64, lz4": (
        BASE64,
        json.dumps(
            document(
                base64.b64encode(lz4.frame.compress(BYTES)).decode(), "base64", compression="lz4"
            )
        ).encode(),
    ),
    "msgpack": (MSGPACK, msgpack.packb(document(BYTES, "raw"))),
    "x-msgpack": (X_MSGPACK, msgpack.packb(document(BYTES, "raw"))),
    "msgpack with lists": (MSGPACK, msgpack.packb({"inputs": {"x": X}})),
    "msgpack with json": (MSGPACK, msgpack.packb(document(X, "json"))),
    "msgpack-numpy": (MSGPACK, msgpack_numpy.packb({"inputs": {"x": np.array(X)}})),
    "msgpack-numpy, bytes": (
        MSGPACK,
        msgpack_numpy.packb({"inputs": {"x": np.array(X, ">f4")}}, use_bin_type=True),
    ),
}


@pytest.mark.parametrize("accept", [JSON, MSGPACK])
@pytest.mark.parametrize("name", BODIES)
def test_every_format_is_read(served: Served, outputs: Path, name: str, accept: str) -> None:
    """`Content-Type` names the format of the body, whatever that of the answer is."""
    content_type, body = BODIES[name]
    answer = post(served, body, content_type=content_type, accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (200, accept)
    assert numbers(answer, outputs) == Y


def test_unknown_type_of_a_body_is_415(served: Served) -> None:
    """A body in another format is refused with the known media types."""
    answer = post(served, content_type="application/x-yaml")
    assert answer.status == 415
    known = answer.json()["detail"].partition("Known: ")[2]
    assert known == f"{JSON}, {BASE64}, {BINREF}, {MSGPACK}, {X_MSGPACK}."


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the document ends at byte 0, in the middle"),
        (BODIES["msgpack"][1][:-1], "in the middle"),
        (BODIES["msgpack"][1] + b"\xc0", "there are bytes after the document"),
        (b"\xdd\x00\x00\xff\xff", "the document ends at byte 5, in the middle"),
        (b"\xdd\xff\xff\xff\xff", "it has more than the 20000000 items of --max-json-items"),
        (b"\xc1", "0xc1 at byte 0 is not valid MessagePack"),
        (msgpack.packb({"inputs": msgpack.ExtType(5, b"x")}), "the extension type at byte 8"),
        (b"\x91" * 300 + b"\x90", "more than 200 lists and maps inside each other"),
        (PAYLOAD.encode(), "there are bytes after the document"),
    ],
)
def test_body_that_is_no_msgpack_is_422(served: Served, body: bytes, reason: str) -> None:
    """Invalid bytes are a fault of the body, with their position."""
    answer = post(served, body, content_type=MSGPACK)
    assert answer.status == 422
    [detail] = answer.json()["detail"]
    assert (detail["type"], detail["loc"]) == ("document_invalid", ["body"])
    assert detail["msg"].startswith("The payload is not valid msgpack: ")
    assert reason in detail["msg"]


def test_objects_of_msgpack_numpy_are_refused(served: Served) -> None:
    """An array of objects, which is a pickle, is never read."""
    body = msgpack_numpy.packb({"inputs": {"x": np.array([{}], dtype=object)}})
    answer = post(served, body, content_type=MSGPACK)
    assert answer.status == 422
    assert "of kind 'O' is refused" in answer.json()["detail"][0]["msg"]


def test_raw_arrays_need_a_binary_format(served: Served) -> None:
    """JSON cannot carry the bytes of an array, and the fault says so at its place."""
    answer = post(served, json.dumps(document("AAAA", "raw")))
    assert answer.status == 422
    [detail] = answer.json()["detail"]
    assert (detail["type"], detail["loc"]) == ("array_decode_error", ["body", "inputs", "x"])
    assert "the buffer must be bytes, which only a binary format carries" in detail["msg"]


def test_output_format_is_what_wildcards_mean(serve: Serve) -> None:
    """`--output-format` may be any format, and decides where the request leaves the choice."""
    served = serve(DOUBLE, "--output-format", "msgpack", options=IN_PROCESS)
    for accept in ("*/*", "application/*", "text/html,*/*;q=0.8"):
        assert post(served, accept=accept).headers["content-type"] == MSGPACK
    assert post(served).headers["content-type"] == MSGPACK
    assert post(served, accept=JSON).headers["content-type"] == JSON


@pytest.mark.parametrize("removed", [(), ("msgpack",), ("binref", "lz4"), ("msgpack", "binref")])
def test_document_lists_what_there_is(
    cli_here: Cli, tesseract: Tesseract, removed: tuple[str, ...]
) -> None:
    """OpenAPI has exactly the formats, compressions and encodings of the loaded plugins."""
    options = [f"--no-plugin={name}" for name in removed]
    printed = cli_here(*options, "--api-path", str(tesseract()), "openapi-schema")
    document = json.loads(printed.stdout)
    formats = ["json", "json+base64"]
    formats += ["json+binref"] if "binref" not in removed else []
    formats += ["msgpack"] if "msgpack" not in removed else []
    assert document["x-supported-output-formats"] == formats
    compressions = ["none", "lz4"] if "lz4" not in removed else ["none"]
    assert document["x-supported-compressions"] == compressions
    types = {f"application/{format_}" for format_ in formats}
    types |= {X_MSGPACK} if "msgpack" not in removed else set()
    operation = document["paths"]["/apply"]["post"]
    assert set(operation["requestBody"]["content"]) == types
    assert set(operation["responses"]["200"]["content"]) == types
    encodings = {"json", "base64"}
    encodings |= {"raw"} if "msgpack" not in removed else set()
    encodings |= {"binref"} if "binref" not in removed else set()
    array = document["components"]["schemas"]["Apply_InputSchema"]["properties"]["x"]
    assert set(array["properties"]["data"]["discriminator"]["mapping"]) == encodings


def test_files_of_an_answer_are_those_of_its_run(served: Served, outputs: Path) -> None:
    """Arrays are in `run_<ID>` below the output path, and are named relative to the latter."""
    answer = post(served, accept=BINREF)
    run_id = answer.headers["tesseract-run-id"]
    name, offset = answer.json()["y"]["data"]["buffer"].split(":")
    assert (Path(name).parent.name, offset) == (f"run_{run_id}", "0")
    assert list((outputs / f"run_{run_id}").glob("*.bin")) == [outputs / name]
    assert np.fromfile(outputs / name).tolist() == Y


def test_run_id_of_the_caller_names_the_folder(served: Served, outputs: Path) -> None:
    """`?run_id=` decides where the files of an answer are; those of an earlier one are replaced."""
    for _ in range(2):
        answer = post(served, query="?run_id=fit-7", accept=BINREF)
        name = answer.json()["y"]["data"]["buffer"].partition(":")[0]
        assert [*(outputs / "run_fit-7").glob("*.bin")] == [outputs / name]
        assert numbers(answer, outputs) == Y


@pytest.mark.parametrize("accept", [JSON, BASE64, MSGPACK])
def test_other_formats_leave_no_arrays_behind(served: Served, outputs: Path, accept: str) -> None:
    """Only answers in binref write files of arrays."""
    before = set(outputs.rglob("*.bin"))
    post(served, accept=accept)
    assert set(outputs.rglob("*.bin")) == before


def test_refused_payload_leaves_no_files(served: Served, outputs: Path) -> None:
    """A call without an answer has no files of arrays."""
    answer = post(served, '{"inputs": {}}', query="?run_id=refused", accept=BINREF)
    assert answer.status == 422
    assert list((outputs / "run_refused").rglob("*.bin")) == []


def test_concurrent_answers_never_share_a_file(served: Served, outputs: Path) -> None:
    """Requests at the same time have files of their own."""

    def answered(first: float) -> Answer:
        payload = json.dumps({"inputs": {"x": [first] * 1000}})
        return post(served, payload, accept=BINREF)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(answered, map(float, range(24))))
    names = {answer.json()["y"]["data"]["buffer"].partition(":")[0] for answer in answers}
    assert len(names) == 24
    assert {(outputs / name).stat().st_size for name in names} == {8000}
    for first, answer in enumerate(answers):
        assert numbers(answer, outputs) == [2.0 * first] * 1000


def test_answer_is_a_payload_again(serve: Serve, tmp_path: Path) -> None:
    """A later payload may refer to a file of an answer below the input path."""
    served = serve(DOUBLE, "--output-path", str(tmp_path), "--input-path", str(tmp_path))
    y = post(served, accept=BINREF).json()["y"]
    answer = post(served, json.dumps({"inputs": {"x": y}}))
    assert numbers(answer, tmp_path) == [2.0 * number for number in Y]


def test_place_that_cannot_be_written_is_a_failure(serve: Serve, tmp_path: Path) -> None:
    """An output path that cannot hold files is not the caller's fault."""
    (tmp_path / "file").write_bytes(b"precious")
    served = serve(DOUBLE, "--output-path", str(tmp_path / "file"), options=IN_PROCESS)
    answer = post(served, accept=BINREF)
    assert answer.status == 500
    assert "Cannot write" in answer.json()["detail"]
    assert post(served, accept=JSON).status == 200


def test_items_of_json_are_counted(serve: Serve) -> None:
    """`--max-json-items` refuses JSON whose parse would take too much, and nothing else."""
    served = serve(DOUBLE, "--max-json-items", "20", options=IN_PROCESS)
    x = [0.0] * 30
    data = np.array(x).tobytes()
    array = {"shape": [30], "dtype": "float64"}
    refused = post(served, json.dumps({"inputs": {"x": x}}))
    assert refused.status == 422
    [detail] = refused.json()["detail"]
    assert (detail["type"], detail["loc"]) == ("document_invalid", ["body"])
    assert detail["msg"] == (
        "The payload is not valid json: it has about 32 items, more than the 20 of "
        "--max-json-items; send arrays as base64 or in a binary format"
    )
    encoded = {"buffer": base64.b64encode(data).decode(), "encoding": "base64"}
    body = json.dumps({"inputs": {"x": {**array, "data": encoded}}})
    assert post(served, body).status == 200
    packed = msgpack.packb(
        {"inputs": {"x": {**array, "data": {"buffer": data, "encoding": "raw"}}}}
    )
    assert post(served, packed, content_type=MSGPACK).status == 200


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_body_with_a_byte_order_mark_is_read(double: Served, encoding: str) -> None:
    """A body that a program on Windows has written is read."""
    body = '{"inputs": {"x": [4.0]}}'.encode(encoding)
    assert double.request("POST", "/apply", body).json()["y"]["data"]["buffer"] == [8.0]
