"""The Tesseracts that a process of an executor has loaded, and the points that it has received."""

from __future__ import annotations

import atexit
import io
import pickle
import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from runtime_core.calls import scope
from runtime_core.config import known_options, restore
from runtime_core.contracts import Call, Evaluations, Reply
from runtime_core.errors import ExecutorFailed, InvalidTesseract
from runtime_core.executors.kept_output import answered
from runtime_core.executors.model_address import (
    ModelAddress,
    read_address,
    refuse_other_content,
    refuse_other_versions,
    versions,
)
from runtime_core.executors.shipped_folder import unpack
from runtime_core.executors.wire_data import UnknownPoint
from runtime_core.gradients.vectors import Vector
from runtime_core.plugins import PluginSelection, load_catalog
from runtime_core.run_logs.run import new_evaluation
from runtime_core.runtime import Runtime, local_runtime, served_runtime
from runtime_core.tesseract import forget_modules

_MOST_POINTS = 4  # of a model, which clients of one cluster may use in turn
_MOST_MODELS = 8


class LoadedModel:
    """A Tesseract in this process, with the points near which it computes."""

    def __init__(self, runtime: Runtime, module: str) -> None:
        self._runtime = runtime
        self._module = module
        self._run = new_evaluation(Path(runtime.config.output_path))
        self._points: OrderedDict[str, Any] = OrderedDict()

    def evaluate(
        self, near: tuple[str, str], point: bytes | None, changes: Vector, outputs: Any
    ) -> Vector:
        """Evaluate an endpoint near a point; `UnknownPoint` if it is neither given nor known."""
        endpoint, digest = near
        with scope.enter(self._runtime.scope(self._run)):
            evaluations: Evaluations = self._near(
                digest, point, lambda data: self._evaluations(endpoint, data)
            )
            return evaluations.submit(changes, outputs).result()

    def body(self, digest: str, point: bytes | None) -> bytes:
        """Return the body that calls share, if they do; raises `UnknownPoint` as `evaluate`."""
        return self._near(digest, point, bytes) if digest else b""

    def answer(self, call: Call) -> Reply:
        """Answer a call, in the folder of this process unless it names another one."""
        return answered(call, self._runtime, self._runtime.answer)

    def _near(self, digest: str, point: bytes | None, read: Callable[[bytes], Any]) -> Any:
        """Return the content of a point, read at its first use."""
        if digest not in self._points:
            if point is None:
                raise UnknownPoint
            self._points[digest] = read(point)
            if len(self._points) > _MOST_POINTS:
                self._points.popitem(last=False)
        self._points.move_to_end(digest)
        return self._points[digest]

    def _evaluations(self, endpoint: str, point: bytes) -> Evaluations:
        inputs = _Unpickler(point, self._module, self._runtime.api.module).load()
        return self._runtime.serial_evaluations(inputs, endpoint)


class _Unpickler(pickle.Unpickler):
    """Finds the author's classes, whose module may have another name in this process."""

    def __init__(self, data: bytes, name: str, module: Any) -> None:
        super().__init__(io.BytesIO(data))
        self._name, self._module = name, module

    def find_class(self, module: str, name: str) -> Any:
        """Return a class or function of a module."""
        return super().find_class(self._module.__name__ if module == self._name else module, name)


class LoadedModels:
    """The loaded Tesseracts of this process by the text of their addresses."""

    def __init__(self) -> None:
        self._models: OrderedDict[str, tuple[ModelAddress, LoadedModel, ExitStack]] = OrderedDict()

    def find(self, text: str, folder: bytes | None = None) -> LoadedModel:
        """Return the Tesseract of an address, loaded at its first use from its folder, if shipped.

        Raises `ExecutorFailed` if it is not the same here, `UnknownPoint` if the folder is neither
        given nor known, and the errors of loading.
        """
        if text not in self._models:
            address = read_address(text)
            if address.shipped and folder is None:
                raise UnknownPoint
            self._forget_other_content(address)
            self._models[text] = (address, *_loaded(address, folder))
            if len(self._models) > _MOST_MODELS:
                self._forget(next(iter(self._models)))
        self._models.move_to_end(text)
        return self._models[text][1]

    def close(self) -> None:
        """Run the author's `teardown()` of all."""
        for text in [*self._models]:
            self._forget(text)

    def _forget_other_content(self, address: ModelAddress) -> None:
        """Forget an earlier state of the same file, and of the modules beside it."""
        for text, (known, *_) in [*self._models.items()]:
            if known.path == address.path and known.digest != address.digest:
                self._forget(text)
                forget_modules(Path(address.path))

    def _forget(self, text: str) -> None:
        _, _, set_up = self._models.pop(text)
        set_up.close()


def _loaded(address: ModelAddress, archive: bytes | None) -> tuple[LoadedModel, ExitStack]:
    catalog = load_catalog(PluginSelection(disabled=frozenset(address.disabled_plugins)))
    refuse_other_versions(address.versions, versions(catalog))
    with ExitStack() as opened:
        if archive is not None:
            address = opened.enter_context(_unpacked(address, archive))
        refuse_other_content(address)
        # Files of an author's are not mixed with those of other processes.
        folder = opened.enter_context(tempfile.TemporaryDirectory(prefix="tesseract-"))
        known = known_options(catalog)
        options = {name: value for name, value in address.options.items() if name in known}
        options |= {"api_path": address.path, "output_path": folder, "keep_forward": 0}
        make_runtime: Callable[..., Runtime] = served_runtime if address.confined else local_runtime
        runtime = make_runtime(catalog, restore(catalog, options))
        try:
            opened.enter_context(runtime.set_up())
        except InvalidTesseract as error:
            raise ExecutorFailed(f"A process of the executor cannot load it: {error}") from None
        return LoadedModel(runtime, address.module), opened.pop_all()
    raise AssertionError  # for the type checker: an ExitStack may suppress


@contextmanager
def _unpacked(address: ModelAddress, archive: bytes) -> Iterator[ModelAddress]:
    """Return the address of a shipped Tesseract in a folder of this process."""
    prefix = f"tesseract-{address.shipped[:12]}-"
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        unpack(archive, folder)
        path = Path(folder, Path(address.path).name)
        yield replace(address, path=str(path))
        forget_modules(path)


# A task is a function, so that what a process keeps between tasks has no other place.
LOADED_MODELS = LoadedModels()
atexit.register(LOADED_MODELS.close)
