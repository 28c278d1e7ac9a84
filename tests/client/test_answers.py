"""Every answer is valid against the schemas that are served, and a client reads it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from types import GenericAlias, ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    SerializeAsAny,
    computed_field,
    create_model,
    field_serializer,
    model_serializer,
)
from pydantic.alias_generators import to_camel

from runtime_core import Call, Runtime, Wire
from runtime_core.arrays.annotation import array_type
from runtime_core.catalog import Catalog
from runtime_core.config import resolve
from runtime_core.description.openapi import openapi_document
from runtime_core.runtime import local_runtime
from runtime_core.tesseract import tesseract_of
from tesseract_runtime_client.documents import Documents
from tesseract_runtime_client.transport import Answer

Sample = tuple[Any, Any]
"""An annotation and a value of it."""

Samples = st.SearchStrategy[Sample]

VECTORS: list[Any] = [array_type((None,), dtype, ()) for dtype in ("float32", "float64")]
FLOATS = st.floats(width=32)  # often not finite
ARRAYS = st.lists(FLOATS, max_size=3).map(np.array)
NUMBERS: Samples = st.tuples(st.just(float), FLOATS)
FLAT: Samples = st.one_of(
    NUMBERS,
    st.tuples(st.just(float | None), FLOATS | st.none()),
    st.tuples(st.just(str), st.text(max_size=3)),
    st.tuples(st.just(timedelta), st.timedeltas()),
    st.tuples(st.just(Decimal), st.decimals(allow_nan=False, allow_infinity=False, places=2)),
    st.tuples(st.sampled_from(VECTORS), ARRAYS),
    st.tuples(st.sampled_from(VECTORS).map(lambda array: array | None), ARRAYS | st.none()),
)


def text(self: Any, value: Any) -> Any:
    """Write the value of a field as text."""
    return repr(value)


def typed_text(self: Any, value: Any) -> str:
    """Write the value of a field as text, as the annotation says."""
    return repr(value)


def in_list(self: Any, value: Any, handler: Callable[[Any], Any]) -> Any:
    """Write the value of a field in a list."""
    return [handler(value)]


def floats(self: Any) -> Any:
    """Write a model as the list of its floats."""
    return [value for value in dict(self).values() if isinstance(value, float)]


def with_more(self: Any, handler: Callable[[Any], Any]) -> dict[str, Any]:
    """Write one key more than a model has."""
    return {"more": math.inf, "written": handler(self)}


CONFIGS: list[ConfigDict] = [{}, {"alias_generator": to_camel}, {"extra": "allow"}]
FIELDS: list[Mapping[str, Any]] = [
    {},
    {"alias": "an alias"},
    {"serialization_alias": "written"},
    {"validation_alias": "read"},
    {"exclude": True},
]
FIELD_SERIALIZERS: list[Callable[[str], Any]] = [
    lambda name: field_serializer(name)(text),
    lambda name: field_serializer(name)(typed_text),
    lambda name: field_serializer(name, when_used="json-unless-none")(typed_text),
    lambda name: field_serializer(name, mode="wrap")(in_list),
]
MODEL_SERIALIZERS: list[Callable[[], Any]] = [
    lambda: model_serializer()(floats),
    lambda: model_serializer(mode="wrap")(with_more),
]


def computed(sample: Sample, **options: Any) -> Any:
    """Return a computed field that has a value."""
    annotation, value = sample

    def compute(self: Any) -> Any:
        return value

    compute.__annotations__["return"] = annotation
    return computed_field(**options)(property(compute))


@st.composite
def models(draw: st.DrawFn, samples: Samples) -> Sample:
    """Draw a model with features that change how it is written, and an instance of it."""
    annotation, value = draw(samples)
    config: ConfigDict = {"validate_by_name": True, "validate_by_alias": True}
    namespace: dict[str, Any] = {
        "__module__": __name__,
        "__annotations__": {"first_one": annotation, "other": float},
        "model_config": {**config, **draw(st.sampled_from(CONFIGS))},
        "first_one": Field(**draw(st.sampled_from(FIELDS))),
        "other": 0.5,
    }
    for name, drawn in {
        "computed_one": st.builds(computed, samples),
        "named_one": st.builds(computed, samples, alias=st.just("the name")),
        "write": st.sampled_from(FIELD_SERIALIZERS).map(lambda make: make("first_one")),
        "write_other": st.sampled_from(FIELD_SERIALIZERS).map(lambda make: make("other")),
        "write_all": st.sampled_from(MODEL_SERIALIZERS).map(lambda make: make()),
    }.items():
        if draw(st.integers(0, 3)) == 0:
            namespace[name] = draw(drawn)
    model = type("Drawn", (BaseModel,), namespace)
    return model, model(first_one=value, other=draw(FLOATS))


@st.composite
def nested(draw: st.DrawFn, samples: Samples) -> Sample:
    """Draw a container of a sample, or a model that has one."""
    annotation, value = draw(samples)
    any_of: Any = SerializeAsAny
    root: Any = RootModel[annotation]  # type: ignore[valid-type]  # made at run time
    choices: list[Sample] = [
        (GenericAlias(list, (annotation,)), [value, value]),
        (GenericAlias(dict, (str, annotation)), {"a.b": value}),
        (annotation | None, value),
        (annotation | bool, value),
        *([(any_of[annotation], value)] if isinstance(value, BaseModel) else []),
        (root, root.model_construct(value)),
    ]
    return draw(st.sampled_from(choices))


FEW = settings(max_examples=50)
OUTPUTS = models(FLAT | models(FLAT) | nested(FLAT | models(FLAT)))


Make = Callable[[Sample], Runtime]


@pytest.fixture(scope="module")
def runtime_of(catalog: Catalog) -> Make:
    """Return a function that makes a runtime whose outputs are always the same."""

    def make(sample: Sample) -> Runtime:
        schema, outputs = sample
        module = ModuleType("drawn")
        vars(module).update(
            InputSchema=create_model("InputSchema"),
            OutputSchema=schema,
            apply=lambda inputs: outputs,
        )
        made = local_runtime(catalog, resolve(catalog, flags={}, environment={}))
        made.api = tesseract_of(module)
        return made

    return make


def answer_of(runtime: Runtime, name: str) -> bytes:
    """Return the answer of `apply` in a format."""
    call = Call(
        endpoint="apply",
        run_id="run",
        body=b'{"inputs":{}}',
        body_format="json",
        output=Wire(format=name),
    )
    reply = runtime.invoke(call)
    assert reply.fault is None
    return b"".join(reply.body)


def faults(document: Any, schema: Mapping[str, Any]) -> list[str]:
    """Return the faults of a document that a JSON Schema finds."""
    return [error.message for error in Draft202012Validator(schema).iter_errors(document)]


@FEW
@given(sample=OUTPUTS)
def test_an_answer_is_valid_against_the_served_schemas(sample: Sample, runtime_of: Make) -> None:
    """Aliases, serializers, computed fields and numbers that are not finite are described."""
    runtime = runtime_of(sample)
    document = json.loads(answer_of(runtime, "json"))
    output_schema: Any = runtime.call("output_schema")
    openapi = openapi_document(runtime)
    assert faults(document, output_schema.root) == []
    component = {"$ref": "#/components/schemas/ApplyOutputSchema", **openapi}
    assert faults(document, component) == []


@pytest.mark.parametrize("name", ["json", "json+base64", "msgpack"])
@FEW
@given(sample=OUTPUTS)
def test_a_client_reads_an_answer(name: str, sample: Sample, runtime_of: Make) -> None:
    """Arrays are numpy arrays again, and everything else is what the JSON document says."""
    runtime = runtime_of(sample)
    documents = Documents(runtime.catalog, runtime.config)
    read = documents.read(Answer(format=name, body=answer_of(runtime, name)))
    written = b"".join(documents.write({"answer": read}, "json", "run"))
    assert json.loads(written) == {"answer": json.loads(answer_of(runtime, "json"))}
