"""The check: gradients of every endpoint compared with differences, and with each other."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from pydantic import BaseModel

from runtime_core import Runtime
from runtime_core.calls import exception_text
from runtime_core.errors import AuthorError, InvalidOption, TesseractRuntimeError
from runtime_core.gradients import HVP, JVP, VJP, GradientSignature
from tesseract_runtime_workbench.check_gradients.check_results import (
    Check,
    Comparison,
    DotProduct,
    GradientCheck,
    Remainder,
)
from tesseract_runtime_workbench.check_gradients.dot_product import dot_products, symmetries
from tesseract_runtime_workbench.check_gradients.endpoint_gradients import EndpointGradients
from tesseract_runtime_workbench.check_gradients.reference import Reference, References, references
from tesseract_runtime_workbench.check_gradients.sampled_elements import (
    Selection,
    arrays_of,
    endpoints_of,
)
from tesseract_runtime_workbench.check_gradients.taylor import Line, lines, remainders

_APPROXIMATE_RANK = 90
"""The rank from which gradient backends are not exact."""

_PAIR = 2  # the evaluations that one difference takes


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The options of a check. Empty names mean all that the Tesseract has.

    `eps` is the step of the differences, `eps_for` that of some inputs by path. At most `max_evals`
    evaluations are made for one input. A `seed` of `None` is drawn at random. With `taylor` the
    order of remainders is tested instead, without a step.
    """

    endpoints: Collection[str] = ()
    input_paths: Collection[str] = ()
    output_paths: Collection[str] = ()
    eps: float = 1e-4
    eps_for: Mapping[str, float] = field(default_factory=dict)
    rtol: float = 0.1
    max_evals: int = 1000
    seed: int | None = None
    taylor: bool = False

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
    `GradientFailed` if `apply` fails wherever it is moved, and `AuthorError` if it fails at the
    inputs.
    """
    settings.refuse_impossible()
    endpoints = endpoints_of(runtime, settings.endpoints)
    seed = secrets.randbits(32) if settings.seed is None else settings.seed
    random = np.random.default_rng(seed)
    selection = _selection(runtime, inputs, settings, random)
    compared = [] if settings.taylor else [name for name in endpoints if name != HVP.endpoint]
    others = [name for name in endpoints if name not in compared]
    found = References(selection=selection, found=[], failures=[])
    drawn: list[Line] = []
    failures: list[str] = []
    with runtime.evaluating(), runtime.evaluations(inputs) as evaluations:
        if compared:
            found = references(evaluations, selection, settings.step, runtime.progress)
        if others:
            both = HVP.endpoint in others
            drawn = lines(evaluations, selection, random, failures, both_sides=both)
    gradients = EndpointGradients(
        runtime=runtime, inputs=inputs, selection=found.selection, random=random
    )
    checks = {name: _check(gradients, name, found.found, settings.rtol) for name in compared}
    rests = {name: _remainders(gradients, name, drawn) for name in others}
    done: dict[str, Check[Any]] = {**checks, **rests}
    faultless = {name for name, check in done.items() if check.fault is None}
    backends = {name: runtime.gradients.used[name].backend for name in endpoints}
    return GradientCheck(
        seed=seed,
        endpoints=checks,
        remainders=rests,
        dot_product=_dot_products(dot_products, {JVP, VJP}, faultless, gradients, settings.rtol),
        symmetry=_dot_products(symmetries, {HVP}, faultless, gradients, settings.rtol),
        backends=backends,
        differences=[name for name, backend in backends.items() if _approximates(runtime, name)],
        failures=[*found.failures, *failures],
    )


def _approximates(runtime: Runtime, endpoint: str) -> bool:
    """Test whether the backend of an endpoint takes differences too, by its declaration."""
    backend = runtime.catalog.gradient_backends.find(runtime.gradients.used[endpoint].backend)
    rank = backend.auto_rank
    return endpoint in backend.approximates or (rank is not None and rank >= _APPROXIMATE_RANK)


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


def _remainders(
    gradients: EndpointGradients, endpoint: str, drawn: Sequence[Line]
) -> Check[Remainder]:
    found: list[Remainder] = []
    fault = _fault(lambda: found.extend(remainders(gradients, endpoint, line) for line in drawn))
    return Check(results=found, fault=fault)


def _dot_products(
    test: Callable[[EndpointGradients, float], Iterator[DotProduct]],
    needed: Collection[GradientSignature],
    faultless: Collection[str],
    gradients: EndpointGradients,
    rtol: float,
) -> Check[DotProduct] | None:
    """Run a dot-product test if the endpoints that it needs are checked and give results."""
    if not all(signature.endpoint in faultless for signature in needed):
        return None
    products: list[DotProduct] = []
    fault = _fault(lambda: products.extend(test(gradients, rtol)))
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
