"""What the original answered to `apply`, our runtime answers too."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lz4.frame
import numpy as np
import pytest

from runtime_core import Call, Runtime, Wire
from runtime_core.arrays.annotation import Array
from runtime_core.arrays.array_bytes import array_of_bytes
from runtime_core.catalog import KINDS, Catalog, Registered
from runtime_core.config import resolve
from runtime_core.contracts import (
    ArrayEncoding,
    ArraySpec,
    CallScope,
    Compressor,
    EncodedData,
    Reply,
)
from runtime_core.description.openapi import openapi_document
from runtime_core.plugins.assembly import assemble
from runtime_core.plugins.declarations import guarded
from runtime_core.runtime import local_runtime
from runtime_core.schemas.walk import Node, walk

GOLDEN = Path(__file__).resolve().parent
MODELS = ["vectoradd", "nested", "dtypes", "complexes"]

Tree = Any
Golden = Callable[[str], Runtime]


class Lz4:
    """Packs bytes into frames of lz4, as the original does."""

    def compress(self, data: memoryview) -> bytes:
        """Return one frame."""
        return bytes(lz4.frame.compress(data))

    def decompress(self, data: memoryview, into: memoryview) -> None:
        """Unpack one frame of exactly the size that is expected."""
        unpacker = lz4.frame.LZ4FrameDecompressor()
        try:
            plain = unpacker.decompress(data, max_length=len(into) + 1)
        except RuntimeError as error:
            raise ValueError(str(error)) from None
        if len(plain) != len(into):
            raise ValueError(f"the frame does not hold exactly {len(into)} bytes")
        into[:] = plain


class Binref:
    """Reads arrays from `PATH:OFFSET` of the files that the original wrote beside a document."""

    def encode(self, array: np.ndarray[Any, Any], scope: CallScope) -> EncodedData:
        """Write nothing: the documents here are only read."""
        raise NotImplementedError

    def decode(self, data: EncodedData, spec: ArraySpec, scope: CallScope) -> np.ndarray[Any, Any]:
        """Read as many bytes as the array has."""
        name, _, offset = data["buffer"].partition(":")
        with scope.files.open(name) as file:
            file.seek(int(offset or 0))
            size = math.prod(spec.shape) * spec.dtype.itemsize
            return array_of_bytes(bytearray(file.read(size)), spec)


BINREF_SCHEMA = {
    "title": "BinrefArrayData",
    "type": "object",
    "properties": {"buffer": {"type": "string"}, "encoding": {"const": "binref"}},
}


@pytest.fixture
def golden(catalog: Catalog) -> Golden:
    """Return a function that makes the runtime of a golden model, with lz4 and binref."""

    def make(name: str) -> Runtime:
        extended = extended_by_the_tests(catalog)
        flags = {
            "api_path": str(GOLDEN / "models" / name / "tesseract_api.py"),
            "input_path": str(GOLDEN / "documents" / name),
        }
        return local_runtime(extended, resolve(extended, flags=flags, environment={}))

    return make


def extended_by_the_tests(catalog: Catalog) -> Catalog:
    """Return a catalog whose lz4 and binref are those of this file."""
    scratch: dict[str, Any] = {
        "compressors": Compressor(name="lz4", summary="lz4 frames.", load=Lz4),
        "encodings": ArrayEncoding(
            name="binref", summary="Files.", data_schema=BINREF_SCHEMA, load=Binref
        ),
    }
    installed = {
        hook: [
            entry
            for entry in catalog.registry(hook).entries.values()
            if hook not in scratch or entry.value.name != scratch[hook].name
        ]
        for hook in KINDS
    }
    facts = {"plugin": "scratch", "distribution": "scratch", "version": "1"}
    ours = {
        hook: [guarded(Registered(value=value, **facts), KINDS[hook])]
        for hook, value in scratch.items()
    }
    return assemble(plugins=(), declarations=[installed, ours])


def document(name: str, file: str) -> bytes:
    """Return a document that the original has written."""
    return (GOLDEN / "documents" / name / file).read_bytes()


def invoke(runtime: Runtime, body: bytes, **options: Any) -> Reply:
    """Return the reply to a call of `apply` in JSON."""
    options = {"output": Wire(format="json"), **options}
    return runtime.invoke(
        Call(endpoint="apply", run_id="golden", body=body, body_format="json", **options)
    )


def answer(reply: Reply) -> bytes:
    """Return the document of a reply that must not be a fault."""
    assert reply.fault is None, reply.fault.message
    return b"".join(reply.body)


def values(tree: Tree) -> Tree:
    """Return a tree with its array documents as numpy arrays and without any encoding."""
    if isinstance(tree, dict) and "dtype" in tree and "data" in tree:
        return array_of(tree)
    if isinstance(tree, dict):
        return {key: values(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [values(value) for value in tree]
    return tree


def array_of(tree: Tree) -> np.ndarray[Any, Any]:
    """Return the array of a document, read by other means than our own."""
    data = tree["data"]
    if data["encoding"] == "json":
        return np.asarray(data["buffer"], tree["dtype"]).reshape(tree["shape"])
    plain = base64.b64decode(data["buffer"])
    if data.get("compression") == "lz4":
        plain = lz4.frame.decompress(plain)
    return np.frombuffer(plain, tree["dtype"]).reshape(tree["shape"])


def assert_same(actual: Tree, expected: Tree) -> None:
    """Compare two trees; arrays in type, shape and every value."""
    if isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key, value in expected.items():
            assert_same(actual[key], value)
    elif isinstance(expected, list):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    elif isinstance(expected, np.ndarray):
        assert actual.dtype == expected.dtype
        assert actual.shape == expected.shape
        np.testing.assert_array_equal(actual, expected)
    else:
        assert actual == expected


@pytest.mark.parametrize("payload", ["bare", "base64", "lz4", "binref", None])
@pytest.mark.parametrize("name", MODELS)
def test_every_form_of_a_payload_is_answered_alike(
    name: str, payload: str | None, golden: Golden
) -> None:
    """Bare lists, nested lists, base64, lz4 and binref of the same inputs give the same outputs."""
    file = f"payload.{payload}.json" if payload else "payload.json"
    body = answer(invoke(golden(name), document(name, file)))
    assert_same(values(json.loads(body)), values(json.loads(document(name, "apply.json"))))


@pytest.mark.parametrize("name", ["vectoradd", "nested", "dtypes"])
def test_json_is_the_same_text(name: str, golden: Golden) -> None:
    """Numbers, keys and their order are written as the original writes them."""
    body = answer(invoke(golden(name), document(name, "payload.json")))
    assert body == document(name, "apply.json")


def test_complex_numbers_are_the_same_numbers(golden: Golden) -> None:
    """Complex numbers are Python's text of them, where the original writes out every zero."""
    text = answer(invoke(golden("complexes"), document("complexes", "payload.json")))
    buffers = {key: leaf["data"]["buffer"] for key, leaf in json.loads(text).items()}
    assert buffers == {
        "vector64": ["1+2j", "-0.5-0.0010000000474974513j"],
        "vector128": ["0.1+0.2j", "-1e+300j", "3+0j"],
        "scalar64": "1.5+0j",
        "scalar128": "1e-05+2.5j",
    }


@pytest.mark.parametrize("name", MODELS)
def test_base64_is_the_same_text(name: str, golden: Golden) -> None:
    """An answer in base64 is byte for byte that of the original."""
    reply = invoke(
        golden(name), document(name, "payload.base64.json"), output=Wire(format="json+base64")
    )
    assert answer(reply) == document(name, "apply.base64.json")


@pytest.mark.parametrize("name", MODELS)
def test_lz4_is_written_as_the_original_reads_it(name: str, golden: Golden) -> None:
    """A compressed answer has the keys of the original's, and frames of the same bytes."""
    body = answer(
        invoke(
            golden(name),
            document(name, "payload.json"),
            output=Wire(format="json+base64", compression="lz4"),
        )
    )
    ours, theirs = json.loads(body), json.loads(document(name, "apply.lz4.json"))
    assert_same(values(ours), values(theirs))
    assert_same(without_buffers(ours), without_buffers(theirs))


def without_buffers(tree: Tree) -> Tree:
    """Return a tree with all keys, but nothing in its buffers."""
    if isinstance(tree, dict):
        return {
            key: "" if key == "buffer" else without_buffers(value) for key, value in tree.items()
        }
    if isinstance(tree, list):
        return [without_buffers(value) for value in tree]
    return tree


def recorded_applies() -> Iterator[Any]:
    """Yield every exchange in which a client of the original called `apply` with success."""
    for name in MODELS:
        recorded = json.loads((GOLDEN / "sdk" / f"{name}.json").read_bytes())
        for call in recorded["calls"]:
            for exchange in call["exchanges"]:
                if exchange["path"].startswith("/apply") and exchange["status"] == 200:
                    yield pytest.param(name, exchange, id=f"{name}: {call['call']}")


def recorded_apply(name: str, call: str) -> Any:
    """Return the exchange of one recorded call of `apply`."""
    recorded = json.loads((GOLDEN / "sdk" / f"{name}.json").read_bytes())
    (exchanges,) = (c["exchanges"] for c in recorded["calls"] if c["call"] == call)
    return next(e for e in exchanges if e["path"].startswith("/apply"))


@pytest.mark.parametrize(("name", "exchange"), list(recorded_applies()))
def test_what_a_client_sent_is_answered_alike(name: str, exchange: Any, golden: Golden) -> None:
    """The bodies of the original's client are read, and answered with the recorded values."""
    body = answer(invoke(golden(name), exchange["request_body"]["text"].encode()))
    expected = json.loads(exchange["response_body"]["text"])
    assert_same(values(json.loads(body)), values(expected))


def test_what_a_client_sent_wrongly_is_refused_at_the_same_places(golden: Golden) -> None:
    """Each fault of the recorded refusal is found at its place."""
    exchange = recorded_apply("vectoradd", "apply of invalid inputs")
    fault = invoke(golden("vectoradd"), exchange["request_body"]["text"].encode()).fault
    assert fault is not None
    theirs = json.loads(exchange["response_body"]["text"])["detail"]
    ours = [["body", *detail["loc"]] for detail in fault.details]
    assert ours == [detail["loc"] for detail in theirs]
    assert fault.kind.status == exchange["status"]


def test_what_a_client_made_fail_fails(golden: Golden) -> None:
    """An exception of the model is a fault with its text."""
    exchange = recorded_apply("vectoradd", "apply that raises")
    fault = invoke(golden("vectoradd"), exchange["request_body"]["text"].encode()).fault
    assert fault is not None
    assert fault.message.startswith("RuntimeError: asked to fail (")
    assert fault.kind.status == exchange["status"]


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("name", MODELS)
def test_clients_are_told_the_same_of_arrays_and_order(
    name: str, side: str, golden: Golden
) -> None:
    """`differentiable_arrays` and `field_order` are those of the original."""
    components = json.loads(document(name, "openapi.json"))["components"]["schemas"]
    theirs = components[f"Apply{side.title()}Schema"]
    ours = getattr(golden(name).schemas, f"{side}_extras")
    assert ours["differentiable_arrays"] == theirs["differentiable_arrays"]
    assert ours["field_order"] == theirs["field_order"]


APPLY_COMPONENTS = [
    "ApplyInputSchema",
    "ApplyOutputSchema",
    "Apply_InputSchema",
    "Apply_OutputSchema",
]


@pytest.mark.parametrize("name", MODELS)
def test_openapi_has_the_components_of_apply(name: str, golden: Golden) -> None:
    """Every component that a client finds by name is there, with the keys that it reads."""
    theirs = json.loads(document(name, "openapi.json"))["components"]["schemas"]
    ours = openapi_document(golden(name))["components"]["schemas"]
    wanted = {n for n in theirs if n.startswith("Apply") or n.endswith("ValidationError")}
    assert set(APPLY_COMPONENTS) <= wanted
    assert wanted <= set(ours)
    for component in ("ApplyInputSchema", "ApplyOutputSchema"):
        assert set(theirs[component]) <= set(ours[component])
        for key in ("differentiable_arrays", "field_order", "title"):
            assert ours[component][key] == theirs[component][key]


@pytest.mark.parametrize("side", ["Input", "Output"])
@pytest.mark.parametrize("name", MODELS)
def test_openapi_describes_the_same_fields(name: str, side: str, golden: Golden) -> None:
    """Fields, their order, descriptions and defaults are those of the original."""
    component = f"Apply_{side}Schema"
    theirs = json.loads(document(name, "openapi.json"))["components"]["schemas"][component]
    ours = openapi_document(golden(name))["components"]["schemas"][component]
    assert list(ours["properties"]) == list(theirs["properties"])
    assert ours.get("required") == theirs.get("required")
    for field, schema in theirs["properties"].items():
        array = "array_flags" in schema  # a default of ours is a document, as OpenAPI wants it
        for key in ("description", "array_flags") if array else ("description", "default"):
            assert ours["properties"][field].get(key) == schema.get(key), (field, key)


@pytest.mark.parametrize("name", MODELS)
def test_openapi_tells_of_the_capabilities(name: str, golden: Golden) -> None:
    """Formats and compressions of the original are named where its client looks for them."""
    theirs = json.loads(document(name, "openapi.json"))
    ours = openapi_document(golden(name))
    assert ours["openapi"] == theirs["openapi"]
    assert ours["info"] == theirs["info"]
    assert ours["x-supported-compressions"] == theirs["x-supported-compressions"]
    assert ours["x-supported-gpu-transports"] == theirs["x-supported-gpu-transports"]
    assert {"json", "json+base64"} <= set(ours["x-supported-output-formats"])


@pytest.mark.parametrize("dtype", ["float64", "int32", "bool", "complex64"])
def test_the_recorded_schema_allows_the_same_data_types(dtype: str, golden: Golden) -> None:
    """A field accepts the data types that the original's schema lists, and no others."""
    name, field = ("complexes", "vector64") if dtype == "complex64" else ("dtypes", dtype)
    theirs = json.loads(document(name, "input_schema.json"))
    fields = (
        theirs["properties"] if field == "vector64" else theirs["$defs"]["Vectors"]["properties"]
    )
    listed = fields[field]["properties"]["dtype"]
    model = golden(name).api.input_schema
    ours = model.model_json_schema()
    fields = ours["properties"] if field == "vector64" else ours["$defs"]["Vectors"]["properties"]
    assert fields[field]["properties"]["dtype"]["enum"] == listed.get("enum", [dtype])


@pytest.mark.parametrize("name", MODELS)
def test_health_is_answered_with_the_same_bytes(name: str, golden: Golden) -> None:
    """A probe reads what it has always read."""
    reply = golden(name).invoke(
        Call(
            endpoint="health", run_id="r", body=b"", body_format="json", output=Wire(format="json")
        )
    )
    assert answer(reply) == document(name, "health.json")


def test_a_golden_model_holds_arrays_in_every_container(golden: Golden) -> None:
    """The model `nested` still covers what its tests are meant to cover."""
    nodes: list[Node] = list(walk(golden("nested").api.input_schema))
    steps = {
        step for node in nodes if issubclass(node.type, Array) for step in node.template.split(".")
    }
    assert {"[]", "{}", "[1]"} <= steps
