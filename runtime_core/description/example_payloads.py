"""Examples of payloads, as the page of the documentation shows and sends them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from pydantic_core import from_json, to_json

from runtime_core.arrays.coercion import Expected
from runtime_core.description.schema_example import SchemaExamples
from runtime_core.gradients.signatures import HVP, JACOBIAN, JVP, VJP, GradientSignature
from runtime_core.paths import Index, Key, render
from runtime_core.runtime import Runtime

_LARGEST = 64 << 10  # bytes of an example
_MOST_FILES = 10
_OURS = "example"

_SIGNATURES = MappingProxyType({each.endpoint: each for each in (JACOBIAN, JVP, VJP, HVP)})


class ExamplePayloads:
    """Finds a valid payload for each endpoint: the author's own, or one made of the schema.

    The author's are those in `inputs.json` and in `test_cases`, beside the Tesseract.
    """

    def __init__(self, runtime: Runtime, components: Mapping[str, Any]) -> None:
        self._runtime = runtime
        self._components = components
        self._examples = SchemaExamples(components)
        self._recorded = dict(_recorded(Path(runtime.config.api_path).parent))

    def of(self, endpoint: str, component: str) -> Mapping[str, Any]:
        """Return valid payloads by name, whose model has a component of this name.

        If no payload is valid, as one that names files which this service lacks, they are the
        author's.
        """
        recorded = [*self._recorded_for(endpoint)]
        valid = [case for case in recorded if self._validated(endpoint, case[1]) is not None]
        return dict(valid or [*islice(self._made_for(endpoint, component), 1)] or recorded)

    def _made_for(self, endpoint: str, component: str) -> Iterator[tuple[str, Any]]:
        made = self._made(component)
        for _, point in (*self._recorded_for("apply"), ("", self._made("ApplyInputSchema"))):
            with suppress(LookupError, TypeError, StopIteration):
                inputs = point["inputs"]
                payload = {**made, "inputs": inputs, **self._directions(endpoint, inputs)}
                if self._validated(endpoint, payload) is not None:
                    yield _OURS, payload

    def _recorded_for(self, endpoint: str) -> Iterator[tuple[str, Any]]:
        return (
            (name, case["payload"])
            for name, case in self._recorded.items()
            if case["endpoint"] == endpoint
        )

    def _made(self, component: str) -> Any:
        with suppress(LookupError, TypeError, ValueError, RecursionError):
            return self._examples.of(self._components[component])
        return {}

    def _directions(self, endpoint: str, inputs: Any) -> Mapping[str, Any]:
        """Return the paths and vectors of a gradient: the first input and output."""
        signature = _SIGNATURES.get(endpoint)
        point = self._validated("apply", {"inputs": inputs})
        if signature is None or point is None:
            return {}
        schemas = self._runtime.schemas
        leaves = dict(schemas.differentiable_inputs.leaves(point.inputs))
        wrt, value = next(iter(leaves.items()))
        outputs = schemas.differentiable_outputs
        of = render([*map(_concrete, next(iter(outputs.by_template)))])
        shape = _shape(outputs.declared(of), [np.shape(leaf) for leaf in leaves.values()])
        return _arguments(signature, wrt=wrt, of=of, tangent=np.shape(value), cotangent=shape)

    def _validated(self, endpoint: str, payload: Any) -> Any:
        with suppress(Exception):  # an author's validator may raise anything
            return self._runtime.payload(endpoint, to_json(payload))
        return None


def _recorded(folder: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the cases of calls that succeed by name, the one of `inputs.json` first."""
    if (payload := _read(folder / "inputs.json")) is not None:
        yield "inputs.json", {"endpoint": "apply", "payload": payload}
    for file in sorted(folder.glob("test_cases/**/*.json"))[:_MOST_FILES]:
        document, name = _read(file), file.relative_to(folder).as_posix()
        cases = document if isinstance(document, list) else [document]
        for number, case in enumerate(cases, start=1):
            keys = case.keys() if isinstance(case, dict) else {"expected_exception"}
            if "expected_exception" not in keys and keys >= {"endpoint", "payload"}:
                yield name if len(cases) == 1 else f"{name}, {number}", case


def _read(file: Path) -> Any:
    with suppress(OSError, ValueError):
        if file.stat().st_size <= _LARGEST:
            return from_json(file.read_bytes())
    return None


def _concrete(step: Any) -> Any:
    return {Index(None): Index(0), Key(None): Key("key")}.get(step, step)


def _shape(declared: Expected | None, shapes: list[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the shape of an output; unknown sizes are those of an input, or 2."""
    if declared is None or declared.shape is ...:
        return shapes[0]
    alike = [shape for shape in shapes if len(shape) == len(declared.shape)]
    guesses = alike[0] if alike else [2] * len(declared.shape)
    return tuple(
        guess if size is None else size for size, guess in zip(declared.shape, guesses, strict=True)
    )


def _arguments(
    signature: GradientSignature,
    *,
    wrt: str,
    of: str,
    tangent: tuple[int, ...],
    cotangent: tuple[int, ...],
) -> Mapping[str, Any]:
    vectors = {
        signature.tangent: {wrt: np.ones(tangent).tolist()},
        signature.cotangent: {of: np.ones(cotangent).tolist()},
    }
    paths = {signature.input_paths: [wrt], signature.output_paths: [of]}
    return {**paths, **{name: vector for name, vector in vectors.items() if name}}
