"""The paths by which a caller names what to differentiate."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime_core.errors import FaultKind, InvalidPayload, InvalidResult
from tests.builtin.conftest import (
    GRADIENTS,
    HEADER,
    IDENTITY,
    JACOBIAN,
    PREFIXES,
    VJP,
    Make,
    answer,
    ask,
    fault,
    numbers,
    seen,
)

CONTAINERS = (
    HEADER
    + """
class Layer(BaseModel):
    w: Differentiable[Array[(None,), Float64]]
    frozen: Array[(None,), Float64] = [0.0]

class Table(RootModel[dict[str, Layer]]):
    pass

class Tree(BaseModel):
    layers: list[Layer] = []
    named: dict[str, Differentiable[Float64]] = {}
    numbered: dict[int, Layer] = {}
    pair: tuple[int, Layer] = (0, {"w": [0.0]})
    maybe: Layer | None = None
    table: Table = Table({})
    either: Layer | str = ""
    grid: list[list[Differentiable[Float64]]] = []
    alias: Differentiable[Float64] = Field(default=0.0, alias="Short")

class InputSchema(Tree):
    pass

class OutputSchema(Tree):
    pass

def apply(inputs):
    return {}

def jacobian(inputs, jac_inputs, jac_outputs):
    SEEN.append((jac_inputs, jac_outputs))
    return {"alias": {path: np.zeros(SHAPES.get(path, ())) for path in jac_inputs}}

SHAPES = {}
"""
)
"""A Tesseract with an array in every kind of container, which notes the paths it is given."""

TEMPLATES = [
    "layers.[].w",
    "named.{}",
    "numbered.{}.w",
    "pair.[1].w",
    "maybe.w",
    "table.root.{}.w",
    "either.w",
    "grid.[].[]",
    "alias",
]


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"layers": [{"w": []}, {"w": []}]}, "layers.[1].w"),
        ({"named": {"a.b c": 1.0}}, "named.{a.b c}"),
        ({"named": {"{x}": 1.0, "\\": 2.0}}, "named.{\\{x\\}}"),
        ({"named": {"{x}": 1.0, "\\": 2.0}}, "named.{\\\\}"),
        ({"named": {"": 1.0}}, "named.{}"),
        ({"numbered": {"7": {"w": []}}}, "numbered.{7}.w"),
        ({"pair": [1, {"w": []}]}, "pair.[1].w"),
        ({"maybe": {"w": []}}, "maybe.w"),
        ({"table": {"k": {"w": []}}}, "table.root.{k}.w"),
        ({"either": {"w": []}}, "either.w"),
        ({"grid": [[], [1.0, 2.0]]}, "grid.[1].[1]"),
        ({"Short": 2.0}, "alias"),
    ],
)
def test_a_path_leads_into_every_container(inputs: Any, path: str, runtime: Make) -> None:
    """An array anywhere in the inputs has a path, which the author gets as it was sent."""
    shape = (0,) if path.endswith("w") else ()
    made = runtime(CONTAINERS + f"\nSHAPES[{path!r}] = {shape}\n")
    answer(made, JACOBIAN, ask(JACOBIAN, inputs, of=["alias"], by=[path]))
    assert seen(made) == [({path}, {"alias"})]


@pytest.mark.parametrize(
    ("path", "valid"),
    [
        ("layers.[2].w", "layers.[0].w, layers.[1].w, named.{k}, pair.[1].w, alias"),
        ("named.{j}", "layers.[0].w, layers.[1].w, named.{k}, pair.[1].w, alias"),
        ("maybe.w", "layers.[0].w, layers.[1].w, named.{k}, pair.[1].w, alias"),
        ("either.w", "layers.[0].w, layers.[1].w, named.{k}, pair.[1].w, alias"),
    ],
)
def test_a_path_to_an_absent_place_is_refused(path: str, valid: str, runtime: Make) -> None:
    """A path that these inputs lack is refused with the paths that they have."""
    inputs = {"layers": [{"w": [1.0]}, {"w": []}], "named": {"k": 1.0}}
    wrong = fault(runtime(CONTAINERS), JACOBIAN, ask(JACOBIAN, inputs, of=["alias"], by=[path]))
    assert wrong.kind is FaultKind.INVALID_PAYLOAD
    assert [(d["type"], d["loc"]) for d in wrong.details] == [("unknown_path", ["jac_inputs", 0])]
    assert wrong.details[0]["msg"] == f"The inputs have no array at {path!r}. Valid: {valid}."


def test_every_wrong_path_is_told_with_its_index(runtime: Make) -> None:
    """Absent and unknown paths are faults of their own, beside those that are right."""
    inputs = {"layers": [{"w": [1.0]}], "named": {"k": 1.0}}
    by = ["alias", "layers.[1].w", "nothing", "named.{k}", "named.{j}"]
    wrong = fault(runtime(CONTAINERS), JACOBIAN, ask(JACOBIAN, inputs, of=["alias", "no"], by=by))
    assert [detail["loc"] for detail in wrong.details] == [
        ["jac_inputs", 1],
        ["jac_inputs", 2],
        ["jac_inputs", 4],
        ["jac_outputs", 1],
    ]


@pytest.mark.parametrize("path", ["layers.[5].w", "named.{j}", "maybe.w", "table.root.{q}.w"])
def test_an_output_may_be_anywhere_that_its_schema_allows(path: str, runtime: Make) -> None:
    """Which outputs there are is not known before they are computed."""
    made = runtime(CONTAINERS)
    with pytest.raises(InvalidResult, match="returned a dict with the keys alias, expected"):
        made.call(JACOBIAN, ask(JACOBIAN, {}, of=[path], by=["alias"]))
    assert seen(made) == [({"alias"}, {path})]


@pytest.mark.parametrize("side", ["inputs", "outputs"])
@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("layer.[0].w", "layers.[].w"),
        ("pair.[0].w", "pair.[1].w"),
        ("table.{k}.w", "table.root.{}.w"),
        ("nothing", None),
        ("Short", None),
    ],
)
def test_an_unknown_path_is_refused(path: str, near: str | None, side: str, runtime: Make) -> None:
    """A path that is not differentiable is refused with the valid ones and the nearest of them."""
    payload = ask(JACOBIAN, {}, of=["alias"], by=["alias"]) | {f"jac_{side}": [path]}
    wrong = fault(runtime(CONTAINERS), JACOBIAN, payload)
    assert (wrong.kind, wrong.kind.status) == (FaultKind.INVALID_PAYLOAD, 422)
    assert [(detail["type"], detail["loc"]) for detail in wrong.details] == [
        ("unknown_path", [f"jac_{side}", 0])
    ]
    message = wrong.details[0]["msg"]
    assert message.endswith(f"Valid: {', '.join(TEMPLATES)}.")
    assert (f" Did you mean {near!r}?" in message) if near else ("Did you mean" not in message)


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("layers.[0].frozen", "add Differentiable[...] to layers.[].frozen in {}"),
        ("beta", "declare as Differentiable[Float64] the float beta in {}"),
    ],
)
def test_a_path_that_is_not_differentiable_says_how_it_would_be(
    path: str, advice: str, runtime: Make
) -> None:
    """An array or number that lacks only the mark gets the next step, not another path."""
    source = CONTAINERS.replace(
        "class Tree(BaseModel):", "class Tree(BaseModel):\n    beta: float = 1"
    )
    payload = ask(JACOBIAN, {}, of=[path], by=[path])
    wrong = fault(runtime(source), JACOBIAN, payload)
    assert [detail["msg"] for detail in wrong.details] == [
        f"{path!r} is not the path of a differentiable array. To make it one, "
        f"{advice.format(schema)}. Valid: {', '.join(TEMPLATES)}."
        for schema in ("InputSchema", "OutputSchema")
    ]


@pytest.mark.parametrize("endpoint", GRADIENTS)
def test_a_misspelled_path_gets_a_suggestion(endpoint: str, runtime: Make) -> None:
    """The message is the same for each endpoint."""
    with pytest.raises(InvalidPayload) as caught:
        runtime(IDENTITY).call(endpoint, ask(endpoint, {"x": [1.0]}, by=["xs"]))
    assert str(caught.value).startswith(
        f"{PREFIXES[endpoint]}_inputs.0: 'xs' is not the path of a differentiable array. "
        "Did you mean 'x'? Valid: x."
    )


@pytest.mark.parametrize("path", ["", ".", "x.", "layers.[-1].w", "layers.0.w", "named.{", "a b"])
def test_a_text_that_is_no_path_is_refused(path: str, runtime: Make) -> None:
    """The message has the valid paths here too."""
    payload = ask(JACOBIAN, {}, of=["alias"], by=[path])
    wrong = fault(runtime(CONTAINERS), JACOBIAN, payload)
    assert [detail["type"] for detail in wrong.details] == ["unknown_path"]
    assert f"Valid: {', '.join(TEMPLATES)}." in wrong.details[0]["msg"]


@pytest.mark.parametrize("path", ["layers.[].w", "grid.[0].[]"])
def test_a_template_is_no_path(path: str, runtime: Make) -> None:
    """A payload cannot name every item of a list at once."""
    with pytest.raises(InvalidPayload, match=r"'\[\]' means every index"):
        runtime(CONTAINERS).call(JACOBIAN, ask(JACOBIAN, {}, of=["alias"], by=[path]))


def test_a_long_path_is_shortened(runtime: Make) -> None:
    """A refused path does not come back in full."""
    with pytest.raises(InvalidPayload) as caught:
        runtime(IDENTITY).call(JACOBIAN, ask(JACOBIAN, {"x": [1.0]}, by=["x" * 5000]))
    assert len(str(caught.value)) < 300


def test_many_valid_paths_are_cut(runtime: Make) -> None:
    """Of many valid paths the first are listed and the others counted."""
    inputs = {"named": {str(i): 0.0 for i in range(30)}}
    wrong = fault(
        runtime(CONTAINERS), JACOBIAN, ask(JACOBIAN, inputs, of=["alias"], by=["maybe.w"])
    )
    assert "named.{19} and 12 more." in wrong.details[0]["msg"]


def test_a_path_into_inputs_that_are_a_root_model(runtime: Make) -> None:
    """Schemas that are a RootModel have `root` as their first step."""
    made = runtime(
        HEADER
        + """
class InputSchema(RootModel[list[Differentiable[Float64]]]):
    pass

class OutputSchema(RootModel[dict[str, Differentiable[Float64]]]):
    pass

def apply(inputs):
    return {"sum": sum(inputs.root)}

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {path: cotangent_vector["root.{sum}"] for path in vjp_inputs}
"""
    )
    payload = ask(VJP, [1.0, 2.0], of=["root.{sum}"], by=["root.[1]"], vector={"root.{sum}": 3.0})
    assert numbers(answer(made, VJP, payload)) == {"root.[1]": 3.0}


def test_the_schema_of_paths_accepts_exactly_the_paths(runtime: Make) -> None:
    """What OpenAPI says of a path, by a constant or a pattern, is what the endpoint accepts."""
    payload = runtime(CONTAINERS).bound(JACOBIAN).payload
    assert payload is not None
    kinds = payload.model_json_schema()["properties"]["jac_outputs"]["items"]["anyOf"]
    texts = st.sampled_from(TEMPLATES).flatmap(
        lambda template: st.builds(
            lambda index, key: template.replace("[]", f"[{index}]").replace("{}", f"{{{key}}}"),
            st.sampled_from(["0", "7", "12", "01", "-1", "", "x"]),
            st.text("ab.{}\\[]\n ", max_size=4),
        )
    ) | st.text("alyers.[]{}01w", max_size=12)

    @settings(max_examples=150, deadline=None)
    @given(text=texts)
    def agree(text: str) -> None:
        described = any(
            text == kind["const"] if "const" in kind else re.fullmatch(kind["pattern"], text)
            for kind in kinds
        )
        asked = ask(JACOBIAN, {}, of=[text], by=["alias"])
        try:
            payload.model_validate(asked)
        except ValueError:
            assert not described
        else:
            assert described

    agree()
