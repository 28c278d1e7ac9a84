"""The runtime: one Tesseract, its configuration, and the one way through a call.

The inner ring, `Runtime.call`, speaks Python: a payload model in, a result model out. The outer
ring, `Runtime.invoke`, speaks bytes: a `Call` in, a `Reply` out, and no exception.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from runtime_core import documents, scope
from runtime_core.buffers import Buffers
from runtime_core.catalog import CORE, Catalog
from runtime_core.config import RuntimeConfig
from runtime_core.contracts import (
    BoundEndpoint,
    Buffer,
    Call,
    Endpoint,
    Evaluations,
    Format,
    Reply,
    RunStatus,
    Unavailable,
)
from runtime_core.errors import (
    InvalidOption,
    InvalidResult,
    TesseractRuntimeError,
    UnknownName,
    fault_lines,
)
from runtime_core.faults import author_fault, fault_of, invalid_payload, summary
from runtime_core.files import FileAccess
from runtime_core.gradients import GradientBackends
from runtime_core.lifting import LiftedTexts
from runtime_core.profiling import profiled
from runtime_core.run_logs.placing import run_of
from runtime_core.run_logs.run_log import RunLog, Upstream
from runtime_core.run_logs.targets import LogTarget, log_targets
from runtime_core.runs import EVALUATION, Run
from runtime_core.scope import Scope, Workspace
from runtime_core.tesseract_api import AuthorError, TesseractApi, load_tesseract

if TYPE_CHECKING:
    from runtime_core.schemas import PayloadSchemas


class Runtime:
    """Answers calls of one Tesseract; it is the `Binding` of its endpoints.

    Nothing is loaded by the constructor: the file is imported when an endpoint first needs it.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        config: RuntimeConfig,
        files: FileAccess,
        upstream: Upstream | None = None,
    ) -> None:
        self.catalog = catalog
        self.config = config
        self._workspace = Workspace(catalog=catalog, config=config, files=files)
        self._upstream = upstream
        self._bound: dict[str, BoundEndpoint | Unavailable] = {}

    @cached_property
    def api(self) -> TesseractApi:
        """Return the loaded `tesseract_api.py`; errors as those of `load_tesseract`."""
        with scope.enter(self.scope()):
            return load_tesseract(self.config.api_path)

    @cached_property
    def schemas(self) -> PayloadSchemas:
        """Return the maker of payload and result models."""
        from runtime_core.schemas import PayloadSchemas  # it loads numpy, which health can spare

        return PayloadSchemas(self.api.input_schema, self.api.output_schema)

    @contextmanager
    def set_up(self) -> Iterator[None]:
        """Run the author's `setup()` before, and `teardown()` after, what is inside the `with`.

        Both are optional. Raises `InvalidTesseract` when one fails.
        """
        with scope.enter(self.scope()):
            self.api.prepare("setup")
        try:
            yield
        finally:
            with scope.enter(self.scope()):
                self.api.prepare("teardown")

    def function(self, endpoint: str) -> Callable[..., Any] | Unavailable:
        """Return the function that computes an endpoint, or why there is none."""
        served = self.gradients.serving(endpoint)
        return served if isinstance(served, Unavailable) else served.function

    @cached_property
    def gradients(self) -> GradientBackends:
        """Return who computes which endpoint."""
        return GradientBackends(binding=self, catalog=self.catalog)

    @contextmanager
    def evaluations(self, inputs: BaseModel) -> Iterator[Evaluations]:
        """Evaluate `apply` near `inputs`, its outputs validated as those of the endpoint are."""
        from runtime_core.evaluations import SerialEvaluations  # numpy, which health can spare

        yield SerialEvaluations(partial(outputs_at, self.bound("apply")), inputs)

    def endpoint(self, name: str) -> BoundEndpoint | Unavailable:
        """Return an endpoint bound to this Tesseract; `UnknownName` if no plugin has it."""
        if name not in self._bound:
            declaration = self.catalog.endpoints.find(name)
            with scope.enter(self.scope()):
                self._bound[name] = self._bind(declaration)
        return self._bound[name]

    def _bind(self, declaration: Endpoint) -> BoundEndpoint | Unavailable:
        origin = self.catalog.endpoints.entries[declaration.name]
        try:
            return declaration.bind(self)
        except TesseractRuntimeError:
            raise
        # A plugin's fault takes its own endpoint away, and nothing else.
        except Exception as error:
            if origin.distribution == CORE:
                raise
            return Unavailable(f"{origin.origin} failed: {type(error).__name__}: {error}")

    def bound(self, name: str) -> BoundEndpoint:
        """Return an endpoint; `UnknownName` says why this Tesseract does not have it."""
        endpoint = self.endpoint(name)
        if isinstance(endpoint, Unavailable):
            raise UnknownName(f"Endpoint {name!r} is not available: {endpoint.reason}")
        return endpoint

    def call(self, name: str, payload: Any = None, run: Run | None = None) -> BaseModel:
        """Answer an endpoint in Python.

        `payload` is a payload model or a value that it can be made of; the result is a model. Only
        what is logged to a `run` is kept. Raises `InvalidPayload`, `InvalidResult`, or whatever the
        author's function raises.
        """
        endpoint = self.bound(name)
        with self._running(run or EVALUATION) as here, scope.enter(here):
            try:
                return answered(endpoint, validated(endpoint, payload, {}))
            except AuthorError as error:
                cause = error.cause
        raise cause  # outside of the handler, so that its own cause stays

    def invoke(self, call: Call) -> Reply:
        """Answer a call in bytes. Every failure is a `Fault` of the reply; nothing is raised."""
        clock = _Clock(tell=self.config.tracing)
        body: Sequence[Buffer] = ()
        fault = None
        try:
            with self._running(run_of(call, self.config)) as here:
                body = self._document(call, self._placed(here, call), clock)
        except AuthorError as error:
            fault = author_fault(error.cause)
        except TesseractRuntimeError as error:
            fault = fault_of(error)
        except KeyboardInterrupt:
            raise
        # What is left comes from an author's validator, a plugin or the runtime itself, and may
        # be SystemExit too; whoever called must have an answer all the same.
        except BaseException as error:
            fault = author_fault(error)
        return Reply(
            run_id=call.run_id,
            format=call.output_format,
            body=body,
            timings=clock.seconds,
            fault=fault,
        )

    @contextmanager
    def _running(self, run: Run) -> Iterator[Scope]:
        """Give the surroundings of a run, and close its log when it is done."""
        log = RunLog(run, self._log_targets, self.config, self._upstream)
        status = RunStatus.FAILED
        try:
            with scope.running(log) if run.kept else nullcontext():
                yield self.scope(run, log=log)
            status = RunStatus.FINISHED
        finally:
            log.close(status)

    @cached_property
    def _log_targets(self) -> Sequence[LogTarget]:
        return log_targets(self.catalog, self.config)

    def _placed(self, here: Scope, call: Call) -> Scope:
        """Return the surroundings of a call, whose output path is that of its configuration."""
        if call.output_path in (None, self.config.output_path):
            return here
        config = self.config.model_copy(update={"output_path": call.output_path})
        workspace = replace(self._workspace, config=config)
        return replace(here, workspace=lambda: workspace)

    def _document(self, call: Call, here: Scope, clock: _Clock) -> Sequence[Buffer]:
        endpoint = self.bound(call.endpoint)
        output_format = self.catalog.formats.find(call.output_format)
        self._refuse_unwritable(call, output_format)
        with clock.measure("decode"):
            payload = self._read(call, endpoint, here)
        with clock.measure("compute"), scope.enter(here), self._profiled():
            result = answered(endpoint, payload)
        with clock.measure("encode"):
            return self._written(result, output_format, call, here)

    def _read(self, call: Call, endpoint: BoundEndpoint, here: Scope) -> Any:
        body_format = self.catalog.formats.find(call.body_format)
        if endpoint.payload is None:
            return None
        lifted = LiftedTexts()
        try:
            with scope.enter(replace(here, options={}, lifted=lifted)) as reading:
                payload = self._payload(call, endpoint, body_format, reading)
            if lifted.have_arrived:
                return payload
        except Exception:
            if not lifted:
                raise
        # Something else than an array has met a placeholder, or may have: nothing is lifted now.
        with scope.enter(replace(here, options={})) as reading:
            return self._payload(call, endpoint, body_format, reading)

    def _payload(self, call: Call, endpoint: BoundEndpoint, format_: Format, reading: Scope) -> Any:
        return validated(endpoint, documents.read(call.body, format_), reading.options)

    def _refuse_unwritable(self, call: Call, format_: Format) -> None:
        """Say before a result is computed that it could not be written."""
        if call.compression is not None:
            self.catalog.compressors.find(call.compression)
        encoding = self.catalog.encodings.find(format_.array_encoding)
        if encoding.writes_files and call.output_path is None:
            raise InvalidOption(
                f"Format {format_.name!r} writes files: name a folder for them with -o or "
                "--output-path."
            )

    def _written(
        self, result: BaseModel, format_: Format, call: Call, here: Scope
    ) -> Sequence[Buffer]:
        buffers = Buffers()
        options = {
            "array_encoding": format_.array_encoding,
            "compression": call.compression,
            "base_dir": call.output_path,
            "binref_dir": call.output_folder,
        }
        with scope.enter(replace(here, options=options, buffers=buffers)) as writing:
            return documents.write(documents.tree_of(result, writing.options), format_, buffers)

    @contextmanager
    def _profiled(self) -> Iterator[None]:
        """Write where the time went inside the `with`, if that is wanted."""
        if not self.config.profiling:
            yield
            return
        with profiled():
            yield

    def scope(self, run: Run | None = None, **facts: Any) -> Scope:
        """Return the surroundings of one call of this runtime."""
        return Scope(workspace=lambda: self._workspace, run=run, **facts)


class _Clock:
    """Measures the stages of a call in seconds, and tells of each if that is wanted."""

    def __init__(self, *, tell: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._tell = tell

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = time.perf_counter() - start
            if self._tell:
                sys.stderr.write(f"[trace] {stage}: {self.seconds[stage] * 1e3:.3f} ms\n")


def local_runtime(
    catalog: Catalog, config: RuntimeConfig, upstream: Upstream | None = None
) -> Runtime:
    """Return a runtime that acts for its own user, who may read any file and URL."""
    files = FileAccess(root=config.input_path, confined=False)
    return Runtime(catalog=catalog, config=config, files=files, upstream=upstream)


def served_runtime(
    catalog: Catalog, config: RuntimeConfig, upstream: Upstream | None = None
) -> Runtime:
    """Return a runtime for remote callers, who may read only what the options name."""
    root = config.input_path if "input_path" in config.model_fields_set else None
    files = FileAccess(root=root, url_prefixes=config.allow_url_prefix)
    return Runtime(catalog=catalog, config=config, files=files, upstream=upstream)


def validated(endpoint: BoundEndpoint, payload: Any, options: Any) -> Any:
    """Return the payload model of a value; `InvalidPayload` holds every fault of it."""
    if endpoint.payload is None:
        return None
    try:
        return endpoint.payload.model_validate(payload, context=options)
    except ValidationError as error:
        raise invalid_payload(error) from None


def answered(endpoint: BoundEndpoint, payload: Any) -> BaseModel:
    """Compute an answer and hold it against the endpoint's promise.

    Raises `InvalidResult` for an answer that the endpoint's result model refuses.
    """
    answer = endpoint.answer(payload)
    try:
        result = endpoint.result.model_validate(answer)
    except ValidationError as error:
        raise InvalidResult(_misfit(endpoint, answer, error)) from None
    if endpoint.check is not None:
        endpoint.check(payload, result)
    return result


def outputs_at(endpoint: BoundEndpoint, inputs: BaseModel) -> Any:
    """Return the outputs of `apply` or `abstract_eval` for inputs that are validated already."""
    assert endpoint.payload is not None  # both ask for inputs
    result: Any = answered(endpoint, endpoint.payload.model_construct(inputs=inputs))
    return result.root


def _misfit(endpoint: BoundEndpoint, answer: object, error: ValidationError) -> str:
    faults = fault_lines(invalid_payload(error).details, root="result")
    return (
        f"The Tesseract returned {summary(answer)}, which is no valid "
        f"{endpoint.result.__name__}:\n{faults}"
    )
