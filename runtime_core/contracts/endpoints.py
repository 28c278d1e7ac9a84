"""Endpoints: the functions of a Tesseract on the command line and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from runtime_core.contracts.executors import Evaluations
from runtime_core.contracts.unavailable import Unavailable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from runtime_core.calls.plan import Plan
    from runtime_core.config import RuntimeConfig
    from runtime_core.schemas import PayloadSchemas
    from runtime_core.tesseract import TesseractApi


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


@dataclass(frozen=True, kw_only=True)
class BoundEndpoint:
    """An endpoint of a loaded Tesseract.

    `payload` is a model, or `None` for a GET that is answered once at start. The class names of
    `payload` and `result` name the components in OpenAPI, and `schema_extras` are further keys of
    these components by class name. `answer` takes the validated payload; `check` takes the payload
    and the validated result, and raises `InvalidResult` if they do not fit together.
    """

    result: type[BaseModel]
    answer: Callable[[Any], object]
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
