"""The runtime of one Tesseract.

`Runtime.call` takes and returns Python models. `Runtime.invoke` takes a `Call` and returns a
`Reply`, both in bytes, and does not raise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import cached_property, partial
from os import PathLike, fspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from runtime_core.calls import scope
from runtime_core.calls.composed_call import relocated
from runtime_core.calls.faults import author_fault, fault_of
from runtime_core.calls.forward_states import ForwardStates
from runtime_core.calls.plan import JSON, Plan
from runtime_core.calls.scope import Scope, Workspace, running
from runtime_core.calls.tracing import Trace
from runtime_core.calls.validation import validate_payload
from runtime_core.calls.wrapped_call import Wrapper
from runtime_core.catalog import Catalog
from runtime_core.config import RuntimeConfig, absolute, resolve
from runtime_core.contracts import (
    BoundEndpoint,
    Buffer,
    Call,
    Calls,
    Endpoint,
    Evaluations,
    Fault,
    Reply,
    Run,
    Traced,
    Unavailable,
    Wire,
)
from runtime_core.contracts.endpoints import SAME_INPUTS
from runtime_core.errors import (
    AuthorError,
    GradientFailed,
    InvalidPayload,
    PluginFailed,
    TesseractRuntimeError,
    UnknownName,
)
from runtime_core.executors.chosen_executor import ChosenExecutor
from runtime_core.files import FileAccess, make_folder
from runtime_core.gradients.selection import GradientBackends
from runtime_core.plugins import load_catalog
from runtime_core.run_logs.run import (
    new_evaluation,
    remove_earlier,
    remove_files,
    run_of,
    unlogged_run,
)
from runtime_core.run_logs.run_log import RunLog
from runtime_core.terminal_progress import Progress
from runtime_core.tesseract import TesseractApi, load_tesseract, mark_author_errors
from runtime_core.tesseract.tracebacks import author_place

if TYPE_CHECKING:
    from runtime_core.calls.forward_point import KeptState
    from runtime_core.executors.sent_point import SentPoint
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
        progress: Progress | None = None,
    ) -> None:
        self.catalog = catalog
        self.config = config
        self.progress = progress or Progress()
        self._workspace = Workspace(
            catalog=catalog,
            config=config,
            files=files,
            progress=self.progress,
            states=ForwardStates(entries=config.keep_forward, size=config.keep_forward_bytes),
        )
        self._bound: dict[str, BoundEndpoint | Unavailable] = {}
        self._plans: dict[tuple[str, str, Wire, str], Plan] = {}

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

        The executor and the gradient backends are closed on exit, if they have been opened, and
        the states that calls have kept are dropped.
        `output_path` is that of the calls to come, if it is not that of the configuration. Raises
        `InvalidTesseract` when one fails.
        """
        here = Scope(workspace=self._placed(output_path))
        make_folder(here.config.output_path)
        _ = self.executor  # an unknown one is an error at once
        with scope.enter(here):
            self.api.prepare("setup")
        try:
            yield
        finally:
            self.executor.close()
            self.forward_states.clear()
            try:
                self._close_gradients()
            finally:
                with scope.enter(here):
                    self.api.prepare("teardown")

    def _close_gradients(self) -> None:
        """Close the gradient backends, with the endpoints that use their functions."""
        self.gradients.close()
        self._bound.clear()
        self._plans.clear()

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
    def evaluations(
        self, inputs: BaseModel | Mapping[str, Any], endpoint: str = "apply"
    ) -> Iterator[Evaluations]:
        """Evaluate `apply` near `inputs`, with outputs validated as by the endpoint.

        Another `endpoint` is a product of the author's file, evaluated near the fields of its
        payload, with a result of exactly the keys asked for.
        """
        if self.executor.current() is None:
            yield self.serial_evaluations(inputs, endpoint)
            return
        # Few calls need them.
        from runtime_core.executors.submitted_evaluations import SubmittedEvaluations, point_of
        from runtime_core.executors.submitted_tasks import SubmittedTasks

        point = point_of(inputs, self.executor)
        with SubmittedTasks(self.executor, self._folder) as tasks:
            yield SubmittedEvaluations(tasks, self._address, endpoint, point)

    def serial_evaluations(
        self, inputs: BaseModel | Mapping[str, Any], endpoint: str
    ) -> Evaluations:
        """Evaluate in the thread of the call as `evaluations` does."""
        from runtime_core.gradients import SerialEvaluations, checked_product  # loads numpy

        if endpoint == "apply":
            plan = self.plan(endpoint)
            return SerialEvaluations(lambda inputs: plan.outputs(inputs=inputs), inputs)
        function = self.api.function(endpoint)
        assert not isinstance(function, Unavailable)  # the caller has asked for it
        return SerialEvaluations(partial(checked_product, function, endpoint), inputs)

    @contextmanager
    def calls(self, executor: str | None = None) -> Iterator[Calls]:
        """Answer many calls of any endpoint with an executor, inside a `set_up`.

        It is that of the options, or another one, which is closed at the end.
        """
        from runtime_core.executors.submitted_calls import SerialCalls, SubmittedCalls
        from runtime_core.executors.submitted_tasks import SubmittedTasks

        chosen = self.executor
        with ExitStack() as stack:
            if executor is not None:
                config = self.config.model_copy(update={"executor": executor})
                chosen = stack.enter_context(closing(ChosenExecutor.of(self.catalog, config)))
            if chosen.current() is None:
                yield SerialCalls(self)
                return
            tasks = stack.enter_context(SubmittedTasks(chosen, self._folder))
            yield SubmittedCalls(tasks, self._address, self.config)

    @cached_property
    def executor(self) -> ChosenExecutor:
        """The executor of evaluations, which is opened at its first use."""
        return ChosenExecutor.of(self.catalog, self.config)

    @cached_property
    def _address(self) -> str:
        """The address by which other processes load this Tesseract."""
        from runtime_core.executors.model_address import address_of  # few calls have evaluations

        return address_of(self, self._folder.digest if self._folder is not None else "").text()

    @cached_property
    def _folder(self) -> SentPoint | None:
        """The folder of the Tesseract, if processes of the executor get it."""
        if not self.config.executor_ship:
            return None
        from runtime_core.executors.sent_point import SentPoint
        from runtime_core.executors.shipped_folder import packed_folder

        return SentPoint(packed_folder(self.api.path.parent))

    def call_address(self, endpoint: str, payload: Any) -> str | None:
        """Return the address of a call: a digest of everything that its result depends on.

        That is the Tesseract's file and the modules beside it, versions, options that can change a
        result, the endpoint, and the payload with the content of the files that it names. `payload`
        is a payload model, or a value to validate as one; `None` is the address of calls with
        secrets, or with objects whose content is unknown. Raises `InvalidPayload`.

        >>> tesseract = Runtime.from_file("docs/examples/vectoradd/tesseract_api.py")
        >>> inputs = {"a": [1, 2], "b": [3, 4]}
        >>> len(tesseract.call_address("apply", {"inputs": inputs}))
        64
        """
        from runtime_core.calls.address import call_address  # few calls need it

        bound = self.bound(endpoint)
        with scope.enter(scope.entered() or self.scope()):
            payload = validate_payload(bound, payload, {})
            return call_address(self.identity, endpoint, payload)

    @cached_property
    def identity(self) -> str:
        """The content of the Tesseract, the versions and the options that can change a result.

        They are a list in JSON: a digest, versions by distribution, and pairs of options.
        """
        from runtime_core.executors.model_address import identity_of

        return identity_of(self)

    @property
    def forward_states(self) -> ForwardStates[KeptState]:
        """The states that calls keep for others at the same inputs."""
        assert self._workspace.states is not None  # the constructor has made them
        return self._workspace.states

    @property
    def confined(self) -> bool:
        """Whether payloads may name only the files that the options allow."""
        return self._workspace.files.confined

    def endpoint(self, name: str) -> BoundEndpoint | Unavailable:
        """Bind an endpoint to this Tesseract; `UnknownName` if no plugin provides it."""
        if name not in self._bound:
            declaration = self.catalog.endpoints.find(name)
            with scope.enter(self.scope()):
                self._bound[name] = self._bind(declaration)
        return self._bound[name]

    def _bind(self, declaration: Endpoint) -> BoundEndpoint | Unavailable:
        try:
            return declaration.bind(binding=self)
        except PluginFailed as fault:
            return Unavailable(self.catalog.faults.tolerate(fault))

    def compute(
        self, endpoint: str, payload: Any, places: Mapping[str, str] = SAME_INPUTS
    ) -> BaseModel:
        """Compute an endpoint inside of the call of another one, as `Binding.compute`."""
        try:
            return self.plan(endpoint).evaluate(payload)
        except InvalidPayload as refused:
            raise relocated(refused, endpoint, places) from None

    def trace(self, inputs: BaseModel, body: Callable[..., Any] | None = None) -> Traced:
        """Return `apply` or a body as a function of arrays near `inputs`, as `Binding.trace`."""
        from runtime_core.gradients import SerialEvaluations  # loads numpy

        if body is None:
            function = self.api.function("apply")
            assert not isinstance(function, Unavailable)  # every file has one
            return SerialEvaluations(function, inputs).traced
        of_dump = mark_author_errors(body, passing=TesseractRuntimeError)
        return SerialEvaluations(lambda inputs: of_dump(inputs.model_dump()), inputs).traced

    def withdraw(self, name: str, fault: PluginFailed) -> Unavailable:
        """Make an endpoint unavailable whose plugin has failed."""
        reason = Unavailable(self.catalog.faults.tolerate(fault))
        self._bound[name] = reason
        self._plans.clear()
        return reason

    def bound(self, name: str) -> BoundEndpoint:
        """Return an available endpoint; `UnknownName` has the reason if it is not."""
        endpoint = self.endpoint(name)
        if isinstance(endpoint, Unavailable):
            raise UnknownName(f"Endpoint {name!r} is not available: {endpoint.reason}")
        return endpoint

    def plan(
        self,
        endpoint: str,
        body_format: str = "json",
        output: Wire = JSON,
        body_parameters: str = "",
    ) -> Plan:
        """Return the prepared calls of an endpoint with documents in two forms.

        Raises `UnknownName` or `InvalidOption` for an endpoint or a form that is not available.
        """
        key = endpoint, body_format, output, body_parameters
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[key] = Plan(
                self.bound(endpoint),
                self._workspace,
                body_format=body_format,
                body_parameters=body_parameters,
                output=output,
                wrappers=self._wrappers(endpoint, output),
                address=partial(self.call_address, endpoint),
            )
        return plan

    def payload(self, endpoint: str, body: Buffer, body_format: str = "json") -> Any:
        """Return the validated payload of a document, a model; `None` for an endpoint without one.

        Raises `UnreadableDocument`, `MemoryExceeded`, or `InvalidPayload` with every fault.

        >>> tesseract = Runtime.from_file("docs/examples/vectoradd/tesseract_api.py")
        >>> tesseract.payload("apply", b'{"inputs": {"a": [1, 2], "b": [3, 4]}}').inputs.a
        array([1., 2.], dtype=float32)
        """
        with scope.enter(self.scope().reading({})) as reading:
            return self.plan(endpoint, body_format).payload(body, reading.options)

    def _wrappers(self, endpoint: str, output: Wire) -> Sequence[Wrapper]:
        """Return the functions of plugins around the calls of an endpoint, the outermost first."""
        wrappers = []
        for _, entry in sorted(self.catalog.call_wrappers.entries.items()):
            try:
                wrappers.append(entry.value.wrap(endpoint=endpoint, output=output, binding=self))
            except PluginFailed as fault:
                self.catalog.faults.tolerate(fault)
        return [wrapper for wrapper in wrappers if wrapper is not None]

    def call(self, name: str, payload: Any = None, run: Run | None = None) -> BaseModel:
        """Compute an endpoint in Python.

        `payload` is a payload model, or a value to validate as one; the result is a model. Logs are
        kept only if there is a `run`, other files always. Raises `InvalidPayload`,
        `MemoryExceeded`, `InvalidResult`, and the exceptions of the author's function.
        """
        plan = self.plan(name)
        try:
            log = RunLog(
                run or partial(unlogged_run, name, self.config), strict=self.config.log_to_strict
            )
            with running(Scope(workspace=self._workspace, log=log), log):
                return plan.evaluate(payload)
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
        outcome = ""
        headers: Mapping[str, str] = {}
        log = RunLog(partial(run_of, call, self.config), strict=self.config.log_to_strict)
        try:
            scope_of_call = Scope(workspace=self._placed(call.output_path), log=log)
            if call.timeout is not None:
                scope_of_call.deadline = time.monotonic() + call.timeout
            with running(scope_of_call, log) as here:
                if not call.new_run:
                    remove_earlier(run_of(call, self.config))
                plan = self.plan(call.endpoint, call.body_format, call.output, call.body_parameters)
                body = plan.document(call, here, trace)
                outcome, headers = here.forward_outcome, here.headers
        except KeyboardInterrupt:
            raise
        # Anything else, even SystemExit, comes from an author's validator, a plugin or the runtime
        # itself; the caller needs a reply all the same.
        except BaseException as error:
            fault = self._fault(error)
        if not call.kept:
            remove_files(run_of(call, self.config))
        trace.begin()
        return Reply(
            run_id=call.run_id,
            format=call.output.format,
            body=body,
            timings=trace.seconds,
            fault=fault,
            forward=outcome,
            headers=headers,
            has_files=log.has_files,
        )

    def _fault(self, error: BaseException) -> Fault:
        """Return the fault of an error, with its place in the author's code."""
        if isinstance(error, AuthorError):
            return author_fault(error.cause, self._place(error.cause))
        if isinstance(error, TesseractRuntimeError):
            cause = error.__cause__ if isinstance(error, GradientFailed) else None
            return fault_of(error, self._place(cause))
        return author_fault(error, self._place(error))

    def _place(self, error: BaseException | None) -> str:
        """Return the place of an error in the author's code; in its folder for remote callers."""
        if error is None:
            return ""
        folder = Path(self.config.api_path).absolute().parent
        return author_place(error, within=folder if self.confined else None)

    def _placed(self, output_path: str | None) -> Workspace:
        """Return the workspace with an output path of its own in its configuration."""
        if output_path is None or output_path == self.config.output_path:
            return self._workspace
        return self._workspace.placed(absolute(output_path))

    def scope(self, run: Run | None = None) -> Scope:
        """Make the scope of user code outside of calls."""
        return Scope(workspace=self._workspace, own_run=run)


_MOST_PLANS = 512  # callers choose parameters of media types and options of compressors


def local_runtime(
    catalog: Catalog,
    config: RuntimeConfig,
    progress: Progress | None = None,
) -> Runtime:
    """Make a runtime for the user of this process, who may read any file and URL."""
    files = FileAccess(root=config.input_path, confined=False)
    return Runtime(catalog=catalog, config=config, files=files, progress=progress)


def served_runtime(catalog: Catalog, config: RuntimeConfig) -> Runtime:
    """Make a runtime for remote callers, who may read only the files that the options allow."""
    root = config.input_path if "input_path" in config.model_fields_set else None
    files = FileAccess(root=root, url_prefixes=config.allow_url_prefix)
    return Runtime(catalog=catalog, config=config, files=files)
