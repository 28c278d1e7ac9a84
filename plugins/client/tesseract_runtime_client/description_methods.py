"""The methods of `Tesseract` that describe it, without a call."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from runtime_core.errors import TesseractRuntimeError
from tesseract_runtime_client.schema_text import field_lines
from tesseract_runtime_client.served_endpoints import ServedEndpoints
from tesseract_runtime_client.transport import Transport


class DescriptionMethods(ABC):
    """Asks a Tesseract what it is."""

    @property
    @abstractmethod
    def _open(self) -> Transport:
        """The transport; raises `Unreachable` if it has been closed."""

    def health(self) -> dict[str, Any]:
        """Return `{"status": "ok"}` if the Tesseract answers."""
        return self._open.get("health")

    @property
    def input_schema(self) -> dict[str, Any]:
        """The JSON Schema of the payload of `apply`."""
        return self._open.get("input_schema")

    @property
    def output_schema(self) -> dict[str, Any]:
        """The JSON Schema of the result of `apply`."""
        return self._open.get("output_schema")

    @property
    def openapi_schema(self) -> dict[str, Any]:
        """The OpenAPI document."""
        return self._open.get("openapi.json")

    @property
    def available_endpoints(self) -> list[str]:
        """The names of the endpoints of this Tesseract."""
        return ServedEndpoints(self.openapi_schema).names

    def describe(self) -> str:
        """Return a text of its name, endpoints, inputs and outputs, to be printed."""
        return "\n".join(self._described())

    def _described(self) -> Iterator[str]:
        info = self.openapi_schema.get("info", {})
        yield f"{info.get('title', 'Tesseract')} {info.get('version', '')} at {self._open.place}"
        if info.get("description"):
            yield info["description"]
        yield f"Endpoints: {', '.join(self.available_endpoints)}"
        payload, result = self.input_schema, self.output_schema
        yield "Inputs:"
        yield from field_lines(payload["properties"]["inputs"], payload.get("$defs", {}))
        yield "Outputs:"
        yield from field_lines(result, result.get("$defs", {}))

    def _repr_html_(self) -> str:
        """Return the description for a notebook, or the short text if there is none."""
        try:
            text = self.describe()
        except TesseractRuntimeError as error:
            text = f"{self!r}: {error}"
        return f"<pre>{html.escape(text)}</pre>"
