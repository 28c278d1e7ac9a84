"""The loaded file of the author."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from inspect import iscoroutinefunction
from itertools import count
from os import PathLike
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticSchemaGenerationError

from runtime_core.contracts import Unavailable
from runtime_core.distributions import install_command
from runtime_core.errors import (
    AuthorError,
    InvalidItem,
    InvalidTesseract,
    MissingFile,
    RunNotLogged,
    did_you_mean,
)
from runtime_core.imports import import_numpy
from runtime_core.tesseract.module_clashes import TesseractLoader, refuse_clash
from runtime_core.tesseract.tracebacks import author_lines


@dataclass(frozen=True, kw_only=True)
class TesseractApi:
    """A loaded `tesseract_api.py`: its module and its two schemas."""

    path: Path
    module: ModuleType
    input_schema: type[BaseModel]
    output_schema: type[BaseModel]

    def function(self, name: str) -> Callable[..., Any] | Unavailable:
        """Return a function of the file; an exception in it causes an `AuthorError`."""
        problem = _problem_of_function(name, self.module, self.path)
        if problem:
            return Unavailable(problem)
        function = getattr(self.module, name)
        return mark_author_errors(function, passing=(InvalidItem, RunNotLogged))

    def prepare(self, name: str) -> None:
        """Call `setup` or `teardown` if the file has it; `InvalidTesseract` if it fails."""
        function = self.function(name)
        if isinstance(function, Unavailable):
            return
        try:
            function()
        except AuthorError as error:
            cause = error.cause
            raise InvalidTesseract(
                f"{name} of {self.path.name} failed: {type(cause).__name__}: {cause}\n"
                + author_lines(cause)
            ) from cause


def mark_author_errors(
    function: Callable[..., Any], passing: type[Exception] | tuple[type[Exception], ...]
) -> Callable[..., Any]:
    """Wrap a function of the author's code, so that its exceptions cause an `AuthorError`.

    `KeyboardInterrupt` and exceptions of the types `passing` are passed unchanged.

    >>> mark_author_errors(lambda: 1 / 0, passing=OSError)()
    Traceback (most recent call last):
    runtime_core.errors.AuthorError
    """

    @wraps(function)
    def marked(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except KeyboardInterrupt:
            raise
        except passing:
            raise
        # The author's code may raise anything, and sys.exit in it must not end a server.
        except BaseException as error:
            raise AuthorError from error

    return marked


def load_tesseract(path: str | PathLike[str]) -> TesseractApi:
    """Import a `tesseract_api.py`.

    The module is added to `sys.modules`, for pickle, and its folder to the front of `sys.path` and
    of `PYTHONPATH`, for its own imports and those of its child processes, now and while its
    functions run. Raises `MissingFile` if the file does not exist, and `InvalidTesseract` if it
    cannot be imported or lacks a required name.
    """
    file = Path(path).absolute()
    if not os.path.isfile(file):  # noqa: PTH113  # `Path` raises if a name is too long
        raise MissingFile(
            f"No Tesseract at {str(file)!r}. Name the file of one: on the command line with "
            "--api-path or TESSERACT_API_PATH."
        )
    return tesseract_of(_import(file))


def tesseract_of(module: ModuleType) -> TesseractApi:
    """Make a Tesseract from an imported module; `InvalidTesseract` lists missing names.

    >>> from types import ModuleType
    >>> tesseract_of(ModuleType("empty"))
    Traceback (most recent call last):
    runtime_core.errors.InvalidTesseract: empty does not define InputSchema.
    empty does not define OutputSchema.
    empty does not define a function 'apply'. Every Tesseract needs one.
    """
    file = Path(module.__dict__.get("__file__") or module.__name__)
    faults = [*_missing(module, file)]
    if faults:
        raise InvalidTesseract("\n".join(faults))
    return TesseractApi(
        path=file,
        module=module,
        input_schema=module.InputSchema,
        output_schema=module.OutputSchema,
    )


def _import(file: Path) -> ModuleType:
    if file.suffix != ".py":
        raise InvalidTesseract(f"{str(file)!r} is not a Python file: its name must end with .py.")
    refuse_clash(file)
    import_numpy()
    name = _module_name(file)
    loader = TesseractLoader(name, str(file))
    spec = importlib.util.spec_from_file_location(name, file, loader=loader)
    assert spec is not None  # only a file without a loader has none
    module = importlib.util.module_from_spec(spec)
    _make_importable(file.parent)
    sys.modules[name] = module  # pickle looks up functions and classes there
    try:
        loader.exec_module(module)
    # User code may raise anything; sys.exit in it must not end a server silently.
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt | MissingFile):
            raise
        raise InvalidTesseract(
            f"{file.name} cannot be imported: {_reason(error)}\n" + author_lines(error)
        ) from error
    return module


def _make_importable(folder: Path) -> None:
    """Let this process and its child processes import the modules of a folder."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    # A module such as `types.py`, which this process has from Python, would stop every child.
    if any(path.stem in sys.stdlib_module_names for path in folder.glob("*.py")):
        return
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(folder) not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), *paths]))


def _reason(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}"
    hint = array_hint(text)
    if hint and isinstance(error, PydanticSchemaGenerationError):
        return f"{text.partition('. ')[0]}{hint}"  # the advice of pydantic does not help
    return f"{text}{_hint(error)}"


def array_hint(problem: str) -> str:
    """Return the next step if a problem is about an array type that pydantic does not know.

    >>> array_hint("Unknown type <class 'numpy.ndarray'>")
    '. Use Array[...] as the type of arrays, for instance Array[(None,), Float64].'
    """
    if not _ARRAY_TYPES.search(problem):
        return ""
    return ". Use Array[...] as the type of arrays, for instance Array[(None,), Float64]."


_ARRAY_TYPES = re.compile(
    r"\bnumpy\.(ndarray|bool|u?int\d+|float\d+|complex\d+)|\bjax\S*\.Array\b|\btorch\.Tensor\b"
)


def _hint(error: BaseException) -> str:
    """Return the command that installs a missing module of `tesseract_core`."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if name is None or name.partition(".")[0] != "tesseract_core":
        return ""
    options = () if name == "tesseract_core" else ("--upgrade",)
    return f". Install it with: {install_command('tesseract-runtime-authoring', *options)}"


def _module_name(file: Path) -> str:
    """Name the module after its file, with a number if the name is taken."""
    name = file.stem if file.stem.isidentifier() else "tesseract_api"
    if name not in sys.modules:
        return name
    return next(f"{name}_{n}" for n in count(2) if f"{name}_{n}" not in sys.modules)


def _missing(module: ModuleType, file: Path) -> Iterator[str]:
    """Report missing or invalid required names."""
    for name in ("InputSchema", "OutputSchema"):
        schema = getattr(module, name, None)
        if schema is None:
            yield f"{file.name} does not define {name}.{_near(name, module)}"
        elif not isinstance(schema, type) or not issubclass(schema, BaseModel):
            yield (
                f"{name} of {file.name} must be a class that derives from pydantic.BaseModel, "
                f"not {schema!r:.80}."
            )
    problem = _problem_of_function("apply", module, file)
    if problem:
        yield problem if hasattr(module, "apply") else f"{problem} Every Tesseract needs one."
    for name in _OPTIONAL_FUNCTIONS:
        if _is_async(getattr(module, name, None)):
            yield _problem_of_function(name, module, file)


def _problem_of_function(name: str, module: ModuleType, file: Path) -> str:
    """Explain why a module has no function of a name; empty if it has one."""
    if not hasattr(module, name):
        return f"{file.name} does not define a function {name!r}.{_near(name, module)}"
    function = getattr(module, name)
    if not callable(function):
        return f"{name} of {file.name} is not a function, but {function!r:.60}."
    if _is_async(function):
        return (
            f"{name} of {file.name} is an async function: make it a plain one, and use asyncio.run "
            f"inside {name}."
        )
    return ""


def _is_async(function: Any) -> bool:
    return callable(function) and any(map(iscoroutinefunction, (function, type(function).__call__)))


def _near(name: str, module: ModuleType) -> str:
    """Suggest a similar name of the file, except those with a meaning of their own."""
    names = [n for n in vars(module) if not n.startswith("_") and n not in _MEANINGS]
    own = [n for n in names if getattr(vars(module)[n], "__module__", None) == module.__name__]
    return did_you_mean(name, own)


_OPTIONAL_FUNCTIONS = (
    "jacobian",
    "jacobian_vector_product",
    "vector_jacobian_product",
    "hessian_vector_product",
    "abstract_eval",
    "setup",
    "teardown",
)
_MEANINGS = ("InputSchema", "OutputSchema", "apply", *_OPTIONAL_FUNCTIONS)
