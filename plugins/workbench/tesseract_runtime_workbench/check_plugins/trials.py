"""The trials of declarations: each uses one, as a call or a command would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from runtime_core import Call, Runtime, Wire
from runtime_core.catalog import Kind, Plugin
from runtime_core.contracts import Metric, Run, RunStatus, Unavailable
from runtime_core.errors import InvalidPayload, TesseractRuntimeError
from runtime_core.gradients import SIGNATURES
from runtime_core.run_logs import configured_targets
from runtime_core.testing import made_echo
from tesseract_runtime_workbench.check_plugins.bench import INPUTS, Bench
from tesseract_runtime_workbench.init.recipe_files import files_of


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The outcome of the trial of a declaration: a fault, or a note on what was not tried."""

    place: str
    fault: str = ""
    note: str = ""

    def __str__(self) -> str:
        """Return its line."""
        text = f"fault: {self.fault}" if self.fault else "ok"
        return f"{self.place}: {text}" + (f" ({self.note})" if self.note else "")


def outcome_of(bench: Bench, kind: Kind[Any], name: str, plugin: Plugin) -> Outcome:
    """Try a declaration, with everything that it leaves to its first use."""
    place = f"{plugin.name}: {kind.noun} {name!r}"
    registry, faults = bench.catalog.registry(kind.hook), bench.catalog.faults
    entry = registry.entries.get(name)
    if entry is None or entry.plugin != plugin.name:
        return Outcome(place=place, fault=registry.explain(name))
    known = len(faults.texts)
    try:
        _load(entry.value)
        note = TRIALS[kind.hook](bench, entry.value) or ""
    # A trial ends by an assertion, an error of the runtime, or anything that a plugin raises.
    except (Exception, SystemExit) as error:
        text = str(error) if isinstance(error, _EXPLAINED) else f"{type(error).__name__}: {error}"
        return Outcome(place=place, fault=text)
    return Outcome(place=place, fault="; ".join(faults.texts[known:]), note=note)


_EXPLAINED = (AssertionError, TesseractRuntimeError)


def _load(declaration: Any) -> None:
    """Import the functions of a declaration."""
    for field in fields(declaration):
        load = getattr(getattr(declaration, field.name), "load", None)
        if callable(load):
            load()


def _endpoint(bench: Bench, endpoint: Any) -> str | None:
    runtime = bench.runtime(gradient_backend="auto")
    bound = runtime.endpoint(endpoint.name)
    if isinstance(bound, Unavailable):
        return f"not tried: {bound.reason}"
    try:
        runtime.call(endpoint.name, None if bound.payload is None else {"inputs": INPUTS})
    except InvalidPayload:  # it needs more than inputs
        return "bound, not called"
    return None


def _format(bench: Bench, form: Any) -> None:
    values = {dtype: np.array([[0, 1], [1, 0]], dtype) for dtype in ("float64", "int8", "bool")}
    folder = bench.folder / "echo"
    folder.mkdir(exist_ok=True)
    echo = made_echo(bench.catalog, form.name, folder)
    found = echo.read(echo.write({**values, "text": "text"}))
    changed = [name for name, array in values.items() if str(getattr(found, name)) != str(array)]
    if changed or found.text != "text":
        raise AssertionError(f"a round trip has changed arrays of {', '.join(changed) or 'text'}")


def _encoding(bench: Bench, encoding: Any) -> str | None:
    if encoding.binary:
        users = [each for each in bench.catalog.formats if each.array_encoding == encoding.name]
        return None if users else "loaded, as no format uses it"
    _answer(bench.runtime(), Wire(format="json", array_encoding=encoding.name))
    return None


def _compressor(bench: Bench, compressor: Any) -> None:
    _answer(bench.runtime(), Wire(format="json+base64", compression=compressor.name))


def _gradient_backend(bench: Bench, backend: Any) -> str | None:
    runtime = bench.runtime(gradient_backend=backend.name)
    bound = {name: runtime.endpoint(name) for name in SIGNATURES}
    served = [name for name, each in bound.items() if not isinstance(each, Unavailable)]
    for name in served:
        signature = SIGNATURES[name]
        paths = {signature.input_paths: ["x"], signature.output_paths: ["y"]}
        vectors = {signature.tangent: {"x": [1, 0]}, signature.cotangent: {"y": [1, 0]}}
        vectors.pop("", None)
        runtime.call(name, {"inputs": INPUTS, **paths, **vectors})
    reasons = [each.reason for each in bound.values() if isinstance(each, Unavailable)]
    return None if served else f"not tried: {reasons[0]}"


def _run_sink(bench: Bench, sink: Any) -> str | None:
    config = bench.config()
    targets = [t for t in configured_targets(bench.catalog, config) if t.sink.value is sink]
    for each in targets:
        run = Run(id="plugins-check", endpoint="apply", folder=bench.folder, name="plugins check")
        handle = sink.open(run=run, target=each.target, config=config)
        handle.write([Metric(key="loss", value=1.0, step=0, timestamp=0.0)])
        handle.close(RunStatus.FINISHED)
    return None if targets else "loaded; --log-to with a target of it logs a run"


def _executor(bench: Bench, executor: Any) -> str | None:
    if bench.config().executor.partition(":")[0] not in executor.schemes:
        return "loaded; --executor with a target of it evaluates once"
    runtime = bench.runtime()
    with runtime.set_up(), runtime.evaluations(runtime.api.input_schema(**INPUTS)) as evaluations:
        _expect(evaluations.submit({}, ["y"]).result()["y"], [1.0, 4.0])
    return None


def _call_wrapper(bench: Bench, wrapper: Any) -> str | None:
    runtime, wire = bench.runtime(), Wire(format="json")
    wrapped = wrapper.wrap(endpoint="apply", output=wire, binding=runtime)
    _answer(runtime, wire)
    return None if wrapped is not None else "loaded; with these options it wraps no call"


def _server_extension(bench: Bench, extension: Any) -> None:
    place = f"server_extensions {extension.name!r}"
    for fault in bench.faults_of_service:
        if place in fault:
            raise AssertionError(fault)


def _recipe(bench: Bench, recipe: Any) -> None:
    files_of(recipe.name, bench.catalog)


def _answer(runtime: Runtime, wire: Wire) -> None:
    """Square numbers twice: the first result, as it is written, is the payload of the second."""
    squares = _applied(runtime, INPUTS, wire)["y"]
    found = _applied(runtime, {"x": squares}, Wire(format="json"))["y"]["data"]["buffer"]
    _expect(found, [1.0, 16.0])


def _applied(runtime: Runtime, inputs: Any, wire: Wire) -> Any:
    call = Call(
        endpoint="apply",
        run_id="plugins-check",
        body=json.dumps({"inputs": inputs}).encode(),
        body_format="json",
        output=wire,
        output_path=runtime.config.output_path,
    )
    reply = runtime.invoke(call)
    if reply.fault is not None:
        raise AssertionError(reply.fault.message)
    return json.loads(b"".join(reply.body))


def _expect(found: Any, expected: Sequence[float]) -> None:
    if [*found] != expected:
        raise AssertionError(f"the result is {[*map(float, found)]}, not {expected}")


TRIALS: Mapping[str, Callable[[Bench, Any], str | None]] = MappingProxyType(
    {
        "endpoints": _endpoint,
        "formats": _format,
        "encodings": _encoding,
        "compressors": _compressor,
        "gradient_backends": _gradient_backend,
        "run_sinks": _run_sink,
        "executors": _executor,
        "call_wrappers": _call_wrapper,
        "commands": lambda bench, command: command.load() and None,
        "server_extensions": _server_extension,
        "settings": lambda bench, settings: settings.load()() and None,
        "recipes": _recipe,
    }
)
"""The trial of each hook's declarations, which returns a note on what it has not tried."""
