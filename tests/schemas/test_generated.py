"""Generated models: subclasses of the author's that refuse unknown keys and change nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Generic, Literal, TypeVar

import numpy as np
import pytest
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    RootModel,
    ValidationError,
    field_validator,
    model_validator,
)

from runtime_core import Array, Call, Float32, Float64, Runtime, Wire
from runtime_core.calls.faults import invalid_payload
from runtime_core.errors import InvalidTesseract
from runtime_core.schemas.generated import ModelGenerator

T = TypeVar("T")

Make = Callable[..., Runtime]


def generated(author: type[BaseModel]) -> Any:
    """Return the generated subclass of an author's model, whose fields mypy cannot know."""
    return ModelGenerator("Apply").model(author)


def errors_of(model: Any, value: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """Return type and place of each error of a refused value."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(value)
    return [(error["type"], error["loc"]) for error in caught.value.errors()]


class Inner(BaseModel):
    """An inner model of the author."""

    w: Array[(None,), Float64]


def test_a_generated_model_has_a_name_of_its_own() -> None:
    """The prefix distinguishes the models of endpoints."""
    assert generated(Inner).__name__ == "Apply_Inner"
    assert generated(Inner).__doc__ == "An inner model of the author."


def test_an_instance_is_one_of_the_authors_class() -> None:
    """`isinstance`, methods and properties of the author work."""

    class Model(BaseModel):
        x: Float64

        @property
        def double(self) -> Any:
            return 2 * self.x

    made = generated(Model).model_validate({"x": 2})
    assert isinstance(made, Model)
    assert made.double == 4


def test_nested_models_are_generated_too() -> None:
    """Models inside of lists, dicts, tuples and unions are replaced, and still the author's."""

    class Model(BaseModel):
        one: Inner
        listed: list[Inner]
        keyed: dict[str, Inner]
        paired: tuple[int, Inner]
        maybe: Inner | None
        noted: Annotated[Inner, Field(description="d")]

    inner = {"w": [1.0]}
    value = {
        "one": inner,
        "listed": [inner],
        "keyed": {"k": inner},
        "paired": [1, inner],
        "maybe": inner,
        "noted": inner,
    }
    made = generated(Model).model_validate(value)
    inners = [
        made.one,
        made.listed[0],
        made.keyed["k"],
        made.paired[1],
        made.maybe,
        made.noted,
    ]
    assert {type(inner).__name__ for inner in inners} == {"Apply_Inner"}
    assert all(isinstance(inner, Inner) for inner in inners)


def test_each_model_is_generated_once() -> None:
    """Two fields of one model share one generated class."""

    class Model(BaseModel):
        a: Inner
        b: list[Inner]

    made = generated(Model).model_validate({"a": {"w": [1]}, "b": [{"w": [2]}]})
    assert type(made.a) is type(made.b[0])


def test_unknown_keys_are_refused_at_every_level() -> None:
    """All unknown keys are named at once."""

    class Model(BaseModel):
        inner: Inner
        listed: list[Inner]

    value = {"inner": {"w": [1], "a": 1}, "listed": [{"w": [1], "b": 1}], "c": 1}
    assert errors_of(generated(Model), value) == [
        ("extra_forbidden", ("inner", "a")),
        ("extra_forbidden", ("listed", 0, "b")),
        ("extra_forbidden", ("c",)),
    ]


@pytest.mark.parametrize(("extra", "kept"), [("ignore", None), ("allow", {"more": 1})])
def test_an_author_may_allow_unknown_keys(extra: Literal["ignore", "allow"], kept: Any) -> None:
    """Where the author has set `extra`, it holds."""

    class Model(BaseModel):
        model_config = ConfigDict(extra=extra)
        x: Float64

    assert generated(Model).model_validate({"x": 1, "more": 1}).model_extra == kept


def test_an_author_may_allow_unknown_keys_in_one_model_only() -> None:
    """`extra` of a model does not apply to nested models."""

    class Model(BaseModel):
        model_config = ConfigDict(extra="ignore")
        inner: Inner

    value = {"inner": {"w": [1], "a": 1}, "more": 1}
    assert errors_of(generated(Model), value) == [("extra_forbidden", ("inner", "a"))]


def test_instances_of_the_author_are_accepted() -> None:
    """An instance of an author's model is accepted wherever its document is."""

    class Model(BaseModel):
        inner: Inner
        listed: list[Inner]

    inner = Inner(w=np.ones(2))
    made = generated(Model).model_validate({"inner": inner, "listed": [inner]})
    assert made.inner is inner
    assert made.listed == [inner]


def test_an_instance_of_the_authors_top_model_is_accepted() -> None:
    """What the author made is not made again."""
    inner = Inner(w=np.ones(2))
    assert generated(Inner).model_validate(inner) is inner


def test_an_instance_of_another_model_is_refused() -> None:
    """A model of the same fields is another model."""

    class Other(BaseModel):
        w: Array[(None,), Float64]

    assert errors_of(generated(Inner), Other(w=np.ones(1)))[0][0] == "model_type"


def test_validators_of_the_author_run_once() -> None:
    """Every kind of validator runs, in pydantic's order, once."""
    ran: list[str] = []

    class Model(BaseModel):
        x: Float64

        @field_validator("x", mode="before")
        @classmethod
        def before_field(cls, value: Any) -> Any:
            ran.append("field before")
            return value

        @field_validator("x")
        @classmethod
        def after_field(cls, value: Any) -> Any:
            ran.append("field after")
            return value

        @model_validator(mode="before")
        @classmethod
        def before(cls, value: Any) -> Any:
            ran.append("before")
            return value

        @model_validator(mode="wrap")
        @classmethod
        def wrap(cls, value: Any, handler: Any) -> Any:
            ran.append("wrap")
            return handler(value)

        @model_validator(mode="after")
        def after(self) -> Model:
            ran.append("after")
            return self

    generated(Model).model_validate({"x": 1})
    of_the_generated, ran[:] = ran.copy(), []
    Model.model_validate({"x": 1})
    assert of_the_generated == ran
    assert len(ran) == len(set(ran)) == 5


def test_validators_do_not_run_again_on_instances() -> None:
    """An instance was validated when its author made it."""
    ran: list[str] = []

    class Model(BaseModel):
        x: Float64

        @model_validator(mode="after")
        def after(self) -> Model:
            ran.append("after")
            return self

    generated(Model).model_validate(Model.model_validate({"x": 1}))
    assert ran == ["after"]


def test_validators_see_numpy_arrays() -> None:
    """Validators get arrays of the declared type."""
    seen: list[Any] = []

    class Model(BaseModel):
        x: Array[(None,), Float32]

        @field_validator("x")
        @classmethod
        def see(cls, value: Any) -> Any:
            seen.append(value)
            return value

    generated(Model).model_validate({"x": [1, 2]})
    assert seen[0].dtype == np.float32


def test_constraints_of_fields_are_kept() -> None:
    """`ge`, `max_length`, `pattern` and their like hold in generated models."""

    class Model(BaseModel):
        n: int = Field(ge=0)
        name: str = Field(pattern="^a")
        listed: list[Inner] = Field(max_length=1)

    value = {"n": -1, "name": "b", "listed": [{"w": [1]}, {"w": [1]}]}
    assert errors_of(generated(Model), value) == [
        ("greater_than_equal", ("n",)),
        ("string_pattern_mismatch", ("name",)),
        ("too_long", ("listed",)),
    ]


def test_aliases_are_kept() -> None:
    """A document names a field by its alias."""

    class Model(BaseModel):
        inner: Inner = Field(alias="theInner")
        x: Float64 = Field(validation_alias="in", serialization_alias="out")

    made = generated(Model).model_validate({"theInner": {"w": [1]}, "in": 2})
    assert made.x == 2
    assert set(made.model_dump(by_alias=True)) == {"theInner", "out"}


def test_descriptions_titles_and_examples_are_kept() -> None:
    """The schema of a generated model has the author's metadata of fields."""

    class Model(BaseModel):
        x: Array[(None,), Float64] = Field(description="Some numbers.", title="Numbers")
        n: int = Field(3, description="A number.", examples=[4])

    schema = generated(Model).model_json_schema()["properties"]
    assert schema["x"]["description"] == "Some numbers."
    assert schema["n"] == Model.model_json_schema()["properties"]["n"]


@pytest.mark.parametrize("default", [[1, 2], (1, 2), np.array([1, 2])], ids=repr)
def test_defaults_of_arrays_are_validated(default: Any) -> None:
    """A default is converted to an array of the declared type."""

    class Model(BaseModel):
        x: Array[(None,), Float32] = default

    made = generated(Model).model_validate({})
    assert type(made.x) is np.ndarray
    assert made.x.dtype == np.float32


def test_a_default_number_is_a_numpy_scalar() -> None:
    """A field of rank 0 with a default of 1.0 holds numpy's scalar."""

    class Model(BaseModel):
        s: Float32 = 1.0
        m: Float32 | None = None

    made = generated(Model).model_validate({})
    assert type(made.s) is np.float32
    assert made.m is None


def test_a_default_array_is_not_shared_between_calls() -> None:
    """Writing to a default changes nothing for the next call."""

    class Model(BaseModel):
        x: Array[(None,), Float64] = np.zeros(2)

    model = generated(Model)
    model.model_validate({}).x[0] = 7
    assert model.model_validate({}).x[0] == 0


@pytest.mark.parametrize("how", ["= Inner()", "= Field(default_factory=Inner)"])
def test_arrays_inside_of_a_default_model_are_numpy(how: str, runtime: Make) -> None:
    """A default that is a model has numpy arrays inside, its own defaults too."""
    source = f"""
    from pydantic import BaseModel, Field
    from runtime_core import Array, Float64

    class Inner(BaseModel):
        w: Array[(None,), Float64] = [1, 2]

    class InputSchema(BaseModel):
        inner: Inner {how}

    class OutputSchema(BaseModel):
        seen: str

    def apply(inputs: InputSchema) -> OutputSchema:
        return OutputSchema(seen=type(inputs.inner.w).__name__)
    """
    assert runtime(source).call("apply", {"inputs": {}}).model_dump() == {"seen": "ndarray"}


def test_generic_models_are_generated() -> None:
    """A parametrised model has a generated subclass like any other."""

    class Box(BaseModel, Generic[T]):
        content: T

    class Model(BaseModel):
        box: Box[Inner]

    made = generated(Model).model_validate({"box": {"content": {"w": [1]}}})
    assert isinstance(made.box.content, Inner)
    assert errors_of(generated(Model), {"box": {"content": {"w": [1], "a": 1}}}) == [
        ("extra_forbidden", ("box", "content", "a"))
    ]


def test_discriminated_unions_are_generated() -> None:
    """The tag selects the member of a tagged union, in fields and in containers."""

    class A(BaseModel):
        kind: Literal["a"]
        x: Float64

    class B(BaseModel):
        kind: Literal["b"]
        x: Float64

    class Model(BaseModel):
        one: A | B = Field(discriminator="kind")
        many: list[Annotated[A | B, Field(discriminator="kind")]]

    value = {"one": {"kind": "b", "x": 1}, "many": [{"kind": "a", "x": 1}]}
    made = generated(Model).model_validate(value)
    assert isinstance(made.one, B)
    assert isinstance(made.many[0], A)


def test_root_models_are_generated() -> None:
    """A root model keeps its root, and the models inside are generated."""

    class Model(RootModel[dict[str, Inner]]):
        pass

    made = generated(Model).model_validate({"a": {"w": [1]}})
    assert isinstance(made, Model)
    assert type(made.root["a"]).__name__ == "Apply_Inner"
    assert errors_of(generated(Model), {"a": {"w": [1], "b": 1}}) == [
        ("extra_forbidden", ("a", "b"))
    ]


def test_inherited_configuration_holds() -> None:
    """A frozen model stays frozen."""

    class Model(BaseModel):
        model_config = ConfigDict(frozen=True, str_strip_whitespace=True)
        name: str

    made = generated(Model).model_validate({"name": " a "})
    assert made.name == "a"
    with pytest.raises(ValidationError, match="frozen"):
        made.name = "b"


def test_a_recursive_model_without_arrays_works() -> None:
    """Only arrays make the end of a path a matter of concern."""

    class Model(BaseModel):
        x: Float64
        tree: Tree

    made = generated(Model).model_validate({"x": 1, "tree": {"n": 1, "below": [{"n": 2}]}})
    assert made.tree.below[0].n == 2


class Tree(BaseModel):
    """A model that contains itself, without arrays."""

    n: int
    below: list[Tree] = []


class Node(BaseModel):
    """A model that contains itself, with arrays."""

    w: Float64
    below: list[Node] = []


class Left(BaseModel):
    """One of two models that contain each other."""

    right: Right | None = None


class Right(BaseModel):
    """The other of two models that contain each other, with arrays."""

    w: Float64
    left: Left


@pytest.mark.parametrize(("author", "name"), [(Node, "Node"), (Left, "Left"), (Right, "Right")])
def test_a_recursive_model_with_arrays_is_refused(author: type[BaseModel], name: str) -> None:
    """The error names the model and the reason."""
    with pytest.raises(InvalidTesseract) as caught:
        generated(author)
    assert str(caught.value) == (
        f"{name} contains itself. A recursive model cannot hold arrays: its paths would have no "
        "end."
    )


UNIONS = """
from typing import Annotated, Literal
from pydantic import BaseModel, Field
from runtime_core import Array, Differentiable, Float64

Vector = Differentiable[Array[(None,), Float64]]
Matrix = Differentiable[Array[(None, None), Float64]]

class A(BaseModel):
    kind: Literal["a"] = "a"
    w: Vector | Matrix = [1.0]

class B(BaseModel):
    kind: Literal["b"] = "b"
    n: int = 1

class InputSchema(BaseModel):
    x: Vector | Matrix
    either: A | B = A()
    other: B | int = B()
    tagged: Annotated[A | B, Field(discriminator="kind")] = B()
    listed: list[A | B] | dict[str, A] = [A(), B(n=2)]

class OutputSchema(InputSchema):
    pass

def dumped(model):
    model.model_dump(), model.model_dump(mode="json"), model.model_dump_json()  # warn
    return model

def apply(inputs):
    return dumped(OutputSchema(**dict(dumped(inputs))))

def abstract_eval(inputs):
    inputs.model_dump()
    return {**dict(inputs), "listed": [A(), B()]}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    dumped(inputs)
    return {"x": cotangent_vector["x"]}
"""


@pytest.mark.parametrize("x", [[1.0, 2.0], [[1.0, 2.0]]], ids=["vector", "matrix"])
def test_members_of_unions_are_written_without_a_warning(x: Any, runtime: Make) -> None:
    """Instances of the author, defaults too, become those of the class that the union writes."""
    made = runtime(UNIONS)
    outputs: Any = made.call("apply", {"inputs": {"x": x}})
    assert outputs.root.x.tolist() == x
    assert outputs.root.listed == [outputs.root.either, outputs.root.listed[1]]
    shape = {"shape": np.shape(x), "dtype": "float64"}
    abstract: Any = made.call("abstract_eval", {"inputs": {"x": shape}})
    assert abstract.model_dump(mode="json")["listed"] == [
        {"kind": "a", "w": {"shape": [1], "dtype": "float64"}},
        {"kind": "b", "n": 1},
    ]
    payload = {"inputs": {"x": x}, "vjp_inputs": ["x"], "vjp_outputs": ["x"]}
    product: Any = made.call("vector_jacobian_product", payload | {"cotangent_vector": {"x": x}})
    assert product.root["x"].tolist() == x


class Pin(BaseModel):
    """A model that is unlike another of a union."""

    at: int


def test_faults_name_the_classes_of_the_author() -> None:
    """No generated class and no validator is in a message, or in the place of a fault."""

    class Model(BaseModel):
        one: Inner
        either: Inner | Pin
        ranked: Array[(None,), Float64] | Array[(), Float64]

    value = {"one": 3, "either": {"w": "a"}, "ranked": "b"}
    with pytest.raises(ValidationError) as caught:
        generated(Model).model_validate(value)
    faults = invalid_payload(caught.value, Model).details
    assert faults[0]["msg"] == "Input should be a valid dictionary or instance of Inner"
    assert [fault["loc"] for fault in faults] == [
        ["one"],
        ["either", "Inner", "w"],
        ["either", "Pin", "at"],
        ["either", "Pin", "w"],
        ["ranked", "Array[(None,), float64]"],
        ["ranked", "Array[(), float64]"],
    ]


def test_a_forward_reference_is_generated() -> None:
    """A model that is named before its definition refuses unknown keys too."""
    assert errors_of(generated(Early), {"later": {"w": [1], "a": 1}}) == [
        ("extra_forbidden", ("later", "a"))
    ]


class Early(BaseModel):
    """A model that names another before it is defined."""

    later: Later


class Later(BaseModel):
    """A model that another names before it is defined."""

    w: Array[(None,), Float64]


def test_inputs_can_be_pickled(runtime: Make) -> None:
    """An author may send the inputs to a process of their own."""
    source = """
    import pickle
    from pydantic import BaseModel
    from runtime_core import Array, Float64

    class Inner(BaseModel):
        w: Array[(None,), Float64]

    class InputSchema(BaseModel):
        inner: Inner

    class OutputSchema(BaseModel):
        w: Array[(None,), Float64]

    def apply(inputs: InputSchema) -> OutputSchema:
        return OutputSchema(w=pickle.loads(pickle.dumps(inputs)).inner.w)
    """
    result = runtime(source).call("apply", {"inputs": {"inner": {"w": [1, 2]}}})
    assert result.model_dump()["w"].tolist() == [1, 2]


def test_inputs_can_be_copied_and_dumped(runtime: Make) -> None:
    """`model_copy` and `model_dump` work as the author's schema declares."""
    source = """
    import copy
    from pydantic import BaseModel
    from runtime_core import Array, Float64

    class InputSchema(BaseModel):
        w: Array[(None,), Float64]

    class OutputSchema(InputSchema):
        pass

    def apply(inputs: InputSchema) -> OutputSchema:
        changed = copy.deepcopy(inputs).model_copy(update={"w": inputs.w + 1})
        return OutputSchema(**changed.model_dump())
    """
    result = runtime(source).call("apply", {"inputs": {"w": [1, 2]}})
    assert result.model_dump()["w"].tolist() == [2, 3]


def test_assignments_are_validated_as_the_author_configured() -> None:
    """With `validate_assignment` a new value of a field is validated and kept, or refused."""

    class Inputs(BaseModel):
        model_config = ConfigDict(validate_assignment=True)
        w: Array[(None,), Float64]
        n: int = 0

        @model_validator(mode="after")
        def refuse_negative(self) -> Inputs:
            assert self.n >= 0
            return self

    inputs = generated(Inputs)(w=[1])
    inputs.w = inputs.w * 2
    inputs.n = "3"
    assert (inputs.w.tolist(), inputs.n) == ([2], 3)
    with pytest.raises(ValidationError):
        inputs.w = [[1]]
    with pytest.raises(ValidationError):
        inputs.n = -1


def test_inputs_go_into_outputs_as_they_are(runtime: Make) -> None:
    """Parts of the inputs may be handed to the author's own classes."""
    source = """
    from pydantic import BaseModel
    from runtime_core import Float64

    class Inner(BaseModel):
        w: Float64

    class InputSchema(BaseModel):
        inner: Inner
        listed: list[Inner]

    class OutputSchema(InputSchema):
        pass

    def apply(inputs: InputSchema) -> OutputSchema:
        return OutputSchema(inner=inputs.inner, listed=inputs.listed)
    """
    body = b'{"inputs":{"inner":{"w":1},"listed":[{"w":2}]}}'
    call = Call(
        endpoint="apply", run_id="r", body=body, body_format="json", output=Wire(format="json")
    )
    answer = json.loads(b"".join(runtime(source).invoke(call).body))
    assert answer["inner"]["w"]["data"]["buffer"] == 1
    assert answer["listed"][0]["w"]["data"]["buffer"] == 2
