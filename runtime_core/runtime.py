"""The runtime of one Tesseract.

`Runtime.call` takes and returns Python models. `Runtime.invoke` takes a `Call` and returns a
`Reply`, both in bytes, and does not raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import cached_property, partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from runtime_core.calls import scope
from runtime_core.calls.execution import evaluate, execute, validate_payload
from runtime_core.calls.faults import author_fault, fault_of
from runtime_core.calls.invocation import result_document
from runtime_core.calls.scope import Scope, Workspace
from runtime_core.calls.tracing import Trace
from runtime_core.catalog import Catalog
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
from runtime_core.errors import (
    AuthorError,
    GradientFailed,
    PluginFailed,
    TesseractRuntimeError,
    UnknownName,
)
from runtime_core.files import FileAccess, make_folder
from runtime_core.gradients.selection import GradientBackends
from runtime_core.plugins import load_catalog
from runtime_core.run_logs.log_targets import LogTarget, configured_targets
from runtime_core.run_logs.run import (
    new_evaluation,
    remove_earlier,
    remove_files,
    run_of,
    unlogged_run,
)
from runtime_core.run_logs.run_log import RunLog, Upstream
from runtime_core.tesseract import TesseractApi, load_tesseract
from runtime_core.tesseract.tracebacks import author_place

if TYPE_CHECKING:
    from runtime_core.schemas import PayloadSchemas


__all__ = ["Runtime", "local_runtime", "served_runtime"]


class Runtime:
    """Answers calls of one Tesseract; it is the `Binding` of its endpoints.

    The author's file is imported when an endpoint first needs it.
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

    @staticmethod
    def from_file(path: str | PathLike[str], **options: Any) -> Runtime:
        """Open a Tesseract for the user of this process, who may read any file and URL.

        `options` are those of the command line, with underscores; the environment is not read.
        Raises `InvalidOption` for an unknown option or an invalid value.

        >>> tesseract = Runtime.from_file("docs/examples/vectoradd/tesseract_api.py")
        >>> tesseract.call("apply", {"inputs": {"a": [1, 2], "b": [3, 4]}}).root.result
        array([4., 6.], dtype=float32)
        """
        catalog = load_catalog()
        config = resolve(catalog, flags={**options, "api_path": fspath(path)}, environment={})
        return local_runtime(catalog, config)

    @cached_property
    def api(self) -> TesseractApi:
        """The loaded `tesseract_api.py`; the errors are those of `load_tesseract`."""
        make_folder(self.config.output_path)
        with scope.enter(self.scope()):
            return load_tesseract(self.config.api_path)

    @cached_property
    def schemas(self) -> PayloadSchemas:
        """The factory of payload and result models."""
        from runtime_core.schemas import PayloadSchemas  # loads numpy, which `health` does not need

        return PayloadSchemas(self.api.input_schema, self.api.output_schema)

    @contextmanager
    def set_up(self, output_path: str | None = None) -> Iterator[None]:
        """Run the author's `setup()` on entry and `teardown()` on exit, if they exist.

        `output_path` is that of the calls to come, if it is not that of the configuration. Raises
        `InvalidTesseract` when one fails.
        """
        here = self._placed(self.scope(), output_path)
        make_folder(here.config.output_path)
        with scope.enter(here):
            self.api.prepare("setup")
        try:
            yield
        finally:
            with scope.enter(here):
                self.api.prepare("teardown")

    def function(self, endpoint: str) -> Callable[..., Any] | Unavailable:
        """Return the function that computes an endpoint, or the reason why there is none."""
        served = self.gradients.serving(endpoint)
        return served if isinstance(served, Unavailable) else served.function

    @cached_property
    def gradients(self) -> GradientBackends:
        """The gradient backend of each endpoint."""
        return GradientBackends(binding=self, catalog=self.catalog)

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Enter the scope of an evaluation of a gradient, whose logs and files are dropped."""
        run = new_evaluation(Path(self.config.output_path))
        try:
            with scope.enter(self.scope(run)):
                yield
        finally:
            remove_files(run)

    @contextmanager
    def evaluations(self, inputs: BaseModel) -> Iterator[Evaluations]:
        """Evaluate `apply` near `inputs`, with outputs validated as by the endpoint."""
        from runtime_core.gradients import SerialEvaluations  # loads numpy

        yield SerialEvaluations(partial(evaluate, self.bound("apply")), inputs)

    def endpoint(self, name: str) -> BoundEndpoint | Unavailable:
        """Bind an endpoint to this Tesseract; `UnknownName` if no plugin provides it."""
        if name not in self._bound:
            declaration = self.catalog.endpoints.find(name)
            with scope.enter(self.scope()):
                self._bound[name] = self._bind(declaration)
        return self._bound[name]

    def _bind(self, declaration: Endpoint) -> BoundEndpoint | Unavailable:
        try:
            return declaration.bind(self)
        except PluginFailed as fault:
            return Unavailable(self.catalog.faults.tolerate(fault))

    def withdraw(self, name: str, fault: PluginFailed) -> Unavailable:
        """Make an endpoint unavailable whose plugin has failed."""
        reason = Unavailable(self.catalog.faults.tolerate(fault))
        self._bound[name] = reason
        return reason

    def bound(self, name: str) -> BoundEndpoint:
        """Return an available endpoint; `UnknownName` has the reason if it is not."""
        endpoint = self.endpoint(name)
        if isinstance(endpoint, Unavailable):
            raise UnknownName(f"Endpoint {name!r} is not available: {endpoint.reason}")
        return endpoint

    def call(self, name: str, payload: Any = None, run: Run | None = None) -> BaseModel:
        """Compute an endpoint in Python.

        `payload` is a payload model, or a value to validate as one; the result is a model. Logs are
        kept only if there is a `run`, other files always. Raises `InvalidPayload`, `InvalidResult`,
        and the exceptions of the author's function.
        """
        endpoint = self.bound(name)
        run = run or unlogged_run(name, self.config)
        with self._running(run) as here, scope.enter(here):
            try:
                return execute(endpoint, validate_payload(endpoint, payload, {}))
            except AuthorError as error:
                cause = error.cause
        raise cause  # outside the handler, which would change its context

    def answer(self, call: Call) -> Reply:
        """Answer a call as `invoke` does, in a process that Ctrl-C does not reach.

        A `KeyboardInterrupt` comes from the author's code there, and is a failure like any other.
        """
        try:
            return self.invoke(call)
        except KeyboardInterrupt as error:
            fault = author_fault(error, self._place(error))
            return Reply(run_id=call.run_id, format=call.output.format, fault=fault)

    def invoke(self, call: Call) -> Reply:
        """Answer a call in bytes; a failure becomes the `Fault` of the reply."""
        trace = Trace(wanted=self.config.tracing)
        body: Sequence[Buffer] = ()
        fault = None
        try:
            run = run_of(call, self.config)
            if not call.new_run:
                remove_earlier(run)
            with self._running(run) as here:
                endpoint = self.bound(call.endpoint)
                placed = self._placed(here, call.output_path)
                body = result_document(endpoint, call, placed, trace)
        except AuthorError as error:
            fault = author_fault(error.cause, self._place(error.cause))
        except TesseractRuntimeError as error:
            cause = error.__cause__ if isinstance(error, GradientFailed) else None
            fault = fault_of(error, self._place(cause))
        except KeyboardInterrupt:
            raise
        # Anything else, even SystemExit, comes from an author's validator, a plugin or the runtime
        # itself; the caller needs a reply all the same.
        except BaseException as error:
            fault = author_fault(error, self._place(error))
        return Reply(
            run_id=call.run_id,
            format=call.output.format,
            body=body,
            timings=trace.seconds,
            fault=fault,
        )

    def _place(self, error: BaseException | None) -> str:
        """Return the place of an error in the author's code; in its folder for remote callers."""
        if error is None:
            return ""
        folder = Path(self.config.api_path).absolute().parent
        return author_place(error, within=folder if self._workspace.files.confined else None)

    @contextmanager
    def _running(self, run: Run) -> Iterator[Scope]:
        """Open the scope and log of a run, and close the log with its status."""
        log = RunLog(run, self._log_targets, self.config, self._upstream)
        status = RunStatus.FAILED
        entered = scope.entered()
        nested = entered is not None and entered.log is not None
        try:
            with nullcontext() if nested else scope.running(log):
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

    def _placed(self, here: Scope, output_path: str | None) -> Scope:
        """Return a scope with an output path of its own in its configuration."""
        if output_path is None or output_path == self.config.output_path:
            return here
        config = self.config.model_copy(update={"output_path": absolute(output_path)})
        return replace(here, workspace=replace(self._workspace, config=config))

    def scope(self, run: Run | None = None, **facts: Any) -> Scope:
        """Make the scope of a call."""
        return Scope(workspace=self._workspace, run=run, **facts)


def local_runtime(
    catalog: Catalog, config: RuntimeConfig, upstream: Upstream | None = None
) -> Runtime:
    """Make a runtime for the user of this process, who may read any file and URL."""
    files = FileAccess(root=config.input_path, confined=False)
    return Runtime(catalog=catalog, config=config, files=files, upstream=upstream)


def served_runtime(
    catalog: Catalog, config: RuntimeConfig, upstream: Upstream | None = None
) -> Runtime:
    """Make a runtime for remote callers, who may read only the files that the options allow."""
    root = config.input_path if "input_path" in config.model_fields_set else None
    files = FileAccess(root=root, url_prefixes=config.allow_url_prefix)
    return Runtime(catalog=catalog, config=config, files=files, upstream=upstream)
