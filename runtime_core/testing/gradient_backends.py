"""The conformance suite of gradient backends."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from runtime_core.calls import validate_payload
from runtime_core.contracts import Unavailable
from runtime_core.gradients import JVP, SIGNATURES, GradientSignature
from runtime_core.gradients.opened_backends import OpenedBackends
from runtime_core.paths import parse, replace
from runtime_core.runtime import Runtime, local_runtime

SOURCE = """
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class Layer(BaseModel):
    weights: Differentiable[Array[(2, 3), Float64]]

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    layers: list[Layer]
    scale: Differentiable[Float64] = 2.0
    note: str = ""

    def squares(self):
        return self.x**2

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]
    named: dict[str, Differentiable[Float64]]

def apply(inputs):
    y = inputs.layers[0].weights @ inputs.squares()
    return OutputSchema(y=inputs.scale * y, named={"norm": (inputs.layers[1].weights**3).sum()})
"""
"""A Tesseract of polynomials, with nested arrays of ranks 0 to 2."""

INPUTS = """{
    "x": [1.0, -2.0, 0.5],
    "layers": [{"weights": [[1, 2, 3], [0, -1, 2]]}, {"weights": [[3, 1, 2], [1, 0.5, -2]]}]
}"""

Vector = Mapping[str, np.ndarray[Any, Any]]
STEP = 1e-5


@pytest.mark.usefixtures("unchanged_environment")
class GradientBackendConformance:
    """Tests that a gradient backend computes derivatives of `apply`, exactly those asked for.

    A subclass names the backend. `source` is a Tesseract that it differentiates at `inputs`, in
    JSON; by default one of polynomials in numpy. Derivatives are compared with central differences,
    to `tolerance`.

        class TestAcme(GradientBackendConformance):
            backend = "acme"
    """

    backend: ClassVar[str]
    source: ClassVar[str] = SOURCE
    inputs: ClassVar[str] = INPUTS
    tolerance: ClassVar[float] = 1e-6

    @pytest.fixture
    def served(self, runtime: Callable[..., Runtime]) -> Runtime:
        """Return the Tesseract with the backend."""
        return runtime(self.source, gradient_backend=self.backend)

    @pytest.fixture(params=SIGNATURES.values(), ids=lambda signature: signature.endpoint)
    def signature(self, request: pytest.FixtureRequest, served: Runtime) -> GradientSignature:
        """Return the signature of each gradient endpoint that the backend has."""
        signature: GradientSignature = request.param
        bound = served.endpoint(signature.endpoint)
        if isinstance(bound, Unavailable):
            pytest.skip(bound.reason)
        return signature

    def test_a_gradient_is_served(self, served: Runtime) -> None:
        """The backend has at least one endpoint, and a reason for each other one."""
        reasons = [getattr(served.endpoint(name), "reason", None) for name in SIGNATURES]
        assert None in reasons
        assert all(reason is None or reason.strip() for reason in reasons)

    def test_unknown_endpoints_have_a_reason(self, served: Runtime) -> None:
        """A backend is asked for endpoints of other plugins too."""
        backends = OpenedBackends(binding=served, catalog=served.catalog)
        answer = backends.provided(self.backend, "antiderivative")
        assert isinstance(answer, Unavailable)
        assert answer.reason.strip()

    def test_derivatives_are_those_of_apply(
        self, served: Runtime, signature: GradientSignature
    ) -> None:
        """By all paths, and by each alone, derivatives are those of central differences."""
        self.compare(served, signature, json.loads(self.inputs))

    def test_every_call_has_its_own_point(
        self, served: Runtime, signature: GradientSignature
    ) -> None:
        """Nothing that a backend keeps of the inputs of a call counts in the next one."""
        inputs, _ = self.at(served)
        near, cotangent = self.vectors(served)
        self.computed(served, signature, near, cotangent)
        moved = {parse(path): at + near[path] / 8 for path, at in inputs.items()}
        given = served.api.input_schema(**json.loads(self.inputs))
        self.compare(served, signature, replace(given, moved).model_dump())

    def test_every_tesseract_has_its_own_state(
        self, served: Runtime, signature: GradientSignature
    ) -> None:
        """The end of a Tesseract closes its state, without a failure and without that of others.

        Nor does a call change anything: the next one gives the same bits.
        """
        other = local_runtime(served.catalog, served.config)
        faults = served.catalog.faults.texts  # of other tests
        vectors = self.vectors(served)
        expected = str(self.computed(served, signature, *vectors))
        for _ in range(2):  # a Tesseract can be set up again
            with other.set_up():
                assert str(self.computed(other, signature, *vectors)) == expected
        assert str(self.computed(served, signature, *vectors)) == expected
        assert served.catalog.faults.texts == faults

    def test_a_batch_has_the_products_of_its_vectors(
        self, served: Runtime, signature: GradientSignature
    ) -> None:
        """Three vectors in one call give what each gives alone."""
        if not signature.vectors:
            pytest.skip("it has no vectors")
        pairs = [self.vectors(served, seed) for seed in range(3)]
        alone = [self.computed(served, signature, *pair) for pair in pairs]
        batches = map(stacked, zip(*pairs, strict=True))
        found = self.computed(served, signature, *batches, batch=3)
        for path, products in found.items():
            expected = stacked(alone)[path]
            assert products == pytest.approx(expected, self.tolerance, self.tolerance)

    def compare(self, served: Runtime, signature: GradientSignature, point: Any) -> None:
        """Compare the derivatives at inputs with central differences there."""
        inputs, result = self.at(served, point)
        for of in ([*inputs], *([path] for path in inputs)):
            for by in ([*result], *([path] for path in result)):
                tangent, cotangent = noise(inputs, of), noise(result, by)
                found = self.computed(served, signature, tangent, cotangent, inputs=point)
                expected = self.differences(served, point, tangent, by)
                assert paired(signature, found, tangent, cotangent) == pytest.approx(
                    paired(JVP, expected, tangent, cotangent), self.tolerance, self.tolerance
                )

    def at(self, served: Runtime, point: Any = None) -> tuple[Vector, Vector]:
        """Return the differentiable arrays of the inputs and of the result, by path."""
        given = {"inputs": point or json.loads(self.inputs)}
        payload: Any = validate_payload(served.bound("apply"), given, {})
        result: Any = served.call("apply", payload)
        schemas = served.schemas
        return (
            dict(schemas.differentiable_inputs.leaves(payload.inputs)),
            dict(schemas.differentiable_outputs.leaves(getattr(result, "root", result))),
        )

    def vectors(self, served: Runtime, seed: int = 0) -> tuple[Vector, Vector]:
        """Return a tangent of all inputs and a cotangent of all outputs."""
        inputs, result = self.at(served)
        return noise(inputs, inputs, seed), noise(result, result, seed)

    def computed(
        self,
        served: Runtime,
        signature: GradientSignature,
        tangent: Vector,
        cotangent: Vector,
        **others: Any,
    ) -> Any:
        """Return the result of a gradient endpoint; `others` are further keys of the payload."""
        vectors = {signature.tangent: tangent, signature.cotangent: cotangent}
        vectors.pop("", None)
        paths = {signature.input_paths: [*tangent], signature.output_paths: [*cotangent]}
        payload = {"inputs": json.loads(self.inputs), **paths, **vectors, **others}
        return served.call(signature.endpoint, payload).model_dump()

    def differences(
        self, served: Runtime, point: Any, tangent: Vector, outputs: Collection[str]
    ) -> Vector:
        """Return the derivative at inputs along a tangent by central differences."""
        inputs, _ = self.at(served, point)
        moves = [{p: inputs[p] + step * tangent[p] for p in tangent} for step in (STEP, -STEP)]
        with served.evaluations(served.api.input_schema(**point)) as evaluations:
            after, before = (evaluations.submit(move, outputs).result() for move in moves)
        return {path: (after[path] - before[path]) / (2 * STEP) for path in outputs}


def noise(like: Vector, paths: Iterable[str], seed: int = 0) -> Vector:
    """Return arrays of random numbers with the shapes of others."""
    source = np.random.default_rng(seed)
    return {path: np.asarray(source.normal(size=np.shape(like[path]))) for path in paths}


def stacked(vectors: Sequence[Vector]) -> Vector:
    """Return a batch of vectors."""
    return {path: np.stack([vector[path] for vector in vectors]) for path in vectors[0]}


def paired(signature: GradientSignature, found: Any, tangent: Vector, cotangent: Vector) -> Any:
    """Return the product of a cotangent, a derivative and a tangent."""
    if signature.vectors == ():
        found = {
            o: sum(np.tensordot(block[i], tangent[i], tangent[i].ndim) for i in tangent)
            for o, block in found.items()
        }
    other = tangent if signature.keyed_by_inputs else cotangent
    return sum(np.sum(found[path] * other[path]) for path in other)
