"""The gradient endpoints of a Tesseract, asked at one point."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from runtime_core import Runtime
from runtime_core.calls import scope
from runtime_core.calls.execution import execute
from runtime_core.run_logs.run import EVALUATION
from tesseract_runtime_workbench.check_gradients.vectors import Vector

JACOBIAN = "jacobian"
JVP = "jacobian_vector_product"
VJP = "vector_jacobian_product"

GRADIENTS = (JACOBIAN, JVP, VJP)


@dataclass(frozen=True, kw_only=True)
class Gradients:
    """Asks the gradient endpoints, each time with inputs and vectors of their own.

    What the author's functions log meanwhile belongs to no run. Raises `AuthorError` for what
    they raise, and `InvalidResult` for answers that do not fit.
    """

    runtime: Runtime
    inputs: BaseModel

    def jacobian(self, by: Collection[str], of: Collection[str]) -> Mapping[str, Vector]:
        """Return the blocks of the Jacobian by output and input."""
        answer: Mapping[str, Vector] = self._ask(
            JACOBIAN, jac_inputs=sorted(by), jac_outputs=sorted(of)
        )
        return answer

    def jvp(self, tangent: Mapping[str, Any], of: Collection[str]) -> Vector:
        """Return the Jacobian times a tangent."""
        answer: Vector = self._ask(
            JVP, jvp_inputs=sorted(tangent), jvp_outputs=sorted(of), tangent_vector=tangent
        )
        return answer

    def vjp(self, cotangent: Mapping[str, Any], by: Collection[str]) -> Vector:
        """Return a cotangent times the Jacobian."""
        answer: Vector = self._ask(
            VJP, vjp_inputs=sorted(by), vjp_outputs=sorted(cotangent), cotangent_vector=cotangent
        )
        return answer

    def _ask(self, name: str, **asked: Any) -> Any:
        endpoint = self.runtime.bound(name)
        assert endpoint.payload is not None  # gradients are always asked for something
        own = deepcopy({"inputs": self.inputs, **asked})
        payload = endpoint.payload.model_construct(**own)  # to validate again could change inputs
        with scope.enter(self.runtime.scope(EVALUATION)):
            result: Any = execute(endpoint, payload)
        return result.root
