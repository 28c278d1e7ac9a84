"""Several Tesseracts in one process, each with its own paths, logs, configuration and modules."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from runtime_core.errors import InvalidOption, InvalidTesseract, MissingFile
from runtime_core.tesseract import load_tesseract
from tesseract_runtime_client import Tesseract
from tests.client.conftest import serving, written
from tests.conftest import WRITING, WRITTEN, clean_environment
from tests.patience import SECONDS

FILES = """
import os
from pathlib import Path
from pydantic import BaseModel
from tesseract_core.runtime.config import get_config
from tesseract_core.runtime.experimental import InputPath, OutputPath, log_metric, log_parameter

events = []

def setup():
    events.append("setup")

def teardown():
    Path(get_config().output_path, "teardown").touch()

class InputSchema(BaseModel):
    source: InputPath
    number: int = 0

class OutputSchema(BaseModel):
    text: str
    copy_: OutputPath
    paths: list[str]
    name: str

def apply(inputs):
    config = get_config()
    text = inputs.source.read_text()
    log_parameter("text", text)
    log_metric("number", inputs.number)
    copy = Path(config.output_path, f"copy_{inputs.number}.txt")
    copy.write_text(text)
    return OutputSchema(
        text=text, copy_=copy, paths=[config.input_path, config.output_path], name=config.name
    )
"""

Kind = Callable[..., Tesseract]
LOCAL: dict[str, Kind] = {"api": Tesseract.from_api, "worker": Tesseract.from_worker}


@pytest.fixture(params=LOCAL)
def local(request: pytest.FixtureRequest) -> Kind:
    """Return each way to open a Tesseract of this machine."""
    return LOCAL[request.param]


def folders(root: Path, name: str) -> dict[str, Path]:
    """Make an input folder with a file of its own, and an empty output folder."""
    paths = {"input_path": root / name / "in", "output_path": root / name / "out"}
    for path in paths.values():
        path.mkdir(parents=True)
    (paths["input_path"] / "file.txt").write_text(name)
    return paths


def test_two_threads_in_turn_never_mix(local: Kind, tmp_path: Path) -> None:
    """Paths, logs and configuration are those of the instance, for every caller and at any time."""
    source = written(tmp_path / "tesseract", FILES)
    names = ("a", "b")
    paths = {name: folders(tmp_path, name) for name in names}
    turns = threading.Barrier(len(names))

    def call(name: str, tesseract: Tesseract) -> None:
        for number in range(10):
            turns.wait()
            inputs = {"source": "file.txt", "number": number}
            result = tesseract.apply(inputs, run_id=f"{name}-{number}")
            assert result == {
                "text": name,
                "copy_": f"copy_{number}.txt",
                "paths": [str(path) for path in paths[name].values()],
                "name": name,
            }

    opened = {name: local(source, **paths[name], options={"name": name}) for name in names}
    with opened["a"], opened["b"], ThreadPoolExecutor() as pool:
        for done in [pool.submit(call, *item) for item in opened.items()]:
            done.result()
    for name in names:
        output = paths[name]["output_path"]
        runs = [f"run_{name}-{number}" for number in range(10)]
        copies = [f"copy_{number}.txt" for number in range(10)]
        assert sorted(path.name for path in output.iterdir()) == [*copies, *runs, "teardown"]
        for number, run in enumerate(runs):
            metrics = (output / run / "logs" / "metrics.csv").read_text()
            assert f"number,{number}" in metrics.replace(".0", "")
            assert f'"{name}"' in (output / run / "logs" / "parameters.json").read_text()


MEETING = """
import time
from pathlib import Path
from pydantic import BaseModel
from tesseract_core.runtime.config import get_config
from tesseract_core.runtime.experimental import log_artifact, log_metric

class InputSchema(BaseModel):
    mine: str
    theirs: str

class OutputSchema(BaseModel):
    pass

def apply(inputs):
    log_metric("before", 1)
    Path(inputs.mine).touch()
    while not Path(inputs.theirs).exists():
        time.sleep(0.01)
    log_metric("after", 2)
    note = Path(get_config().output_path, "note.txt")
    note.write_text(get_config().name)
    log_artifact(note)
    return OutputSchema()
"""


def test_calls_that_overlap_log_apart(local: Kind, tmp_path: Path) -> None:
    """Two calls of which neither can end before the other has begun log to runs of their own."""
    source = written(tmp_path / "tesseract", MEETING)
    outputs = {name: folders(tmp_path, name)["output_path"] for name in "ab"}
    with (
        local(source, output_path=outputs["a"], options={"name": "a"}) as a,
        local(source, output_path=outputs["b"], options={"name": "b"}) as b,
        ThreadPoolExecutor() as pool,
    ):
        here, there = str(tmp_path / "here"), str(tmp_path / "there")
        calls = [
            pool.submit(a.apply, {"mine": here, "theirs": there}),
            pool.submit(b.apply, {"mine": there, "theirs": here}),
        ]
        assert [call.result(timeout=SECONDS) for call in calls] == [{}, {}]
    for name, output in outputs.items():
        [logs] = output.glob("run_*/logs")
        lines = (logs / "metrics.csv").read_text().splitlines()
        assert [line.split(",")[1:] for line in lines[1:]] == [
            ["before", "1.0", "0"],
            ["after", "2.0", "0"],
        ]
        assert (logs / "artifacts" / "note.txt").read_text() == name


def test_one_thread_may_use_both(local: Kind, tmp_path: Path) -> None:
    """Calls of two instances alternate; a failure of one is nothing to the other."""
    source = written(tmp_path / "tesseract", FILES)
    paths = [folders(tmp_path, name) for name in "ab"]
    with local(source, **paths[0]) as a, local(source, **paths[1]) as b:
        for _ in range(3):
            assert [t.apply({"source": "file.txt"})["text"] for t in (a, b)] == ["a", "b"]
            (paths[0]["input_path"] / "other.txt").write_text("other")
            assert a.apply({"source": "other.txt"})["text"] == "other"
            with pytest.raises(ValueError, match="other"):
                b.apply({"source": "other.txt"})


def test_environment_has_no_part(
    local: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options come from arguments alone; paths that are not given are the working directory."""
    monkeypatch.setenv("TESSERACT_INPUT_PATH", "/elsewhere")
    monkeypatch.setenv("TESSERACT_NAME", "Elsewhere")
    paths = folders(tmp_path, "a")
    monkeypatch.chdir(paths["input_path"])
    with local(written(tmp_path / "tesseract", FILES)) as tesseract:
        result = tesseract.apply({"source": "file.txt"})
    assert (result["paths"], result["name"]) == ([str(paths["input_path"])] * 2, "Tesseract")


def test_relative_paths_are_those_of_the_beginning(
    local: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that changes its working directory does not move a Tesseract."""
    written(tmp_path / "tesseract", FILES)
    folders(tmp_path, "a")
    monkeypatch.chdir(tmp_path)
    with local("tesseract/tesseract_api.py", input_path="a/in", output_path="a/out") as tesseract:
        monkeypatch.chdir("/")
        assert tesseract.apply({"source": "file.txt"})["text"] == "a"


INNER = """
from pydantic import BaseModel
from runtime_core.calls import scope

class InputSchema(BaseModel):
    pass

class OutputSchema(BaseModel):
    parent: str | None

def apply(inputs):
    return OutputSchema(parent=scope.current().run.parent_id)
"""

OUTER = """
from pydantic import BaseModel
from tesseract_runtime_client import Tesseract

class InputSchema(BaseModel):
    method: str
    place: str

class OutputSchema(BaseModel):
    parent: str | None

def apply(inputs):
    with getattr(Tesseract, inputs.method)(inputs.place) as inner:
        return OutputSchema(**inner.apply({}))
"""


def test_call_is_part_of_the_run_that_makes_it(tmp_path: Path) -> None:
    """A Tesseract that calls another one by a client tells it of its own run."""
    inner = written(tmp_path / "inner", INNER)
    with serving(inner) as url, Tesseract.from_api(written(tmp_path / "outer", OUTER)) as outer:
        places = {"from_url": url, "from_api": str(inner), "from_worker": str(inner)}
        for method, place in places.items():
            result = outer.apply({"method": method, "place": place}, run_id="outer")
            assert result == {"parent": "outer"}, method
    with Tesseract.from_api(inner) as alone:
        assert alone.apply({}) == {"parent": None}


def test_options_are_those_of_the_command_line(local: Kind, source: Path) -> None:
    """A gradient backend is chosen by name, and an option that does not exist is refused."""
    with local(source, options={"gradient_backend": "jacobian=derived"}) as tesseract:
        jacobian = tesseract.jacobian({"x": [1, 2], "scale": 3.0}, ["x"], ["y"])
    np.testing.assert_array_equal(jacobian["y"]["x"], 3 * np.eye(2))
    with pytest.raises(
        InvalidOption, match=r"Unknown option 'gradients'\. Did you mean 'gradient_bac"
    ):
        local(source, options={"gradients": "auto"})
    with pytest.raises(InvalidOption, match="--debug='perhaps'"):
        local(source, options={"debug": "perhaps"})
    for name in ("api_path", "input_path", "output_path"):
        with pytest.raises(InvalidOption, match=f"Option '{name}' is an argument of its own"):
            local(source, options={name: "elsewhere"})


def test_imported_module_is_a_tesseract(source: Path) -> None:
    """A module that the program has imported is used as it is, with its state."""
    module = load_tesseract(str(source)).module
    with Tesseract.from_api(module) as tesseract:
        assert tesseract.apply({"x": [1.0]})["process"] == os.getpid()
        module.__dict__["ACTIONS"]["mark"] = lambda: module.__dict__.setdefault("mark", 1)
        tesseract.apply({"x": [1.0], "action": "mark"})
    assert module.__dict__["mark"] == 1
    with pytest.raises(InvalidTesseract, match="empty does not define InputSchema"):
        Tesseract.from_api(ModuleType("empty"))


def test_faults_of_loading_are_told(local: Kind, tmp_path: Path) -> None:
    """A file that is missing or broken is told at once, in the same terms in both forms."""
    with pytest.raises(MissingFile, match=r"No Tesseract at '/none.py'"):
        local("/none.py")
    with pytest.raises(InvalidTesseract, match="cannot be imported: ZeroDivisionError"):
        local(written(tmp_path / "broken", "1 / 0"))
    failing = FILES.replace('events.append("setup")', "1 / 0")
    with pytest.raises(InvalidTesseract, match=r"setup of tesseract_api\.py failed: ZeroDi"):
        local(written(tmp_path / "failing", failing))
    with pytest.raises(InvalidOption, match="jacobian cannot be served as chosen"):
        local(
            written(tmp_path / "tesseract", FILES),
            output_path=tmp_path,
            options={"gradient_backend": "jacobian=derived"},
        )


def test_clash_of_modules_names_the_worker(tmp_path: Path) -> None:
    """Two files with modules of one name share no process, but `from_worker` runs the second."""
    model = """
    from pydantic import BaseModel
    import clashing_part

    class InputSchema(BaseModel):
        pass

    class OutputSchema(BaseModel):
        name: str

    def apply(inputs):
        return OutputSchema(name=clashing_part.NAME)
    """
    paths = [
        written(tmp_path / name, model, clashing_part=f"NAME = {name!r}") for name in ("a", "b")
    ]
    with Tesseract.from_api(paths[0]) as first:
        with pytest.raises(InvalidTesseract, match=r"'clashing_part'.*Tesseract\.from_worker\("):
            Tesseract.from_api(paths[1])
        with Tesseract.from_worker(paths[1]) as second:
            assert [t.apply({})["name"] for t in (first, second)] == ["a", "b"]


def test_setup_and_teardown_surround_the_calls(local: Kind, tmp_path: Path) -> None:
    """`setup()` has run before the first call, and `teardown()` runs when the client is closed."""
    paths = folders(tmp_path, "a")
    done = paths["output_path"] / "teardown"
    with local(written(tmp_path / "tesseract", FILES), **paths):
        assert not done.exists()
    assert done.exists()


def test_output_path_is_made_before_user_code_runs(local: Kind, tmp_path: Path) -> None:
    """The file may write there when it is imported, in `setup` and in `apply`."""
    out = tmp_path / "new" / "out"
    with local(written(tmp_path / "tesseract", WRITING), output_path=out) as tesseract:
        tesseract.apply({})
    assert {path.name for path in out.iterdir()} == WRITTEN


def test_forgotten_client_closes_itself(tmp_path: Path) -> None:
    """A program that ends without `close` ends its workers, and lets `teardown()` run."""
    source = written(tmp_path / "tesseract", FILES)
    program = f"""
from tesseract_runtime_client import Tesseract
a = Tesseract.from_api({str(source)!r}, output_path={str(tmp_path / "api")!r})
b = Tesseract.from_worker({str(source)!r}, output_path={str(tmp_path / "worker")!r})
"""
    for name in ("api", "worker"):
        (tmp_path / name).mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    assert (tmp_path / "api" / "teardown").exists()
    assert (tmp_path / "worker" / "teardown").exists()


def test_tesseract_may_call_itself(tmp_path: Path) -> None:
    """A client in this process can be used by the function that it calls."""
    source = """
    from pydantic import BaseModel

    client = None

    class InputSchema(BaseModel):
        n: int

    class OutputSchema(BaseModel):
        factorial: int

    def apply(inputs):
        below = client.apply({"n": inputs.n - 1})["factorial"] if inputs.n else 1
        return OutputSchema(factorial=max(inputs.n, 1) * below)
    """
    module = load_tesseract(str(written(tmp_path / "tesseract", source))).module
    with Tesseract.from_api(module) as tesseract:
        module.__dict__["client"] = tesseract
        assert tesseract.apply({"n": 5}) == {"factorial": 120}


def test_client_imports_what_it_needs() -> None:
    """HTTP is not loaded for what computes in this process, nor a server for anything."""
    program = (
        "import sys, tesseract_runtime_client;"
        "assert not {'http.client', 'fastapi', 'uvicorn', 'typer'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=SECONDS)
