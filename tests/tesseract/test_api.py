"""Loading the author's file."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from runtime_core.contracts import Unavailable
from runtime_core.errors import InvalidTesseract, MissingFile
from runtime_core.tesseract import load_tesseract, tesseract_of
from tests.conftest import Cli

Tesseract = Callable[..., Path]

SCHEMAS = """
from pydantic import BaseModel

class InputSchema(BaseModel):
    x: int = 0

class OutputSchema(BaseModel):
    y: int = 0

def apply(inputs):
    return OutputSchema(y=inputs.x + 1)
"""


@pytest.fixture(autouse=True)
def own_imports(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test a process in which no Tesseract has been loaded."""
    modules, path = dict(sys.modules), list(sys.path)
    for name in modules:
        if name.startswith("tesseract_api"):
            del sys.modules[name]
    yield
    sys.path[:] = path
    for name in set(sys.modules) - set(modules):
        if "runtime_core" not in name:
            del sys.modules[name]
    sys.modules.update(modules)


def test_file_is_loaded_under_its_own_name(tesseract: Tesseract) -> None:
    """The module has the name of the file, its schemas and its functions."""
    path = tesseract(SCHEMAS)
    api = load_tesseract(str(path))
    assert (api.path, api.module.__name__) == (path, "tesseract_api")
    assert api.module.__file__ == str(path)
    assert sys.modules["tesseract_api"] is api.module
    apply = api.function("apply")
    assert not isinstance(apply, Unavailable)
    assert apply(api.input_schema(x=2)) == api.output_schema(y=3)


def test_relative_path_is_taken_from_here(
    tesseract: Tesseract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path starts from the working directory, and is absolute from then on."""
    path = tesseract(SCHEMAS)
    monkeypatch.chdir(path.parent)
    assert load_tesseract("tesseract_api.py").path == path


def test_siblings_are_imported(tesseract: Tesseract) -> None:
    """The file can import sibling modules and packages, also while its functions run."""
    path = tesseract(
        SCHEMAS + "import first_sibling\ndef late():\n    import late_sibling\n    return 1\n",
        first_sibling="X = 1",
        late_sibling="X = 2",
    )
    api = load_tesseract(str(path))
    late = api.function("late")
    assert not isinstance(late, Unavailable)
    assert late() == 1


def test_sibling_is_stronger_than_what_is_installed(tesseract: Tesseract) -> None:
    """The folder of the file is searched first, as for a script."""
    path = tesseract(SCHEMAS + "import lz4_sibling as sibling", lz4_sibling="X = 1")
    load_tesseract(str(path))
    assert sys.path[0] == str(path.parent)


def test_nothing_else_of_the_process_is_changed(
    tesseract: Tesseract, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the folder on `sys.path` and `PYTHONPATH`, loading changes nothing."""
    monkeypatch.setenv("PYTHONPATH", "before")
    environment, folder, path = dict(os.environ), Path.cwd(), list(sys.path)
    arguments = list(sys.argv)
    here = str(load_tesseract(str(tesseract(SCHEMAS))).path.parent)
    assert sys.path == [here, *path]
    environment["PYTHONPATH"] = os.pathsep.join([here, "before"])
    assert (dict(os.environ), Path.cwd(), sys.argv) == (environment, folder, arguments)


CHILD = """
import subprocess, sys
def child(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/")
"""


def test_child_process_finds_the_modules_beside_the_file(tesseract: Tesseract) -> None:
    """A Python that user code starts imports the same modules as the file itself."""
    api = load_tesseract(str(tesseract(SCHEMAS + CHILD, child_sibling="X = 42")))
    ended = api.module.child("import child_sibling; print(child_sibling.X)")
    assert (ended.stdout, ended.stderr) == ("42\n", "")


def test_child_process_has_the_modules_of_python(tesseract: Tesseract) -> None:
    """A module that would stand in for one of Python's is kept from child processes."""
    api = load_tesseract(str(tesseract(SCHEMAS + CHILD, types="raise SystemExit('mine')")))
    assert api.module.child("import enum; print(enum)").returncode == 0


def test_folder_is_put_on_the_path_once(tesseract: Tesseract) -> None:
    """Loading a file again does not lengthen the path."""
    path = str(tesseract(SCHEMAS))
    load_tesseract(path)
    before = (list(sys.path), os.environ["PYTHONPATH"])
    load_tesseract(path)
    assert (sys.path, os.environ["PYTHONPATH"]) == before


def test_second_file_of_the_same_name_is_another_module(tmp_path: Path) -> None:
    """Two Tesseracts of one process keep apart, and both can be pickled by reference."""
    modules = []
    for name in ("a", "b"):
        path = tmp_path / name / "tesseract_api.py"
        path.parent.mkdir()
        path.write_text(SCHEMAS + f"NAME = {name!r}\n")
        modules.append(load_tesseract(str(path)).module)
    assert [module.NAME for module in modules] == ["a", "b"]
    assert len({module.__name__ for module in modules}) == 2
    for module in modules:
        assert pickle.loads(pickle.dumps(module.apply)) is module.apply


@pytest.mark.parametrize("name", ["my-model.py", "2nd.py", "model v1.py", "modèle.py", "json.py"])
def test_any_name_of_a_file_can_be_loaded(tmp_path: Path, name: str) -> None:
    """A file may have a name that no module could have, or that another module has."""
    (tmp_path / name).write_text(SCHEMAS)
    api = load_tesseract(str(tmp_path / name))
    module = api.module
    assert sys.modules[module.__name__] is module
    assert pickle.loads(pickle.dumps(module.apply)) is module.apply
    assert json.dumps({}) == "{}"


def test_dataclasses_and_forward_references_work(tesseract: Tesseract) -> None:
    """What looks its own module up while the file is imported finds it."""
    path = tesseract("""
        from __future__ import annotations
        from dataclasses import dataclass
        from pydantic import BaseModel

        @dataclass(slots=True)
        class Point:
            x: float

        class InputSchema(BaseModel):
            inner: Inner

        class Inner(BaseModel):
            x: int

        class OutputSchema(BaseModel):
            pass

        def apply(inputs: InputSchema) -> OutputSchema:
            return OutputSchema()
    """)
    api = load_tesseract(str(path))
    inputs = api.input_schema.model_validate({"inner": {"x": 1}})
    assert inputs.model_dump() == {"inner": {"x": 1}}


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_functions_are_found_by_other_processes(
    cli: Cli, tesseract: Tesseract, method: str
) -> None:
    """Functions of the file and of its siblings can be sent to processes that it starts."""
    path = tesseract(
        """
        import multiprocessing
        from pydantic import BaseModel
        import cube_sibling

        class InputSchema(BaseModel):
            method: str

        class OutputSchema(BaseModel):
            numbers: list[int]

        def square(n):
            return n * n

        def apply(inputs):
            with multiprocessing.get_context(inputs.method).Pool(1) as pool:
                return OutputSchema(
                    numbers=pool.map(square, [2, 3]) + pool.map(cube_sibling.cube, [2])
                )
        """,
        cube_sibling="def cube(n):\n    return n ** 3\n",
    )
    payload = json.dumps({"inputs": {"method": method}})
    ended = cli("--api-path", str(path), "apply", payload)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == '{"numbers":[4,9,8]}\n'


def test_function_that_is_not_there_is_explained(tesseract: Tesseract) -> None:
    """A function that the file lacks is answered with the reason and the nearest name."""
    api = load_tesseract(str(tesseract(SCHEMAS + "def jacobain(inputs): ...\n")))
    missing = api.function("jacobian")
    assert isinstance(missing, Unavailable)
    assert missing.reason == (
        "tesseract_api.py does not define a function 'jacobian'. Did you mean 'jacobain'?"
    )


def test_an_imported_name_is_not_the_nearest(tesseract: Tesseract) -> None:
    """Only names that the file defines are suggested."""
    source = "from json import dumps as jacobain\n" + SCHEMAS
    missing = load_tesseract(str(tesseract(source))).function("jacobian")
    assert isinstance(missing, Unavailable)
    assert "Did you mean" not in missing.reason


ASYNC_OBJECT = "class Function:\n    async def __call__(self, inputs): ...\n{name} = Function()\n"


@pytest.mark.parametrize("source", ["async def {name}(inputs): ...\n", ASYNC_OBJECT])
@pytest.mark.parametrize("name", ["apply", "jacobian", "abstract_eval", "setup"])
def test_async_functions_are_refused(tesseract: Tesseract, name: str, source: str) -> None:
    """A coroutine is not a result; the message says how to await inside a function."""
    text = f"^{name} of tesseract_api.py is an async function: make it a plain one, and use "
    with pytest.raises(InvalidTesseract, match=text + f"asyncio.run inside {name}[.]$"):
        load_tesseract(str(tesseract(SCHEMAS + source.format(name=name))))


@pytest.mark.parametrize("name", ["none.py", ".", "none/tesseract_api.py"])
def test_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A file that is not there is named in full, with the option that names another."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        MissingFile,
        match="Name the file of one: on the command line with --api-path or TESSERACT_API_PATH",
    ):
        load_tesseract(name)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_package", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("from json import nothing", "ImportError: cannot import name 'nothing' from 'json'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def f(:", "SyntaxError: invalid syntax"),
        ("\tx = 1\n  y = 2", "IndentationError"),
        ("import sys; sys.exit(0)", "SystemExit: 0"),
        ("import sys; sys.exit('no')", "SystemExit: no"),
        ("import asyncio; raise asyncio.CancelledError", "CancelledError"),
    ],
)
def test_import_that_fails_is_told(tesseract: Tesseract, source: str, message: str) -> None:
    """Whatever the import raises is one kind of error, with the author's message and place."""
    path = tesseract(source)
    with pytest.raises(InvalidTesseract) as raised:
        load_tesseract(str(path))
    text = str(raised.value)
    assert text.startswith("tesseract_api.py cannot be imported: ")
    assert message in text
    assert f'"{path}", line 1' in text
    assert "runtime_core" not in text


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        ("np.ndarray", "<class 'numpy.ndarray'>"),
        ("np.float64 | None", "<class 'numpy.float64'>"),
        ("list[NDArray[np.int8]]", "numpy.ndarray["),
    ],
)
def test_a_type_of_numpy_in_a_schema_is_told(
    tesseract: Tesseract, annotation: str, name: str
) -> None:
    """The message names the annotation to use, and the place of the class."""
    path = tesseract(
        "import numpy as np\nfrom numpy.typing import NDArray\nfrom pydantic import BaseModel\n"
        f"class InputSchema(BaseModel):\n    x: {annotation}\n"
    )
    with pytest.raises(InvalidTesseract) as raised:
        load_tesseract(str(path))
    message, place = str(raised.value).split("\n", maxsplit=1)
    assert message.startswith(
        "tesseract_api.py cannot be imported: PydanticSchemaGenerationError: "
        f"Unable to generate pydantic-core schema for {name}"
    )
    assert message.endswith(
        ". Use Array[...] as the type of arrays, for instance Array[(None,), Float64]."
    )
    assert "class InputSchema" in place


def test_bytes_that_are_no_python_are_told(tmp_path: Path) -> None:
    """A file that is not even text is an ordinary failure."""
    (tmp_path / "model.py").write_bytes(b"\xff\x00")
    with pytest.raises(InvalidTesseract, match="cannot be imported: SyntaxError"):
        load_tesseract(str(tmp_path / "model.py"))


def test_failed_import_leaves_no_module(tesseract: Tesseract) -> None:
    """A file that was mended can be loaded in the same process."""
    path = tesseract("1 / 0")
    with pytest.raises(InvalidTesseract):
        load_tesseract(str(path))
    assert "tesseract_api" not in sys.modules
    path.write_text(SCHEMAS + "# mended, and longer than before\n")
    assert load_tesseract(str(path)).module.__name__ == "tesseract_api"


def test_interrupt_at_import_is_no_fault_of_the_file(tesseract: Tesseract) -> None:
    """Ctrl-C during the import interrupts, and is not reported as a failure."""
    with pytest.raises(KeyboardInterrupt):
        load_tesseract(str(tesseract("raise KeyboardInterrupt")))


A_MODEL = "def value():\n    return 'a'\n"


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """Return a loaded Tesseract that imports its sibling module `model`."""
    path = beside(tmp_path / "a", SCHEMAS + "import model\n", model=A_MODEL)
    load_tesseract(str(path))
    return path


def beside(folder: Path, source: str, **siblings: str) -> Path:
    """Write a Tesseract and sibling modules; dots in their names are folders."""
    for name, text in {**siblings, "tesseract_api": source}.items():
        path = folder.joinpath(*name.split("__")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "tesseract_api.py"


IMPORTS = {
    "import model": {"model": A_MODEL},
    "from model import value": {"model": A_MODEL},
    "import model.part": {"model____init__": "", "model__part": A_MODEL},
    "import json, model as other": {"model": A_MODEL},
    "def late():\n    import model": {"model": A_MODEL},
    "import sibling": {"model": A_MODEL, "sibling": "import model"},
    "from package.part import value": {
        "model": A_MODEL,
        "package__part": "from model import value",
    },
}


@pytest.mark.parametrize("statement", IMPORTS)
def test_module_of_another_folder_is_not_taken_for_a_sibling(
    first: Path, tmp_path: Path, statement: str
) -> None:
    """A file whose sibling has the name of another Tesseract's is refused, and changes nothing."""
    path = beside(tmp_path / "b", f"{SCHEMAS}{statement}\n", **IMPORTS[statement])
    modules, search = set(sys.modules), list(sys.path)
    with pytest.raises(InvalidTesseract) as raised:
        load_tesseract(str(path))
    assert str(raised.value) == (
        f"{str(path)!r} imports the module 'model' beside it, but this process has another one of "
        f"that name from {str(first)!r}, and Python keeps only one. Give this Tesseract a process "
        f"of its own with Tesseract.from_worker({str(path)!r}) of tesseract-runtime-client."
    )
    assert (set(sys.modules), sys.path) == (modules, search)


def test_modules_that_are_imported_later_clash_too(tmp_path: Path) -> None:
    """The order and time in which two files import their modules do not matter."""
    late = SCHEMAS + "def late():\n    import model\n"
    load_tesseract(str(beside(tmp_path / "a", late, model=A_MODEL)))
    path = beside(tmp_path / "b", SCHEMAS + "import model\n", model=A_MODEL)
    with pytest.raises(InvalidTesseract, match="imports the module 'model' beside it"):
        load_tesseract(str(path))
    assert "model" not in sys.modules


def test_module_that_neither_gets_does_not_clash(tmp_path: Path) -> None:
    """Two files whose siblings both give way to the same installed module share that."""
    for name in ("a", "b"):
        path = beside(tmp_path / name, SCHEMAS + "import types, pydantic\n", types="", pydantic="")
        assert load_tesseract(str(path)).path == path


def test_module_of_a_script_clashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that the program itself has imported from elsewhere is named."""
    beside(tmp_path / "script", "", own_model=A_MODEL)
    monkeypatch.syspath_prepend(tmp_path / "script")
    __import__("own_model")
    path = beside(tmp_path / "b", SCHEMAS + "import own_model\n", own_model=A_MODEL)
    with pytest.raises(InvalidTesseract, match=r"from '.*script/own_model\.py', and Python"):
        load_tesseract(str(path))


UNLIKE = {
    "another name": ("import unlike_sibling", {"unlike_sibling": "X = 1"}),
    "not imported": ("", {"model": A_MODEL}),
    "not a sibling": ("import model", {}),
    "a sibling of a package": ("import unlike.model", {"unlike__model": A_MODEL}),
    "relative": ("import unlike", {"unlike____init__": "from . import model", "unlike__model": ""}),
    "of the library": ("import types", {"types": "X = 1"}),
    "installed": ("import pydantic", {"pydantic": "X = 1"}),
    "not Python": ("import broken_sibling if False else 1", {"model": A_MODEL}),
}


@pytest.mark.parametrize("case", UNLIKE)
def test_only_own_modules_clash(first: Path, tmp_path: Path, case: str) -> None:
    """Names that a file does not import, or has from where every process has them, are free."""
    statement, siblings = UNLIKE[case]
    path = beside(tmp_path / "b", f"{SCHEMAS}{statement}\n", **siblings)
    if case == "not Python":
        with pytest.raises(InvalidTesseract, match="cannot be imported: SyntaxError"):
            load_tesseract(str(path))
    else:
        assert load_tesseract(str(path)).path == path


def test_same_folder_does_not_clash(first: Path) -> None:
    """A file and its sibling can be loaded again, with the modules of the first time."""
    other = first.with_name("other_api.py")
    other.write_text(first.read_text())
    for path in (first, other):
        assert load_tesseract(str(path)).module.model is sys.modules["model"]


def test_deleted_tesseract_does_not_clash(first: Path, tmp_path: Path) -> None:
    """Only the loaded modules of a deleted file count."""
    shutil.rmtree(first.parent)
    path = beside(tmp_path / "b", SCHEMAS + "import fresh_sibling\n", fresh_sibling="")
    assert load_tesseract(str(path)).path == path


def test_imported_module_is_a_tesseract(tesseract: Tesseract) -> None:
    """An imported module is accepted."""
    module = load_tesseract(str(tesseract(SCHEMAS))).module
    api = tesseract_of(module)
    assert (api.module, api.path) == (module, Path(str(module.__file__)))
    with pytest.raises(InvalidTesseract, match="json does not define InputSchema"):
        tesseract_of(ModuleType("json"))
