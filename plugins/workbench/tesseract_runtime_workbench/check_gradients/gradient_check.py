"""The check: gradients of every endpoint compared with differences, and with each other."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel

from runtime_core import Runtime
from runtime_core.calls import exception_text
from runtime_core.errors import AuthorError, InvalidOption, TesseractRuntimeError
from runtime_core.gradients import JVP, VJP
from tesseract_runtime_workbench.check_gradients.check_results import (
    Check,
    Comparison,
    DotProduct,
    GradientCheck,
)
from tesseract_runtime_workbench.check_gradients.dot_product import dot_products
from tesseract_runtime_workbench.check_gradients.endpoint_gradients import EndpointGradients
from tesseract_runtime_workbench.check_gradients.reference import Reference, references
from tesseract_runtime_workbench.check_gradients.sampled_elements import (
    Selection,
    arrays_of,
    endpoints_of,
)

_PAIR = 2  # the evaluations that one difference takes


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a check. Empty names mean all that the Tesseract has.

    `eps` is the step of the differences, `eps_for` that of some inputs by path. At most `max_evals`
    evaluations are made for one input. A `seed` of `None` is drawn at random.
    """

    endpoints: Collection[str] = ()
    input_paths: Collection[str] = ()
    output_paths: Collection[str] = ()
    eps: float = 1e-4
    eps_for: Mapping[str, float] = field(default_factory=dict)
    rtol: float = 0.1
    max_evals: int = 1000
    seed: int | None = None

    def step(self, path: str) -> float:
        """Return the step of an input."""
        return self.eps_for.get(path, self.eps)

    def refuse_impossible(self) -> None:
        """Raise `InvalidOption` for the first value that exceeds its limits."""
        pair = f"at least {_PAIR}, the evaluations that one difference takes"
        step = "PATH=VALUE with a number above 0"
        for flag, value, fits, limit in (
            ("--eps", self.eps, 0 < self.eps < np.inf, "a number above 0"),
            ("--rtol", self.rtol, 0 <= self.rtol < np.inf, "a number from 0"),
            ("--max-evals", self.max_evals, self.max_evals >= _PAIR, pair),
            *(("--eps-for", f"{p}={e:g}", 0 < e < np.inf, step) for p, e in self.eps_for.items()),
        ):
            if not fits:
                raise InvalidOption(f"{flag} cannot be {value}: it must be {limit}.")


def check_gradients(runtime: Runtime, inputs: BaseModel, settings: Settings) -> GradientCheck:
    """Check the gradients of a Tesseract at some validated inputs.

    Raises `UnknownName` and `InvalidOption` for settings that do not fit the Tesseract,
    `GradientFailed` if `apply` fails near the inputs, and `AuthorError` if it fails at them.
    """
    settings.refuse_impossible()
    endpoints = endpoints_of(runtime, settings.endpoints)
    seed = secrets.randbits(32) if settings.seed is None else settings.seed
    random = np.random.default_rng(seed)
    selection = _selection(runtime, inputs, settings, random)
    with runtime.evaluating(), runtime.evaluations(inputs) as evaluations:
        reference = references(evaluations, selection, settings.step, runtime.progress)
    gradients = EndpointGradients(
        runtime=runtime, inputs=inputs, selection=selection, random=random
    )
    checks = {name: _check(gradients, name, reference, settings.rtol) for name in endpoints}
    dot_product = _dot_product(gradients, checks, settings.rtol)
    return GradientCheck(seed=seed, endpoints=checks, dot_product=dot_product)


def _selection(
    runtime: Runtime, inputs: BaseModel, settings: Settings, random: np.random.Generator
) -> Selection:
    with runtime.evaluating():
        outputs = runtime.plan("apply").outputs(inputs=deepcopy(inputs))
    # Copies, which functions of the author cannot change.
    schemas = runtime.schemas
    point = {path: np.array(leaf) for path, leaf in schemas.differentiable_inputs.leaves(inputs)}
    values = {path: np.array(leaf) for path, leaf in schemas.differentiable_outputs.leaves(outputs)}
    arrays_of("inputs", point, settings.eps_for)
    return Selection.drawn(
        arrays_of("inputs", point, settings.input_paths),
        arrays_of("outputs", values, settings.output_paths),
        settings.max_evals // _PAIR,
        random,
    )


def _check(
    gradients: EndpointGradients, endpoint: str, reference: Sequence[Reference], rtol: float
) -> Check[Comparison]:
    comparisons = [Comparison.empty(each, rtol) for each in reference]
    fault = _fault(lambda: gradients.record(endpoint, comparisons))
    return Check(results=comparisons, fault=fault)


def _dot_product(
    gradients: EndpointGradients, checks: Mapping[str, Check[Comparison]], rtol: float
) -> Check[DotProduct] | None:
    """Run the dot-product test if both products are checked and give results."""
    usable = {name for name, check in checks.items() if check.fault is None}
    if not usable.issuperset({JVP.endpoint, VJP.endpoint}):
        return None
    products: list[DotProduct] = []
    fault = _fault(lambda: products.extend(dot_products(gradients, rtol)))
    return Check(results=products, fault=fault)


def _fault(call: Callable[[], None]) -> str | None:
    """Call a function and return the message of its error, if it fails."""
    try:
        call()
    except TesseractRuntimeError as error:
        return str(error)
    except Exception as error:  # the function of a gradient backend may raise anything
        return exception_text(error.cause if isinstance(error, AuthorError) else error)
    return None
