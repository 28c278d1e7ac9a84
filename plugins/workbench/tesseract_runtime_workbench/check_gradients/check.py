"""The check: gradients of every endpoint held against differences, and against each other."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel

from runtime_core import Runtime
from runtime_core.calls import scope
from runtime_core.calls.execution import evaluate
from runtime_core.calls.faults import exception_text
from runtime_core.errors import AuthorError, InvalidOption, TesseractRuntimeError
from runtime_core.run_logs.run import EVALUATION
from tesseract_runtime_workbench.check_gradients.differences import Differences, differences
from tesseract_runtime_workbench.check_gradients.dot_product import dot_products
from tesseract_runtime_workbench.check_gradients.gradients import JVP, VJP, Gradients
from tesseract_runtime_workbench.check_gradients.progress import Track, silent
from tesseract_runtime_workbench.check_gradients.readings import Reader, Reading
from tesseract_runtime_workbench.check_gradients.results import (
    DotProduct,
    DotProductCheck,
    EndpointCheck,
    GradientCheck,
)
from tesseract_runtime_workbench.check_gradients.selection import (
    Selection,
    arrays_of,
    endpoints_of,
    select,
)
from tesseract_runtime_workbench.check_gradients.slopes import Neighbourhood
from tesseract_runtime_workbench.check_gradients.steps import Steps
from tesseract_runtime_workbench.check_gradients.vectors import Vector


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to check, and how closely. What is empty means everything that there is.

    `eps` is the step of the differences, `eps_for` that of some inputs by path. No more than
    `max_evals` evaluations are made for one input. A `seed` of `None` is drawn at random.
    """

    endpoints: Collection[str] = ()
    input_paths: Collection[str] = ()
    output_paths: Collection[str] = ()
    eps: float = 1e-4
    eps_for: Mapping[str, float] = field(default_factory=dict)
    rtol: float = 0.1
    max_evals: int = 1000
    seed: int | None = None


def check_gradients(
    runtime: Runtime, inputs: BaseModel, settings: Settings, track: Track = silent
) -> GradientCheck:
    """Check the gradients of a Tesseract at some validated inputs.

    Raises `UnknownName` and `InvalidOption` for settings that cannot be followed, `GradientFailed`
    where `apply` fails near the inputs, and `AuthorError` where it fails at them.
    """
    _refuse_impossible(settings)
    endpoints = endpoints_of(runtime, settings.endpoints)
    seed = secrets.randbits(32) if settings.seed is None else settings.seed
    random = np.random.default_rng(seed)
    selection = _selection(runtime, inputs, settings, random)
    reference = _reference(runtime, inputs, settings, selection, track)
    gradients = Gradients(runtime=runtime, inputs=inputs)
    reader = Reader(gradients=gradients, selection=selection, random=random, track=track)
    checks = [_read(reader, name, reference, settings.rtol) for name in endpoints]
    return GradientCheck(
        seed=seed,
        endpoints=checks,
        dot_product=_dot_product(reader, checks, settings.rtol),
    )


def _refuse_impossible(settings: Settings) -> None:
    for flag, value, fits in (
        ("--eps", settings.eps, 0 < settings.eps < np.inf),
        ("--rtol", settings.rtol, 0 <= settings.rtol < np.inf),
        ("--max-evals", settings.max_evals, settings.max_evals >= _PAIR),
        *(("--eps-for", f"{p}={eps:g}", 0 < eps < np.inf) for p, eps in settings.eps_for.items()),
    ):
        if not fits:
            raise InvalidOption(f"{flag} cannot be {value}: it must be {_LIMITS[flag]}.")


_PAIR = 2
_LIMITS = {
    "--eps": "a number above 0",
    "--eps-for": "PATH=VALUE with a number above 0",
    "--rtol": "a number from 0",
    "--max-evals": f"at least {_PAIR}, the evaluations that one difference takes",
}


def _selection(
    runtime: Runtime, inputs: BaseModel, settings: Settings, random: np.random.Generator
) -> Selection:
    with scope.enter(runtime.scope(EVALUATION)):
        outputs = evaluate(runtime.bound("apply"), deepcopy(inputs))
    schemas = runtime.schemas
    point = _copied(schemas.differentiable_inputs.leaves(inputs))
    values = _copied(schemas.differentiable_outputs.leaves(outputs))
    arrays_of("inputs", point, settings.eps_for)
    return select(
        arrays_of("inputs", point, settings.input_paths),
        arrays_of("outputs", values, settings.output_paths),
        settings.max_evals // _PAIR,
        random,
    )


def _copied(leaves: Iterable[tuple[str, object]]) -> Vector:
    """Return arrays that no function of the author can change."""
    return {path: np.array(leaf) for path, leaf in leaves}


def _reference(
    runtime: Runtime,
    inputs: BaseModel,
    settings: Settings,
    selection: Selection,
    track: Track,
) -> list[Differences]:
    steps = Steps(eps=settings.eps, by_path=settings.eps_for)
    chosen = {
        path: [steps.at(path, array, position) for position in selection.columns[path]]
        for path, array in selection.inputs.items()
    }
    with scope.enter(runtime.scope(EVALUATION)), runtime.evaluations(inputs) as evaluations:
        near = Neighbourhood(evaluations=evaluations, selection=selection, track=track)
        slopes = [found for path in chosen for found in near.slopes(path, chosen[path])]
    return list(differences(slopes, selection))


def _read(
    reader: Reader, endpoint: str, reference: Sequence[Differences], rtol: float
) -> EndpointCheck:
    readings = [Reading(found) for found in reference]
    fault = _fault(lambda: reader.read(endpoint, readings))
    comparisons = [reading.comparison(endpoint, rtol) for reading in readings]
    return EndpointCheck(endpoint=endpoint, comparisons=comparisons, fault=fault)


def _dot_product(
    reader: Reader, checks: Sequence[EndpointCheck], rtol: float
) -> DotProductCheck | None:
    """Return the dot-product test, if both products are checked and give answers."""
    if {JVP, VJP} - {check.endpoint for check in checks if check.fault is None}:
        return None
    products: list[DotProduct] = []
    found = dot_products(reader.gradients, reader.selection, reader.random, rtol)
    fault = _fault(lambda: products.extend(found))
    return DotProductCheck(products=products, fault=fault)


def _fault(ask: Callable[[], None]) -> str | None:
    """Return why an endpoint gives no answer that can be compared, or nothing if it does."""
    try:
        ask()
    except AuthorError as error:
        return exception_text(error.cause)
    except TesseractRuntimeError as error:
        return str(error)
    except Exception as error:  # the function of a gradient backend may raise anything
        return exception_text(error)
    return None
