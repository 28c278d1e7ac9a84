"""Endpoints: what a Tesseract can be asked, on the command line and over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from runtime_core.contracts.executors import Evaluations
from runtime_core.contracts.unavailable import Unavailable

if TYPE_CHECKING:
    from pydantic import BaseModel

    from runtime_core.config import RuntimeConfig
    from runtime_core.schemas import PayloadSchemas
    from runtime_core.tesseract import TesseractApi


class Binding(Protocol):
    """What an endpoint is bound to: one loaded Tesseract with its configuration.

    Everything is loaded when it is first touched; an endpoint that asks for nothing of the file
    works without one.
    """

    @property
    def api(self) -> TesseractApi:
        """Return the loaded `tesseract_api.py`."""

    @property
    def schemas(self) -> PayloadSchemas:
        """Return the maker of payload and result models."""

    @property
    def config(self) -> RuntimeConfig:
        """Return the configuration of this runtime."""

    def function(self, endpoint: str) -> Callable[..., Any] | Unavailable:
        """Return the function that computes an endpoint, or why there is none.

        It is the author's own, or that of the chosen gradient backend.
        """

    def evaluations(self, inputs: BaseModel) -> AbstractContextManager[Evaluations]:
        """Return a context manager of evaluations of `apply` near `inputs`."""

    def endpoint(self, name: str) -> BoundEndpoint | Unavailable:
        """Return another endpoint, bound to the same Tesseract."""


@dataclass(frozen=True, kw_only=True)
class BoundEndpoint:
    """An endpoint that is ready to answer.

    `payload` is the model of what is asked, or `None` when there is nothing to ask (a GET,
    answered once at start). The class names of `payload` and `result` are the names of the
    OpenAPI components. `answer` gets the validated payload; `check` gets payload and validated
    result, and raises `InvalidResult` when they do not fit together. `schema_extras` are further
    keys of the component of `payload` or `result` in OpenAPI, by class name.
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

    The function of a `gradient` is the chosen backend's. Of any other endpoint it is the author's
    if there is one.
    """

    name: str
    summary: str
    bind: Callable[[Binding], BoundEndpoint | Unavailable]
    gradient: bool = False
