"""The methods of `Tesseract` that compute an endpoint."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from runtime_core.errors import TesseractRuntimeError
from runtime_core.gradients import BATCH, JACOBIAN, JVP, VJP, GradientSignature
from tesseract_runtime_client.result import Result
from tesseract_runtime_client.served_endpoints import Inputs, ServedEndpoints, merged, path_list
from tesseract_runtime_client.trees import shapes_of


class EndpointMethods(ABC):
    """Computes the endpoints of a Tesseract."""

    @abstractmethod
    def _compute(self, endpoint: str, payload: Mapping[str, Any], run_id: str | None) -> Any:
        """Return the result of an endpoint."""

    @property
    @abstractmethod
    def _served(self) -> ServedEndpoints:
        """The endpoints that the Tesseract describes."""

    @abstractmethod
    def _constant(self, endpoint: str) -> Any:
        """Return the answer of an endpoint without a payload."""

    def call(
        self, endpoint: str, payload: Mapping[str, Any] | None = None, run_id: str | None = None
    ) -> Any:
        """Return the result of any endpoint for a payload, also of one that a plugin provides."""
        if payload is None and self._served.is_constant(endpoint):
            return self._constant(endpoint)
        return self._compute(endpoint, payload or {}, run_id)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of an endpoint that a plugin of the Tesseract provides.

        It takes `inputs`, of which further fields may be given by name, the other fields of the
        payload by name, and `run_id`.
        """
        if name.startswith("_"):  # of protocols that a client does not implement
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        try:
            served = self._served
        except TesseractRuntimeError as error:
            raise AttributeError(f"The endpoints of {self!r} are not known: {error}") from error
        if name not in served.names:
            raise AttributeError(served.missing(name))
        return partial(self._called, name)

    def __dir__(self) -> list[str]:
        names = [*super().__dir__()]
        with suppress(TesseractRuntimeError):
            names += self._served.names
        return names

    def _called(
        self,
        endpoint: str,
        /,
        inputs: Inputs | None = None,
        run_id: str | None = None,
        **named: Any,
    ) -> Any:
        payload = self._served.payload(endpoint, inputs, named)
        return self.call(endpoint, payload or None, run_id)

    def apply(self, inputs: Inputs | None = None, run_id: str | None = None, **fields: Any) -> Any:
        """Return the outputs at inputs, of which `fields` are further ones by name, or all.

        `run_id` names the run; by default it is a new UUID.
        """
        return self._compute("apply", {"inputs": merged(inputs, fields)}, run_id)

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
        payload = JACOBIAN.keywords(inputs, path_list(jac_inputs), path_list(jac_outputs))
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
        paths = path_list(jvp_inputs), path_list(jvp_outputs)
        payload = JVP.keywords(inputs, *paths, tangent_vector)
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
        payload = VJP.keywords(
            inputs, path_list(vjp_inputs), path_list(vjp_outputs), cotangent_vector
        )
        return self._product(VJP, payload, batch, run_id)

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
