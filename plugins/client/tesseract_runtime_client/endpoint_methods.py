"""The methods of `Tesseract` that compute an endpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Set
from typing import Any

from pydantic import BaseModel

from runtime_core.gradients import BATCH, HVP, JACOBIAN, JVP, VJP, GradientSignature
from tesseract_runtime_client.result import Result
from tesseract_runtime_client.trees import shapes_of

Inputs = Mapping[str, Any] | BaseModel
"""Inputs of `apply`: numpy arrays in dicts and lists, or a pydantic model."""


class EndpointMethods(ABC):
    """Computes the endpoints of a Tesseract."""

    @abstractmethod
    def _compute(self, endpoint: str, payload: Mapping[str, Any], run_id: str | None) -> Any:
        """Return the result of an endpoint."""

    def apply(self, inputs: Inputs | None = None, run_id: str | None = None, **fields: Any) -> Any:
        """Return the outputs at inputs, of which `fields` are further ones by name, or all.

        `run_id` names the run; by default it is a new UUID.
        """
        return self._compute("apply", {"inputs": _merged(inputs, fields)}, run_id)

    def __call__(self, inputs: Inputs | None = None, **fields: Any) -> Any:
        """Return the outputs as `apply` does, as a `Result`: with attributes, and a short text."""
        outputs = self.apply(inputs, **fields)
        return Result(outputs) if isinstance(outputs, dict) else outputs

    def jacobian(
        self,
        inputs: Inputs,
        jac_inputs: Collection[str],
        jac_outputs: Collection[str],
        run_id: str | None = None,
    ) -> dict[str, dict[str, Any]]:
        """Return `{output: {input: block}}`, each block of the shape `(*output, *input)`."""
        payload = JACOBIAN.keywords(inputs, _listed(jac_inputs), _listed(jac_outputs))
        blocks: dict[str, dict[str, Any]] = self._compute(JACOBIAN.endpoint, payload, run_id)
        return blocks

    def jacobian_vector_product(
        self,
        inputs: Inputs,
        jvp_inputs: Collection[str],
        jvp_outputs: Collection[str],
        tangent_vector: Mapping[str, Any],
        run_id: str | None = None,
        *,
        batch: int | None = None,
    ) -> dict[str, Any]:
        """Return the change of each output along a tangent, which has an array for each input.

        With a `batch` every array of it and of the result has a leading axis of that size.
        """
        payload = JVP.keywords(inputs, _listed(jvp_inputs), _listed(jvp_outputs), tangent_vector)
        return self._product(JVP, payload, batch, run_id)

    def vector_jacobian_product(
        self,
        inputs: Inputs,
        vjp_inputs: Collection[str],
        vjp_outputs: Collection[str],
        cotangent_vector: Mapping[str, Any],
        run_id: str | None = None,
        *,
        batch: int | None = None,
    ) -> dict[str, Any]:
        """Return the pullback to each input of a cotangent, which has an array for each output.

        With a `batch` every array of it and of the result has a leading axis of that size.
        """
        payload = VJP.keywords(inputs, _listed(vjp_inputs), _listed(vjp_outputs), cotangent_vector)
        return self._product(VJP, payload, batch, run_id)

    def hessian_vector_product(
        self,
        inputs: Inputs,
        hvp_inputs: Collection[str],
        hvp_outputs: Collection[str],
        cotangent_vector: Mapping[str, Any],
        tangent_vector: Mapping[str, Any],
        run_id: str | None = None,
        *,
        batch: int | None = None,
    ) -> dict[str, Any]:
        """Return the change of the pullback of a cotangent along a tangent, for each input.

        With a `batch` every array of both and of the result has a leading axis of that size. The
        Tesseract needs the plugin `tesseract-runtime-second-order`.
        """
        paths = _listed(hvp_inputs), _listed(hvp_outputs)
        payload = HVP.keywords(inputs, *paths, cotangent_vector, tangent_vector)
        return self._product(HVP, payload, batch, run_id)

    def abstract_eval(self, abstract_inputs: Inputs, run_id: str | None = None) -> Any:
        """Return the outputs with `{"shape", "dtype"}` for arrays, from inputs in the same form.

        Arrays among the inputs stand for their shapes and data types.
        """
        return self._compute("abstract_eval", {"inputs": shapes_of(abstract_inputs)}, run_id)

    def _product(
        self,
        signature: GradientSignature,
        payload: dict[str, Any],
        batch: int | None,
        run_id: str | None,
    ) -> dict[str, Any]:
        if batch is not None:  # not every server knows the key
            payload[BATCH] = batch
        product: dict[str, Any] = self._compute(signature.endpoint, payload, run_id)
        return product


def _merged(inputs: Inputs | None, fields: Mapping[str, Any]) -> Inputs:
    """Return inputs with some of their fields given by name."""
    if not fields:
        return {} if inputs is None else inputs
    if isinstance(inputs, BaseModel):
        return inputs.model_copy(update=fields)
    return {**(inputs or {}), **fields}


def _listed(names: Collection[str]) -> list[str]:
    """Return paths as a list; a text is a single one."""
    if isinstance(names, str):
        return [names]
    return sorted(names) if isinstance(names, Set) else list(names)
