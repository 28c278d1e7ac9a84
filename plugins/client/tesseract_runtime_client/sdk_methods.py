"""The methods of tesseract-core's client that `Tesseract` has under other names, or not at all."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NoReturn, Self

from runtime_core.calls import current_scope
from tesseract_runtime_client.errors import NotSupported, TesseractFailed
from tesseract_runtime_client.runtime_calls import PathLike

StreamLogs = bool | Callable[[str], object]


class SdkMethods(ABC):
    """Lets programs that were written for tesseract-core's client run unchanged."""

    in_process_of_its_own: bool
    """Whether the process of the Tesseract begins and ends with this instance."""

    @classmethod
    @abstractmethod
    def from_api(cls, *arguments: Any, **options: Any) -> Self:
        """Load a file or module and compute in this process."""

    @abstractmethod
    def close(self) -> None:
        """Close connections and end processes."""

    @abstractmethod
    def _compute(self, endpoint: str, payload: Mapping[str, Any], run_id: str | None) -> Any:
        """Return the result of an endpoint."""

    @classmethod
    def from_tesseract_api(
        cls,
        tesseract_api: PathLike | ModuleType,
        input_path: PathLike | None = None,
        output_path: PathLike | None = None,
        output_format: str = "json+base64",
        *,
        gpu_transport: str | None = None,
        runtime_config: Mapping[str, Any] | None = None,
        stream_logs: StreamLogs = False,
    ) -> Self:
        """Open a Tesseract as `from_api` does, with `debug` on, so that it has the endpoint `test`.

        `runtime_config` are its options, with or without the paths. `output_format` is the option
        of that name, which has no influence on results here. `stream_logs` may be a function that
        gets each printed line, which goes to the streams of this process otherwise.
        """
        _check_gpu_transport(gpu_transport)
        current_scope().catalog.formats.find(output_format)
        options: dict[str, Any] = {
            "debug": True,
            "output_format": output_format,
            **(runtime_config or {}),
        }
        return cls.from_api(
            tesseract_api,
            input_path or options.pop("input_path", None),
            output_path or options.pop("output_path", None),
            options=options,
            print_to=stream_logs if callable(stream_logs) else None,
        )

    @classmethod
    def from_image(cls, image_name: str, **_: object) -> NoReturn:
        """Refuse: containers are not started here. Use `from_worker` or `from_url`."""
        raise NotSupported(
            f"from_image({image_name!r}) would start a container, which this client does not. Open "
            "the file of the Tesseract with Tesseract.from_worker(path), or start the image "
            "yourself and use Tesseract.from_url(url)."
        )

    @classmethod
    def from_source(cls, tesseract_api: PathLike, *_: object, **__: object) -> NoReturn:
        """Refuse: environments are not built here. Use `from_worker`."""
        path = repr(os.fspath(tesseract_api))
        raise NotSupported(
            f"from_source({path}) would build an environment and a server, which this client does "
            f"not. Tesseract.from_worker({path}) runs the file in a process of its own, in this "
            "environment."
        )

    def test(self, test_spec: Mapping[str, Any]) -> None:
        """Run a regression case, which has the keys of the endpoint `test`.

        `expected_exception` may also be a class. The Tesseract must have been opened or served with
        `debug`. Raises `AssertionError` with the differences, and `TesseractFailed` for a case that
        cannot be run.
        """
        result = self._compute("test", _named(test_spec), None)
        if result["status"] == "failed":
            raise AssertionError(result["message"])
        if result["status"] != "passed":
            raise TesseractFailed(result["message"], 500, None)

    def serve(self) -> None:
        """Do nothing: a Tesseract of `from_worker` computes until it is closed.

        Raises `NotSupported` for others, which have no process of their own to serve.
        """
        self._require_process("serve")

    def teardown(self) -> None:
        """End the process of `from_worker`, as `close` does; `NotSupported` for others."""
        self._require_process("teardown")
        self.close()

    def server_logs(self) -> NoReturn:
        """Refuse: what runs print is in their logs, not in one of a server."""
        raise NotSupported(
            f"{self!r} has no log of a server. What a run of a server or of from_worker prints is "
            "in the file run_<ID>/logs/tesseract.log of its output path."
        )

    def _require_process(self, method: str) -> None:
        if not self.in_process_of_its_own:
            raise NotSupported(
                f"{method}() is for a Tesseract with a process of its own, and {self!r} has none. "
                "Open the file with Tesseract.from_worker(path), or leave the call out."
            )


def _check_gpu_transport(name: str | None) -> None:
    if name not in (None, "none"):
        raise NotSupported(f"gpu_transport={name!r}: arrays are passed on the host. Leave it out.")


def _named(case: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case in which an exception class is named."""
    expected = case.get("expected_exception")
    if not isinstance(expected, type):
        return dict(case)
    module = "" if expected.__module__ == "builtins" else f"{expected.__module__}."
    return {**case, "expected_exception": f"{module}{expected.__qualname__}"}
