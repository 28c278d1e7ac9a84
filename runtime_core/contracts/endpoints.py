"""Endpoints: the functions of a Tesseract on the command line and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from runtime_core.contracts.executors import Evaluations
from runtime_core.contracts.unavailable import Unavailable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from runtime_core.calls.plan import Plan
    from runtime_core.config import RuntimeConfig
    from runtime_core.schemas import PayloadSchemas
    from runtime_core.tesseract import TesseractApi


SAME_INPUTS: Mapping[str, str] = MappingProxyType({"inputs": "inputs"})
"""The places of a payload with the caller's inputs, all else of which the endpoint has made."""


class Traced(Protocol):
    """A function of arrays near a point, without validation."""

    def __call__(self, changes: Mapping[str, Any], outputs: Collection[str]) -> dict[str, Any]:
        """Compute with changed inputs, by path, and return the outputs at some paths.

        Array fields take anything with a shape: the tracers of JAX and autograd, or arrays of
        other data types than declared, as complex ones. Plain numbers and lists are converted as
        usual. Each evaluation has its own copy of the other inputs, and its logs are dropped.
        """


class Binding(Protocol):
    """A Tesseract and its configuration, which endpoints are bound to.

    Everything is loaded at its first use; endpoints that do not use the author's file work without
    one.
    """

    @property
    def api(self) -> TesseractApi:
        """The loaded `tesseract_api.py`."""

    @property
    def schemas(self) -> PayloadSchemas:
        """The factory of payload and result models."""

    @property
    def config(self) -> RuntimeConfig:
        """The configuration of the runtime."""

    def function(self, endpoint: str) -> Callable[..., Any] | Unavailable:
        """Return the author's or the gradient backend's function of an endpoint."""

    def evaluations(
        self, inputs: BaseModel | Mapping[str, Any], endpoint: str = "apply"
    ) -> AbstractContextManager[Evaluations]:
        """Evaluate `apply` near `inputs`, inside the `with`.

        Another `endpoint` is a product of the author's file, evaluated near the fields of its
        payload: paths begin with the name of a field, and outputs are keys, such as `{y}`.
        """

    def endpoint(self, name: str) -> BoundEndpoint | Unavailable:
        """Return another endpoint of the same Tesseract."""

    def plan(self, name: str) -> Plan:
        """Return the prepared calls of an available endpoint, for many evaluations."""

    def compute(
        self, endpoint: str, payload: Any, places: Mapping[str, str] = SAME_INPUTS
    ) -> BaseModel:
        """Compute another endpoint inside of this call, and return its result.

        `payload` is a payload model of that endpoint, or a value to validate as one. `places` maps
        its paths to those in the payload of the caller, as in `{"inputs": "points.[2]"}`, by
        default `inputs` alone: a fault there is reported at the caller's place, and any other is
        that of the plugin.
        """

    def trace(self, inputs: BaseModel, body: Callable[..., Any] | None = None) -> Traced:
        """Return `apply`, or the `body` of a backend, as a function of arrays near `inputs`.

        It is computed without validation, for the tracers of libraries and for complex steps.
        """


@dataclass(frozen=True, kw_only=True)
class BoundEndpoint:
    """An endpoint of a loaded Tesseract.

    `payload` is a model, or `None` for a GET that is answered once at start. The class names of
    `payload` and `result` name the components in OpenAPI, and `schema_extras` are further keys of
    these components by class name. `answer` takes the validated payload and, by keyword, those of
    these facts of the call that it names: `run_id`, `deadline`, at which the call is aborted, in
    seconds of `time.monotonic`, or `None`, and `metadata`. `check` takes the payload and the
    validated result, and raises `InvalidResult` if they do not fit together.
    """

    result: type[BaseModel]
    answer: Callable[..., object]
    payload: type[BaseModel] | None = None
    check: Callable[[Any, Any], None] | None = None
    doc: str = ""
    schema_extras: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Declares an endpoint: `POST /name` and the command `name-with-dashes`.

    `bind(binding)` makes it for a `Binding`. The selected gradient backend has the function of a
    `gradient`. Other endpoints use the author's function if there is one.
    """

    name: str
    summary: str
    bind: Callable[..., BoundEndpoint | Unavailable]
    gradient: bool = False
