"""The faults that a client gets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psutil
import pytest

from tests.server.conftest import serving

if TYPE_CHECKING:
    from tests.server.conftest import Serve, Served

FAILING = """
from pydantic import BaseModel

class InputSchema(BaseModel):
    x: int = 0

class OutputSchema(BaseModel):
    y: int

def apply(inputs: InputSchema) -> OutputSchema:
"""
"""The beginning of a Tesseract; its test adds what `apply` does."""

OBEDIENT = """
from pydantic import BaseModel

class InputSchema(BaseModel):
    statement: str

class OutputSchema(BaseModel):
    y: int

class Mute(Exception):
    def __str__(self):
        raise RuntimeError("no text")

def apply(inputs: InputSchema) -> OutputSchema:
    names = {"__name__": __name__, "Mute": Mute}
    exec(inputs.statement, names)
    return names["result"]
"""
"""The source of a Tesseract that executes its input and returns the `result` of that."""

KIB = 1024


def details(answer: Any) -> list[dict[str, Any]]:
    """Return the faults that a 422 lists."""
    assert answer.status == 422
    found: list[dict[str, Any]] = answer.json()["detail"]
    return found


def test_every_fault_of_a_payload_is_listed(double: Served) -> None:
    """A 422 has all faults, each with type, place in the body and message."""
    answer = double.request("POST", "/apply", '{"inputs": {"x": ["a"], "q": 3}, "more": 1}')
    assert [(d["type"], d["loc"], d["msg"]) for d in details(answer)] == [
        (
            "array_non_numeric",
            ["body", "inputs", "x"],
            "Could not parse value as a numeric array (contains non-numeric data)",
        ),
        ("extra_forbidden", ["body", "inputs", "q"], "Extra inputs are not permitted"),
        ("extra_forbidden", ["body", "more"], "Extra inputs are not permitted"),
    ]


@pytest.mark.parametrize(
    ("body", "position", "problem"),
    [
        ("", 0, "EOF while parsing a value"),
        ("{", 1, "EOF while parsing an object"),
        ("nonsense", 1, "expected ident"),
        (b"\xff\xff", 0, "expected value"),
        ('{"inputs": {"x": [1]}} x', 23, "trailing characters"),
        ('{\n"inputs":\n x}', 13, "expected value"),
        ('{"buffer": "%s", x}' % ("A" * 100_000), 100_015, "key must be a string"),
    ],
    ids=lambda part: str(part)[:20],
)
def test_body_that_is_no_json_is_422(
    double: Served, body: str | bytes, position: int, problem: str
) -> None:
    """Bytes that are not JSON have a fault as in FastAPI, with the position of the first one."""
    [detail] = details(double.request("POST", "/apply", body))
    assert (detail["type"], detail["loc"]) == ("json_invalid", ["body", position])
    assert detail["msg"].startswith(f"The payload is not valid json: {problem} at line ")
    assert detail["ctx"] == {"error": problem}


@pytest.mark.parametrize("body", ["null", "[]", "3", '"text"'])
def test_body_of_another_shape_is_422(double: Served, body: str) -> None:
    """JSON that is not an object is a fault of the whole body."""
    [detail] = details(double.request("POST", "/apply", body))
    assert detail["loc"] == ["body"]


@pytest.mark.parametrize("opening", ["[", '{"inputs":'])
def test_endless_nesting_is_422(double: Served, opening: str) -> None:
    """Brackets without end neither end the worker nor the server."""
    answer = double.request("POST", "/apply", opening * 100_000)
    assert answer.status == 422
    assert len(answer.body) < KIB
    assert double.apply({"x": [1.0]}).status == 200


def test_large_refused_array_is_not_sent_back(double: Served) -> None:
    """A 422 describes an array of any size in one line."""
    answer = double.apply({"x": [[1.0]] * 100_000})
    [detail] = details(answer)
    assert detail["type"] == "array_dimensionality_mismatch"
    assert detail["input"] == "list of 100000 items"
    assert len(answer.body) < KIB


def test_large_refused_document_is_not_sent_back(double: Served) -> None:
    """The buffer of a refused array document stays out of the answer."""
    data = {"buffer": "A" * 100_000, "encoding": "base64"}
    answer = double.apply({"x": {"shape": [3], "dtype": "float64", "data": data}})
    [detail] = details(answer)
    assert detail["type"] == "array_decode_error"
    assert len(answer.body) < KIB


@pytest.mark.parametrize(
    "inputs", [{"x": "t" * 100_000}, {"x": [1.0], "k" * 100_000: 1}, {"x": {"k" * 100_000: 1}}]
)
def test_long_text_is_not_sent_back(double: Served, inputs: dict[str, Any]) -> None:
    """Long strings and keys of a refused payload are shortened wherever they stand."""
    answer = double.apply(inputs)
    assert answer.status == 422
    assert len(answer.body) < 2 * KIB


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_nan_in_a_refused_payload_stays_a_422(double: Served, token: str) -> None:
    """Numbers that JSON does not have do not break the answer that refuses them."""
    answer = double.request("POST", "/apply", f'{{"inputs": {{"x": [1.0], "q": {token}}}}}')
    [detail] = details(answer)
    assert detail["loc"] == ["body", "inputs", "q"]


@pytest.mark.parametrize("number", ["1e400", "-1e400", str(10**400), str(-(10**400))])
def test_huge_number_in_a_refused_payload_stays_a_422(double: Served, number: str) -> None:
    """A number beyond every type of a machine is refused like any other value."""
    answer = double.request("POST", "/apply", f'{{"inputs": {{"x": [1.0], "q": {number}}}}}')
    assert details(answer)


@pytest.mark.parametrize("text", [r"\ud800", r"\u0000", r"\ud83d\ude00", r"\udfff\ud800"])
def test_odd_text_in_a_refused_payload_stays_a_422(double: Served, text: str) -> None:
    """Half a surrogate pair or a NUL does not break the answer that refuses it."""
    answer = double.request("POST", "/apply", f'{{"inputs": {{"x": [1.0], "q": "{text}"}}}}')
    assert details(answer)


def test_author_s_validator_speaks_in_a_422(serve: Serve) -> None:
    """The message of a validator reaches the client, with its place."""
    served = serve("""
        from pydantic import BaseModel, field_validator

        class InputSchema(BaseModel):
            x: int

            @field_validator("x")
            @classmethod
            def even(cls, value):
                if value % 2:
                    raise ValueError("must be even")
                return value

        class OutputSchema(BaseModel):
            y: int

        def apply(inputs):
            return OutputSchema(y=inputs.x)
    """)
    [detail] = details(served.apply({"x": 3}))
    assert detail == {
        "type": "value_error",
        "loc": ["body", "inputs", "x"],
        "msg": "Value error, must be even",
        "input": 3,
        "ctx": {"error": "must be even"},
    }


@pytest.fixture(scope="module")
def obedient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server of a Tesseract that executes its input, for tests that only ask."""
    path = tmp_path_factory.mktemp("obedient") / "tesseract_api.py"
    path.write_text(OBEDIENT, encoding="utf-8")
    with serving(path) as served:
        yield served


def test_failure_of_the_author_is_a_500_with_run_id(obedient: Served) -> None:
    """A 500 has type, message and place of the exception and the run id, without code."""
    answer = obedient.apply({"statement": "raise ValueError('too stiff')"})
    assert answer.status == 500
    assert answer.json() == {
        "detail": "ValueError: too stiff (tesseract_api.py:16 in apply)",
        "run_id": answer.headers["tesseract-run-id"],
    }
    assert str(UUID(answer.json()["run_id"])) == answer.json()["run_id"]


def test_place_of_a_failure_is_in_the_folder_of_the_tesseract(
    obedient: Served, tmp_path: Path
) -> None:
    """A 500 names no file elsewhere, even if the exception comes from there."""
    (tmp_path / "elsewhere.py").write_text("def solve(): raise ValueError('too stiff')")
    statement = f"import sys; sys.path.append({str(tmp_path)!r}); import elsewhere as e; e.solve()"
    answer = obedient.apply({"statement": statement})
    assert answer.json()["detail"] == "ValueError: too stiff (tesseract_api.py:16 in apply)"


FOLDERS = ("/opt/acme", "/srv", "/usr/lib/python")
"""The folders of files that user code names."""


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        (
            "raise CalledProcessError(3, ['/opt/acme/bin/solve', '-i/srv/a b/mesh.inp'])",
            "CalledProcessError: Command '['.../solve', '-i.../mesh.inp']' returned non-zero exit "
            "status 3.",
        ),
        (
            "raise TimeoutExpired('/opt/acme/bin/solve --mesh /srv/mesh.inp', 5)",
            "TimeoutExpired: Command '.../solve --mesh .../mesh.inp' timed out after 5 seconds",
        ),
        (
            "run('/opt/acme/surely/missing')",
            "FileNotFoundError: [Errno 2] No such file or directory: '.../missing'",
        ),
        (
            "open('/srv/my data/mesh.inp')",
            "FileNotFoundError: [Errno 2] No such file or directory: '.../mesh.inp'",
        ),
        ("raise OSError('/opt/acme/lib/x.so: bad ELF')", "OSError: .../x.so: bad ELF"),
        ("raise ValueError('no file:///srv/a/b')", "ValueError: no .../b"),
    ],
)
def test_folders_of_the_server_are_only_in_its_log(
    obedient: Served, statement: str, text: str
) -> None:
    """A 500 has the last names of paths in the text of an exception; the log has all of it."""
    imports = "from subprocess import CalledProcessError, TimeoutExpired, run; "
    answer = obedient.apply({"statement": imports + statement})
    assert (answer.status, answer.json()["detail"]) == (
        500,
        f"{text} (tesseract_api.py:16 in apply)",
    )
    folder = Path(psutil.Process(obedient.process.pid).cwd())
    log = folder / f"run_{answer.json()['run_id']}" / "logs" / "tesseract.log"
    assert any(folder in log.read_text().splitlines()[-1] for folder in FOLDERS)


def test_folders_of_the_server_are_not_in_a_422(serve: Serve) -> None:
    """The words of a validator are those of an exception; the value of the caller comes back."""
    served = serve(
        FAILING.replace("x: int = 0", "x: Annotated[str, AfterValidator(found)]").replace(
            "from pydantic import BaseModel",
            """
from pathlib import Path
from typing import Annotated
from pydantic import AfterValidator, BaseModel

def found(name: str) -> str:
    raise ValueError(f"{Path(__file__).parent / name} is missing")
""",
        )
        + "    return OutputSchema(y=1)\n"
    )
    [detail] = details(served.apply({"x": "/a/b"}))
    assert detail["msg"] == "Value error, .../b is missing"
    assert detail["ctx"] == {"error": ".../b is missing"}
    assert detail["input"] == "/a/b"


def test_debug_adds_the_author_s_traceback(serve: Serve) -> None:
    """With `--debug` a 500 has the frames of the author, and none of the runtime."""
    served = serve(FAILING + "    raise ValueError('too stiff')\n", "--debug")
    trace = served.apply({}).json()["traceback"]
    assert trace.startswith("Traceback (most recent call last):\n")
    assert trace.endswith("ValueError: too stiff")
    assert "raise ValueError('too stiff')" in trace
    assert "runtime_core" not in trace


ENDS = [
    ("raise SystemExit(3)", "SystemExit: 3"),
    ("import sys; sys.exit('done')", "SystemExit: done"),
    ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    ("import signal; signal.raise_signal(signal.SIGINT)", "KeyboardInterrupt"),
]
"""Statements that end a program, and the text of their failure."""


@pytest.mark.parametrize(("statement", "text"), ENDS)
def test_end_of_the_program_is_an_ordinary_failure(
    obedient: Served, statement: str, text: str
) -> None:
    """`sys.exit` and interrupts in `apply` are a 500 and do not end the worker."""
    before = obedient.workers()
    answer = obedient.apply({"statement": statement})
    place = "(tesseract_api.py:16 in apply)"
    assert (answer.status, answer.json()["detail"]) == (500, f"{text} {place}")
    assert obedient.workers() == before
    assert "runtime_core" not in obedient.log.text


def test_end_of_the_program_ends_no_server_that_computes_itself(serve: Serve) -> None:
    """Without workers `sys.exit` and interrupts in `apply` are a 500 too."""
    served = serve(OBEDIENT, options=["--in-process"])
    for statement, text in ENDS[:3]:  # a signal reaches the server itself, as Ctrl-C does
        assert served.apply({"statement": statement}).json()["detail"].startswith(text)
    assert served.get("/health").status == 200


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("import asyncio; raise asyncio.CancelledError", "CancelledError"),
        ("raise type('Stop', (BaseException,), {})", "Stop"),
    ],
)
def test_exceptions_beside_exception_are_failures_too(
    obedient: Served, statement: str, name: str
) -> None:
    """A direct subclass of `BaseException` is a failure of the author like any other."""
    before = obedient.workers()
    answer = obedient.apply({"statement": statement})
    detail = f"{name} (tesseract_api.py:16 in apply)"
    assert (answer.status, answer.json()["detail"]) == (500, detail)
    assert obedient.workers() == before


def test_message_that_is_no_unicode_is_answered(obedient: Served) -> None:
    """A message with undecodable bytes, as names of files have them, is still a 500 in JSON."""
    statement = "import os; raise ValueError(os.fsdecode(b'caf\\xe9'))"
    answer = obedient.apply({"statement": statement})
    assert answer.status == 500
    assert answer.json()["detail"].startswith("ValueError: caf")
    assert answer.json()["run_id"] == answer.headers["tesseract-run-id"]


def test_exception_without_a_text_is_answered(obedient: Served) -> None:
    """An exception whose own `__str__` fails is a 500 that names its type."""
    before = obedient.workers()
    answer = obedient.apply({"statement": "raise Mute"})
    assert (answer.status, answer.json()["detail"][:4]) == (500, "Mute")
    assert obedient.workers() == before


def test_wrong_result_is_a_500_that_says_so(obedient: Served) -> None:
    """A result that does not fit `OutputSchema` is the author's fault, not the client's."""
    answer = obedient.apply({"statement": "result = {'z': 1}"})
    assert answer.status == 500
    assert "which is not a valid OutputSchema" in answer.json()["detail"]
    assert "y: Field required" in answer.json()["detail"]


def test_prints_of_the_author_never_reach_an_answer(serve: Serve) -> None:
    """The output of user code, its C code and its subprocesses goes to the server's stderr."""
    served = serve(
        FAILING
        + "    import ctypes, subprocess\n"
        + "    print('from python', flush=True)\n"
        + "    subprocess.run(['echo', 'from a subprocess'])\n"
        + "    libc = ctypes.CDLL(None)\n"
        + "    libc.printf(b'from C\\n'); libc.fflush(None)\n"
        + "    return OutputSchema(y=1)\n"
    )
    assert served.apply({}).body == b'{"y":1}'
    served.end()
    text = served.log.wait_for_end()
    assert {"from python", "from a subprocess", "from C"} <= set(text.splitlines())


def test_stdout_of_a_server_is_empty(serve: Serve) -> None:
    """Nothing is ever written to the stdout of `serve`."""
    served = serve("print('at import')\n" + FAILING + "    print('in apply'); return {'y': 1}\n")
    assert served.apply({}).status == 200
    served.end()
    assert served.process.stdout is not None
    assert served.process.stdout.read() == ""


def test_endpoint_that_is_not_there_says_why(double: Served) -> None:
    """The 404 of an endpoint that this Tesseract does not have is in JSON."""
    answer = double.request("POST", "/jacobian", "{}")
    assert answer.status == 404
    assert isinstance(answer.json()["detail"], str)


def test_default_of_nan_is_described(serve: Serve) -> None:
    """A default that JSON cannot represent does not prevent the description."""
    served = serve("""
        from pydantic import BaseModel

        class InputSchema(BaseModel):
            x: float = float("nan")

        class OutputSchema(BaseModel):
            y: float

        def apply(inputs):
            return OutputSchema(y=inputs.x)
    """)
    assert [served.get(path).status for path in ("/openapi.json", "/input_schema")] == [200, 200]
    assert json.loads(served.get("/openapi.json").body)
