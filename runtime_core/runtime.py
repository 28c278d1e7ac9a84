"""The runtime: one Tesseract, its configuration, and the one way through a call.

The inner ring, `Runtime.call`, speaks Python: a payload model in, a result model out. The outer
ring, `Runtime.invoke`, speaks bytes: a `Call` in, a `Reply` out, and no exception.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property, partial
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel

from runtime_core.calls import scope
from runtime_core.calls.execution import evaluate, execute, validate_payload
from runtime_core.calls.faults import author_fault, fault_of
from runtime_core.calls.invocation import Stages, result_document
from runtime_core.calls.scope import Scope, Workspace
from runtime_core.catalog import CORE, Catalog
from runtime_core.config import RuntimeConfig, absolute, resolve
from runtime_core.contracts import (
    BoundEndpoint,
    Buffer,
    Call,
    Endpoint,
    Evaluations,
    Reply,
    Run,
    RunStatus,
    Unavailable,
)
from runtime_core.errors import AuthorError, TesseractRuntimeError, UnknownName
from runtime_core.files import FileAccess
from runtime_core.gradients.selection import GradientBackends
from runtime_core.plugins import load_catalog
from runtime_core.run_logs.log_targets import LogTarget, configured_targets
from runtime_core.run_logs.run import EVALUATION, run_of
from runtime_core.run_logs.run_log import RunLog, Upstream
from runtime_core.tesseract import TesseractApi, load_tesseract

if TYPE_CHECKING:
    from runtime_core.schemas import PayloadSchemas


__all__ = ["Runtime", "local_runtime", "served_runtime"]


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

    @classmethod
    def from_file(cls, path: str | PathLike[str], **options: Any) -> Self:
        """Open a Tesseract for the user of this process, who may read any file and URL.

        `options` are those of the command line, with underscores; the environment is not read.
        Raises `InvalidOption` for one that does not exist or has a wrong value.

        >>> tesseract = Runtime.from_file("docs/examples/vectoradd/tesseract_api.py")
        >>> tesseract.call("apply", {"inputs": {"a": [1, 2], "b": [3, 4]}}).root.result
        array([4., 6.], dtype=float32)
        """
        catalog = load_catalog()
        config = resolve(catalog, flags={**options, "api_path": fspath(path)}, environment={})
        return cls(catalog=catalog, config=config, files=_files_of_the_user(config))

    @cached_property
    def api(self) -> TesseractApi:
        """The loaded `tesseract_api.py`; errors are those of `load_tesseract`."""
        with scope.enter(self.scope()):
            return load_tesseract(self.config.api_path)

    @cached_property
    def schemas(self) -> PayloadSchemas:
        """The factory of payload and result models."""
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
        """The gradient backend of each endpoint."""
        return GradientBackends(binding=self, catalog=self.catalog)

    @contextmanager
    def evaluations(self, inputs: BaseModel) -> Iterator[Evaluations]:
        """Evaluate `apply` near `inputs`, its outputs validated as those of the endpoint are."""
        from runtime_core.gradients import SerialEvaluations  # numpy, which health can spare

        yield SerialEvaluations(partial(evaluate, self.bound("apply")), inputs)

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
                return execute(endpoint, validate_payload(endpoint, payload, {}))
            except AuthorError as error:
                cause = error.cause
        raise cause  # outside of the handler, so that its own cause stays

    def invoke(self, call: Call) -> Reply:
        """Answer a call in bytes. Every failure is a `Fault` of the reply; nothing is raised."""
        stages = Stages(trace=self.config.tracing)
        body: Sequence[Buffer] = ()
        fault = None
        try:
            with self._running(run_of(call, self.config)) as here:
                endpoint = self.bound(call.endpoint)
                body = result_document(endpoint, call, self._placed(here, call), stages)
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
            format=call.output.format,
            body=body,
            timings=stages.seconds,
            fault=fault,
        )

    @contextmanager
    def _running(self, run: Run) -> Iterator[Scope]:
        """Give the surroundings of a run, and close its log when it is done."""
        log = RunLog(run, self._log_targets, self.config, self._upstream)
        status = RunStatus.FAILED
        try:
            with nullcontext() if _is_inside_of_a_call() else scope.running(log):
                yield self.scope(run, log=log)
            status = RunStatus.FINISHED
        except KeyboardInterrupt:
            status = RunStatus.KILLED
            raise
        finally:
            log.close(status)

    @cached_property
    def _log_targets(self) -> Sequence[LogTarget]:
        return configured_targets(self.catalog, self.config)

    def _placed(self, here: Scope, call: Call) -> Scope:
        """Return the surroundings of a call, whose output path is that of its configuration."""
        if call.output_path is None or call.output_path == self.config.output_path:
            return here
        config = self.config.model_copy(update={"output_path": absolute(call.output_path)})
        return replace(here, workspace=replace(self._workspace, config=config))

    def scope(self, run: Run | None = None, **facts: Any) -> Scope:
        """Return the surroundings of one call of this runtime."""
        return Scope(workspace=self._workspace, run=run, **facts)


def _is_inside_of_a_call() -> bool:
    here = scope.entered()
    return here is not None and here.log is not None


def local_runtime(
    catalog: Catalog, config: RuntimeConfig, upstream: Upstream | None = None
) -> Runtime:
    """Return a runtime that acts for its own user, who may read any file and URL."""
    files = _files_of_the_user(config)
    return Runtime(catalog=catalog, config=config, files=files, upstream=upstream)


def _files_of_the_user(config: RuntimeConfig) -> FileAccess:
    return FileAccess(root=config.input_path, confined=False)


def served_runtime(
    catalog: Catalog, config: RuntimeConfig, upstream: Upstream | None = None
) -> Runtime:
    """Return a runtime for remote callers, who may read only what the options name."""
    root = config.input_path if "input_path" in config.model_fields_set else None
    files = FileAccess(root=root, url_prefixes=config.allow_url_prefix)
    return Runtime(catalog=catalog, config=config, files=files, upstream=upstream)
