"""A model of UM-Bridge with the methods of a Tesseract."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx
import numpy as np

from runtime_core.errors import InvalidOption, TesseractRuntimeError
from runtime_core.paths import Field, Index, InvalidPath, parse

_LONGEST = 3600.0
"""The seconds that a model may compute."""

_CONNECT_SECONDS = 10.0

Array = np.ndarray[Any, Any]


class ModelFailed(TesseractRuntimeError, RuntimeError):
    """A model of UM-Bridge has reported an error, or cannot be reached."""


class UmbridgeModel:
    """A model at `http://host:port/NAME`; without a name the only one of its server.

    Its inputs are `{"input": [...], "config": {...}}` with a vector for each input, and its outputs
    `{"output": [...]}`, all of float64. Paths are `input.[0]` and `output.[0]`. Raises
    `ModelFailed`, and `InvalidOption` for a path that has another form.
    """

    def __init__(self, url: str) -> None:
        self.reference = {"type": "umbridge", "ref": url}
        scheme, _, place = url.partition("://")
        host, _, name = place.rstrip("/").partition("/")
        self._root = f"{scheme}://{host}"
        self._client = httpx.Client(timeout=httpx.Timeout(_LONGEST, connect=_CONNECT_SECONDS))
        weakref.finalize(self, self._client.close)
        self._name = name or self._only_model()

    def apply(self, inputs: Mapping[str, Any]) -> dict[str, list[Array]]:
        """Return the outputs."""
        found = self._post("Evaluate", "output", **_point(inputs))
        return {"output": [np.asarray(vector, np.float64) for vector in found]}

    def vector_jacobian_product(
        self,
        inputs: Mapping[str, Any],
        vjp_inputs: Collection[str],
        vjp_outputs: Collection[str],
        cotangent_vector: Mapping[str, Any],
    ) -> dict[str, Array]:
        """Return the gradients of the weighted outputs by each input."""
        return {
            path: self._sum(
                "Gradient",
                inputs,
                [(out, path, "sens", cotangent_vector[out]) for out in vjp_outputs],
            )
            for path in vjp_inputs
        }

    def jacobian_vector_product(
        self,
        inputs: Mapping[str, Any],
        jvp_inputs: Collection[str],
        jvp_outputs: Collection[str],
        tangent_vector: Mapping[str, Any],
    ) -> dict[str, Array]:
        """Return the derivative of each output along the tangents."""
        return {
            out: self._sum(
                "ApplyJacobian",
                inputs,
                [(out, path, "vec", tangent_vector[path]) for path in jvp_inputs],
            )
            for out in jvp_outputs
        }

    def _sum(
        self, action: str, inputs: Mapping[str, Any], terms: Sequence[tuple[str, str, str, Any]]
    ) -> Array:
        """Add the products of one pair of an output and an input each."""
        found = [
            self._post(
                action,
                "output",
                outWrt=_number(out, "output"),
                inWrt=_number(path, "input"),
                **{vector: np.asarray(values, np.float64).ravel().tolist()},
                **_point(inputs),
            )
            for out, path, vector, values in terms
        ]
        total: Array = np.sum(np.asarray(found, np.float64), axis=0)
        return total

    def _only_model(self) -> str:
        models = self._request("GET", "Info")["models"]
        if len(models) != 1:
            raise ModelFailed(
                f"{self._root} has the models {', '.join(models)}: add one to the URL."
            )
        return str(models[0])

    def _post(self, action: str, member: str, **body: Any) -> Any:
        return self._request("POST", action, json={"name": self._name, **body})[member]

    def _request(self, method: str, action: str, **options: Any) -> Any:
        place = f"{self._root}/{action}"
        try:
            answer = self._client.request(method, place, **options)
            found = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ModelFailed(f"{place} does not answer as UM-Bridge does: {error}.") from error
        if not isinstance(found, dict) or "error" in found:
            raise ModelFailed(f"{place}: {_told(found)}")
        return found


def _told(found: Any) -> str:
    error = found.get("error") if isinstance(found, dict) else None
    return f"{error.get('type')}: {error.get('message')}" if isinstance(error, dict) else str(found)


def _point(inputs: Mapping[str, Any]) -> dict[str, Any]:
    vectors = [np.asarray(vector, np.float64).ravel().tolist() for vector in inputs["input"]]
    return {"input": vectors, "config": dict(inputs.get("config") or {})}


def _number(path: str, kind: str) -> int:
    with suppress(InvalidPath):
        match parse(path):
            case (Field(name=name), Index(position=int(number))) if name == kind:
                return number
    raise InvalidOption(f"Path {path!r} of a model of UM-Bridge must be such as {kind}.[0].")
