"""The runtime: one Tesseract, its configuration, and the one way through a call.

The inner ring, `Runtime.call`, speaks Python: a payload model in, a result model out. The outer
ring, `Runtime.invoke`, speaks bytes: a `Call` in, a `Reply` out, and no exception.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
from runtime_core.runs import Run
from runtime_core.scope import Scope, Workspace
from runtime_core.tesseract_api import AuthorError, TesseractApi, load_tesseract

if TYPE_CHECKING:
    from runtime_core.schemas import PayloadSchemas


class Runtime:
    """Answers calls of one Tesseract; it is the `Binding` of its endpoints.

    Nothing is loaded by the constructor: the file is imported when an endpoint first needs it.
    """

    def __init__(self, *, catalog: Catalog, config: RuntimeConfig, files: FileAccess) -> None:
        self.catalog = catalog
        self.config = config
        self._workspace = Workspace(catalog=catalog, config=config, files=files)
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

    def call(self, name: str, payload: Any = None) -> BaseModel:
        """Answer an endpoint in Python.

        `payload` is a payload model or a value that it can be made of; the result is a model.
        Raises `InvalidPayload`, `InvalidResult`, or whatever the author's function raises.
        """
        endpoint = self.bound(name)
        with scope.enter(self.scope()):
            try:
                return answered(endpoint, validated(endpoint, payload, {}))
            except AuthorError as error:
                cause = error.cause
        raise cause  # outside of the handler, so that its own cause stays

    def invoke(self, call: Call) -> Reply:
        """Answer a call in bytes. Every failure is a `Fault` of the reply; nothing is raised."""
        clock = _Clock()
        body: Sequence[Buffer] = ()
        fault = None
        run = Run(id=call.run_id, endpoint=call.endpoint, parent_id=call.parent_run_id)
        try:
            body = self._document(call, run, clock)
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

    def _document(self, call: Call, run: Run, clock: _Clock) -> Sequence[Buffer]:
        endpoint = self.bound(call.endpoint)
        output_format = self.catalog.formats.find(call.output_format)
        self._refuse_unwritable(call, output_format)
        with clock.measure("decode"):
            payload = self._read(call, endpoint, run)
        with clock.measure("compute"), scope.enter(self.scope(run)):
            result = answered(endpoint, payload)
        with clock.measure("encode"):
            return self._written(result, output_format, call, run)

    def _read(self, call: Call, endpoint: BoundEndpoint, run: Run) -> Any:
        body_format = self.catalog.formats.find(call.body_format)
        if endpoint.payload is None:
            return None
        lifted = LiftedTexts()
        try:
            with scope.enter(self.scope(run, lifted=lifted)) as reading:
                payload = self._payload(call, endpoint, body_format, reading)
            if lifted.have_arrived:
                return payload
        except Exception:
            if not lifted:
                raise
        # Something else than an array has met a placeholder, or may have: nothing is lifted now.
        with scope.enter(self.scope(run)) as reading:
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
        self, result: BaseModel, format_: Format, call: Call, run: Run
    ) -> Sequence[Buffer]:
        buffers = Buffers()
        options = {
            "array_encoding": format_.array_encoding,
            "compression": call.compression,
            "base_dir": call.output_path,
            "binref_dir": call.output_folder,
        }
        with scope.enter(self.scope(run, options=options, buffers=buffers)) as writing:
            return documents.write(documents.tree_of(result, writing.options), format_, buffers)

    def scope(self, run: Run | None = None, **facts: Any) -> Scope:
        """Return the surroundings of one call of this runtime."""
        return Scope(workspace=lambda: self._workspace, run=run, **facts)


class _Clock:
    """Adds up the seconds of the stages of a call."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] = time.perf_counter() - start


def local_runtime(catalog: Catalog, config: RuntimeConfig) -> Runtime:
    """Return a runtime that acts for its own user, who may read any file and URL."""
    files = FileAccess(root=config.input_path, confined=False)
    return Runtime(catalog=catalog, config=config, files=files)


def served_runtime(catalog: Catalog, config: RuntimeConfig) -> Runtime:
    """Return a runtime for remote callers, who may read only what the options name."""
    root = config.input_path if "input_path" in config.model_fields_set else None
    files = FileAccess(root=root, url_prefixes=config.allow_url_prefix)
    return Runtime(catalog=catalog, config=config, files=files)


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
