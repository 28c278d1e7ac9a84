"""What holds of every schema and value: documents, JSON Schemas and paths agree."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import GenericAlias
from typing import Annotated, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field, RootModel, create_model

from runtime_core import Array, UInt64, documents
from runtime_core.arrays.annotation import array_type
from runtime_core.arrays.coercion import Shape
from runtime_core.arrays.dtypes import DTYPES
from runtime_core.arrays.json_schema import ArrayJsonSchema
from runtime_core.calls import scope
from runtime_core.calls.scope import Scope, Workspace
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.files import FileAccess
from runtime_core.paths import get, matches, parse, parse_template
from runtime_core.schemas import PayloadSchemas
from runtime_core.schemas.differentiable import DifferentiableArrays

DEPTH = 3
SLOW = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

AWKWARD = ["", "a.b", "{}", "{", "}", "[0]", "\\", "\\}", "größe", "object_type", "\n", "0", "🜁"]
NAMES = ["x", "y", "größe", "shape", "dtype", "data", "buffer", "a1", "A"]

SPECIAL = [np.nan, np.inf, -np.inf, -0.0, 0.0, 1.0, -1.5, 5e-324, 6e-8, 65504.0]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A value of an annotation, and the differentiable arrays in it."""

    value: Any
    leaves: Sequence[Any] = ()


@dataclass(frozen=True, kw_only=True)
class Kind:
    """An annotation and the values that it has."""

    annotation: Any
    samples: st.SearchStrategy[Sample]
    nullable: bool = False


@dataclass(frozen=True, kw_only=True)
class Case:
    """A schema and a value of it."""

    schema: type[BaseModel]
    sample: Sample


def all_leaves(samples: Sequence[Sample]) -> list[Any]:
    """Return the differentiable arrays of several samples."""
    return [leaf for sample in samples for leaf in sample.leaves]


def array_of(shape: tuple[int, ...], dtype: np.dtype[Any], seed: int) -> Any:
    """Return an array of arbitrary bits and of special values; a numpy scalar for rank 0."""
    random = np.random.default_rng(seed)
    bits = random.bytes(int(np.prod(shape)) * dtype.itemsize)
    if dtype.kind == "b":
        array = (np.frombuffer(bits, np.uint8) % 2).astype(bool)
    else:
        array = np.frombuffer(bits, dtype).copy()
    if dtype.kind in "fc":
        with np.errstate(all="ignore"):
            parts = array.view(dtype if dtype.kind == "f" else f"f{dtype.itemsize // 2}")
            chosen = random.random(parts.size) < 0.5
            parts[chosen] = random.choice(SPECIAL, parts.size)[chosen].astype(parts.dtype)
    array = array.reshape(shape)
    return array if shape else array[()]


SIZES = st.integers(min_value=0, max_value=3)


def ranked(*, min_rank: int) -> st.SearchStrategy[Shape]:
    """Return shapes of some rank, of sizes that are fixed or free."""
    return st.lists(st.none() | SIZES, min_size=min_rank, max_size=4).map(tuple)


def sizes_of(shape: Shape) -> st.SearchStrategy[tuple[int, ...]]:
    """Return the shapes that arrays of a declared shape have."""
    if shape is ...:
        return st.lists(SIZES, max_size=4).map(tuple)
    return st.tuples(*(SIZES if size is None else st.just(size) for size in shape))


def array_kind(shape: Shape, dtype: str, flags: tuple[str, ...]) -> Kind:
    """Return an array type and its arrays."""

    def sample(sizes: tuple[int, ...], seed: int) -> Sample:
        array = array_of(sizes, DTYPES[dtype], seed)
        return Sample(value=array, leaves=[array] if flags else [])

    seeds = st.integers(min_value=0, max_value=2**32)
    return Kind(
        annotation=array_type(shape, dtype, flags),
        samples=st.builds(sample, sizes_of(shape), seeds),
    )


def arrays(shapes: st.SearchStrategy[Shape]) -> st.SearchStrategy[Kind]:
    """Return array types of every data type, most of them differentiable."""
    flags: Any = st.sampled_from([("DIFFERENTIABLE",), ("DIFFERENTIABLE",), ()])
    return st.builds(array_kind, shapes, st.sampled_from(list(DTYPES)), flags)


ARRAYS = arrays(ranked(min_rank=0) | st.just(...))

# A number and an array of rank 0 are written alike in a union, by the original too.
RANKED_ARRAYS = arrays(ranked(min_rank=1))


def plain_kind(annotation: Any, values: st.SearchStrategy[Any]) -> Kind:
    """Return a type without arrays and its values."""
    return Kind(annotation=annotation, samples=values.map(lambda value: Sample(value=value)))


WORDS = st.sampled_from(["NaN", "Infinity", "1+2j", "1", "", "null"]) | st.text(max_size=4)
TEXT = plain_kind(str, WORDS)
PLAIN = [
    TEXT,
    plain_kind(int, st.integers()),
    plain_kind(bool, st.booleans()),
    plain_kind(float, st.floats(allow_nan=False, allow_infinity=False)),
]


def list_of(kind: Kind) -> Kind:
    """Return lists of a kind."""
    return Kind(
        annotation=GenericAlias(list, (kind.annotation,)),
        samples=st.lists(kind.samples, max_size=4).map(
            lambda samples: Sample(value=[s.value for s in samples], leaves=all_leaves(samples))
        ),
    )


def tuple_of(kind: Kind) -> Kind:
    """Return tuples of any length."""
    listed = list_of(kind).samples
    return Kind(
        annotation=GenericAlias(tuple, (kind.annotation, ...)),
        samples=listed.map(lambda s: Sample(value=tuple(s.value), leaves=s.leaves)),
    )


def fixed_tuple_of(kinds: list[Kind]) -> Kind:
    """Return tuples of a kind for each place."""
    return Kind(
        annotation=GenericAlias(tuple, tuple(kind.annotation for kind in kinds)),
        samples=st.tuples(*(kind.samples for kind in kinds)).map(
            lambda samples: Sample(
                value=tuple(s.value for s in samples), leaves=all_leaves(samples)
            )
        ),
    )


def dict_of(keys: tuple[Any, st.SearchStrategy[Any]], kind: Kind) -> Kind:
    """Return dicts of a kind with any keys."""
    key, texts = keys
    return Kind(
        annotation=GenericAlias(dict, (key, kind.annotation)),
        samples=st.dictionaries(texts, kind.samples, max_size=4).map(
            lambda samples: Sample(
                value={name: s.value for name, s in samples.items()},
                leaves=all_leaves(list(samples.values())),
            )
        ),
    )


KEYS = st.sampled_from(
    [(str, st.sampled_from(AWKWARD) | st.text(max_size=4)), (int, st.integers(-3, 12))]
)


def optional(kind: Kind) -> Kind:
    """Return a kind that may be `None`, if there is not already one in it."""
    if kind.nullable:
        return kind
    absent = st.just(Sample(value=None))
    annotation = kind.annotation | None
    return Kind(annotation=annotation, samples=kind.samples | kind.samples | absent, nullable=True)


def union(one: Kind, other: Kind) -> Kind:
    """Return a union of two kinds whose values cannot be mistaken for each other's."""
    return Kind(annotation=one.annotation | other.annotation, samples=one.samples | other.samples)


def annotated(kind: Kind) -> Kind:
    """Return a kind with metadata."""
    annotation: Any = Annotated[kind.annotation, Field(description="Annotated.")]
    return Kind(annotation=annotation, samples=kind.samples, nullable=kind.nullable)


def root_of(kind: Kind) -> Kind:
    """Return a root model of a kind."""
    model: Any = RootModel[kind.annotation]  # type: ignore[name-defined]  # made at run time
    return Kind(
        annotation=model,
        samples=kind.samples.map(
            lambda s: Sample(value=model.model_construct(s.value), leaves=s.leaves)
        ),
        nullable=kind.nullable,
    )


@dataclass(frozen=True, kw_only=True)
class DrawnField:
    """A field of a model: its kind, and its name in documents if that is another."""

    kind: Kind
    alias: str | None


def model_of(fields: Mapping[str, DrawnField], tag: str | None = None) -> Kind:
    """Return a model of some fields; a tag makes it unlike any other model of a union."""
    annotations: dict[str, Any] = {
        name: (field.kind.annotation, Field(alias=field.alias)) for name, field in fields.items()
    }
    if tag is not None:
        annotations[tag] = (int, ...)
    model = create_model("Drawn", **annotations)

    def sample(samples: tuple[Sample, ...]) -> Sample:
        values = {name: s.value for name, s in zip(fields, samples, strict=True)}
        values |= {} if tag is None else {tag: 1}
        value = model.model_construct(set(annotations), **values)
        return Sample(value=value, leaves=all_leaves(samples))

    return Kind(
        annotation=model,
        samples=st.tuples(*(field.kind.samples for field in fields.values())).map(sample),
    )


def model_union(one: Mapping[str, DrawnField], other: Mapping[str, DrawnField]) -> Kind:
    """Return a union of two models that share no field."""
    renamed = {f"{name}2": field for name, field in other.items()}
    return union(model_of(one, tag="is_one"), model_of(renamed, tag="is_other"))


def fields_of(kinds: st.SearchStrategy[Kind]) -> st.SearchStrategy[dict[str, DrawnField]]:
    """Return the fields of models: names and, for some, aliases."""
    aliases = st.none() | st.sampled_from(AWKWARD)
    drawn = st.builds(DrawnField, kind=kinds, alias=aliases)
    names = st.sampled_from(NAMES)
    return st.dictionaries(names, drawn, min_size=2, max_size=4).map(distinct)


def distinct(fields: dict[str, DrawnField]) -> dict[str, DrawnField]:
    """Return fields of which no two have the same name in documents."""
    taken = set(fields)
    aliases = {}
    for name, field in fields.items():
        aliases[name] = None if field.alias in taken else field.alias
        taken |= {field.alias or ""}
    return {name: replace(field, alias=aliases[name]) for name, field in fields.items()}


def kinds(depth: int) -> st.SearchStrategy[Kind]:
    """Return annotations of at most some depth, with their values."""
    flat = st.one_of(
        ARRAYS,
        ARRAYS,
        st.sampled_from(PLAIN),
        ARRAYS.map(lambda array: union(array, TEXT)),
        st.builds(union, st.sampled_from(PLAIN), RANKED_ARRAYS),
    )
    if depth == 0:
        return flat
    inner = st.deferred(lambda: kinds(depth - 1))
    fields = fields_of(inner)
    return st.one_of(
        flat,
        inner.map(list_of),
        inner.map(tuple_of),
        st.lists(inner, min_size=1, max_size=3).map(fixed_tuple_of),
        st.builds(dict_of, KEYS, inner),
        inner.map(optional),
        inner.map(annotated),
        inner.map(root_of),
        fields.map(model_of),
        st.builds(model_union, fields, fields),
    )


SCHEMAS = fields_of(kinds(DEPTH)).map(model_of)
CASES = SCHEMAS.flatmap(
    lambda kind: kind.samples.map(lambda sample: Case(schema=kind.annotation, sample=sample))
)


@pytest.fixture(scope="module")
def workspace(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return the workspace of a runtime."""
    config = resolve(catalog, flags={}, environment={})
    files = FileAccess(root=str(tmp_path_factory.mktemp("files")))
    return Workspace(catalog=catalog, config=config, files=files)


@dataclass(frozen=True, kw_only=True)
class Wire:
    """Writes and reads values of a schema as a runtime does."""

    workspace: Workspace
    schemas: PayloadSchemas

    def model(self) -> type[BaseModel]:
        """Return the generated model of the inputs."""
        return self.schemas.inputs("Apply")

    def json_schema(self) -> Draft202012Validator:
        """Return a validator for the JSON Schema of the generated model."""
        with self._scope():
            schema = self.model().model_json_schema(schema_generator=ArrayJsonSchema)
        Draft202012Validator.check_schema(schema)
        return Draft202012Validator(schema)

    def write(self, value: BaseModel, name: str) -> bytes:
        """Return the document of a result, in a format."""
        format_ = self.workspace.catalog.formats.find(name)
        with self._scope(options={"array_encoding": format_.array_encoding}) as s:
            result = self.schemas.result("ApplyOutputSchema", outputs="Apply")
            tree = documents.tree_of(result.model_validate(value), s.options)
            return b"".join(documents.write(tree, format_))

    def read(self, body: bytes, name: str) -> Any:
        """Return the inputs of a document."""
        with self._scope() as s:
            tree = documents.read(body, self.workspace.catalog.formats.find(name))
            payload: Any = self.schemas.payload("ApplyInputSchema", inputs="Apply")
            return payload.model_validate({"inputs": tree}, context=s.options).inputs

    @contextmanager
    def _scope(self, **facts: Any) -> Iterator[Scope]:
        with scope.enter(Scope(workspace=self.workspace, **facts)) as entered:
            yield entered


Wires = Callable[[type[BaseModel]], Wire]


@pytest.fixture(scope="module")
def wire(workspace: Workspace) -> Wires:
    """Return a function that makes the wire of a schema, of which a value is sent and returned."""
    return lambda schema: Wire(workspace=workspace, schemas=PayloadSchemas(schema, schema))


def bits(array: Any) -> Any:
    """Return an array as unsigned integers, in which every NaN is the same."""
    array = np.atleast_1d(array)
    if array.dtype.kind == "c":
        array = np.ascontiguousarray(array).view(f"f{array.dtype.itemsize // 2}")
    if array.dtype.kind == "f":
        array = np.where(np.isnan(array), np.array(np.nan, array.dtype), array)
        array = np.ascontiguousarray(array).view(f"u{array.dtype.itemsize}")
    return array


def assert_same(actual: Any, expected: Any) -> None:
    """Compare two values in types, order of keys, data types, shapes and every bit."""
    if isinstance(expected, BaseModel):
        assert isinstance(actual, type(expected))
        for name in type(expected).model_fields:
            assert_same(getattr(actual, name), getattr(expected, name))
        return
    assert type(actual) is type(expected)
    if isinstance(expected, np.ndarray | np.generic):
        assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(bits(actual), bits(expected))
    elif isinstance(expected, dict):
        assert list(actual) == list(expected)
        for key in expected:
            assert_same(actual[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_same(one, other)
    else:
        assert repr(actual) == repr(expected)


FORMATS = ["json", "json+base64"]


@pytest.mark.parametrize("name", FORMATS)
@SLOW
@given(case=CASES)
def test_what_is_written_is_read_again(name: str, case: Case, wire: Wires) -> None:
    """Every value of every schema survives its document: bits, data types, shapes and keys."""
    connection = wire(case.schema)
    body = connection.write(case.sample.value, name)
    loaded = connection.read(body, name)
    assert_same(loaded, case.sample.value)
    assert connection.write(loaded, name) == body


@pytest.mark.parametrize("name", FORMATS)
@SLOW
@given(case=CASES)
def test_the_json_schema_accepts_what_is_written(name: str, case: Case, wire: Wires) -> None:
    """Written documents are valid against the JSON Schema."""
    connection = wire(case.schema)
    body = connection.write(case.sample.value, name)
    assert [error.message for error in connection.json_schema().iter_errors(json.loads(body))] == []


def sizes_allowed(schema: Mapping[str, Any]) -> st.SearchStrategy[tuple[int, ...]]:
    """Return the shapes that the JSON Schema of a shape allows."""
    if "maxItems" not in schema:
        return st.lists(SIZES, max_size=4).map(tuple)
    sizes = schema.get("prefixItems", [])
    assert schema["minItems"] == schema["maxItems"] == len(sizes)
    return st.tuples(*(st.sampled_from(s["enum"]) if "enum" in s else SIZES for s in sizes))


def buffers_of(array: Any, encoding: str) -> list[Any]:
    """Return the buffers that an array may have in an encoding."""
    if encoding == "base64":
        return [base64.b64encode(array.tobytes()).decode("ascii")]
    numbers = array.astype(str).astype(object) if array.dtype.kind == "c" else array
    return [numbers.tolist(), numbers.ravel().tolist()] if array.shape else [numbers.tolist()]


@st.composite
def array_documents(draw: st.DrawFn, schema: Mapping[str, Any]) -> tuple[Any, Any]:
    """Draw a document that the JSON Schema of an array allows, and the array that it holds."""
    properties = schema["properties"]
    sizes = draw(sizes_allowed(properties["shape"]))
    dtype = draw(st.sampled_from(properties["dtype"]["enum"]))
    encodings = {"json", "base64"}  # the others need files or another format
    encoding = draw(st.sampled_from(sorted(encodings)))
    ones = np.random.default_rng(draw(st.integers(0, 99))).integers(0, 2, sizes)
    array = np.asarray(ones).astype(dtype)
    data = {"encoding": encoding, "buffer": draw(st.sampled_from(buffers_of(array, encoding)))}
    marker = draw(st.sampled_from([{}, {"object_type": "array"}]))
    return {**marker, "shape": list(sizes), "dtype": dtype, "data": data}, array


@SLOW
@given(data=st.data(), kind=ARRAYS)
def test_what_the_json_schema_describes_is_accepted(
    data: st.DataObject, kind: Kind, wire: Wires
) -> None:
    """Any data type of the `enum` is cast, and a size of 1 broadcast, to the declared type."""
    declared = kind.annotation
    connection = wire(create_model("Model", x=(declared, ...)))
    validator = connection.json_schema()
    document, sent = data.draw(array_documents(validator.schema["properties"]["x"]))
    validator.validate({"x": document})
    array = connection.read(json.dumps({"x": document}).encode(), "json").x
    shape = sent.shape if declared.expected_shape is ... else declared.expected_shape
    sizes = tuple(
        got if want is None else want for got, want in zip(sent.shape, shape, strict=True)
    )
    assert array.dtype == declared.expected_dtype
    assert np.array_equal(array, np.broadcast_to(sent, sizes).astype(array.dtype))


@SLOW
@given(case=CASES)
def test_every_differentiable_leaf_has_exactly_one_path(case: Case) -> None:
    """Each path leads to the array itself, and matches one listed template."""
    arrays = DifferentiableArrays(case.schema)
    value = case.sample.value
    found = list(arrays.leaves(value))
    paths = [path for path, _ in found]
    assert len(set(paths)) == len(paths)
    assert sorted(id(leaf) for _, leaf in found) == sorted(map(id, case.sample.leaves))
    templates = [parse_template(template) for template in arrays.templates]
    for path, leaf in found:
        assert get(value, parse(path)) is leaf
        assert sum(matches(template, parse(path)) for template in templates) == 1


@SLOW
@given(case=CASES)
def test_paths_are_the_same_on_both_sides_of_the_wire(case: Case, wire: Wires) -> None:
    """A value that is read has its leaves at the paths of the written value."""
    arrays = DifferentiableArrays(case.schema)
    connection = wire(case.schema)
    loaded = connection.read(connection.write(case.sample.value, "json+base64"), "json+base64")
    sent, received = dict(arrays.leaves(case.sample.value)), dict(arrays.leaves(loaded))
    assert list(received) == list(sent)
    for path, leaf in received.items():
        assert_same(leaf, sent[path])


def test_a_model_with_a_field_named_shape_is_no_array() -> None:
    """Where a union allows an array or a model, only the array is a leaf."""

    class Box(BaseModel):
        shape: list[int]

    vector: Any = array_type((None,), "float64", ("DIFFERENTIABLE",))
    model: Any = create_model("Model", x=(vector | Box, ...))
    arrays = DifferentiableArrays(model)
    assert list(arrays.leaves(model(x=Box(shape=[1])))) == []
    assert [path for path, _ in arrays.leaves(model(x=np.ones(2)))] == ["x"]


@pytest.mark.parametrize("name", FORMATS)
def test_an_integer_beyond_int64_is_a_uint64(name: str, wire: Wires) -> None:
    """Of the two types of 64 bits that numpy has, a value has the one that is declared."""

    class Model(BaseModel):
        x: UInt64
        y: Array[(None,), UInt64]

    number = np.uint64(2**64 - 1)
    connection = wire(Model)
    body = connection.write(Model(x=number, y=np.array([number])), name)
    read = connection.read(body, name)
    assert type(read.x) is np.uint64
    assert read.y.dtype.type is np.uint64
