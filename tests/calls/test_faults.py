"""Faults: what an exception becomes, and what it never shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import (
    BaseModel,
    Field,
    RootModel,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)

from runtime_core import Array, Fault, Float64
from runtime_core.calls.faults import author_fault, fault_of, invalid_payload, summary
from runtime_core.contracts import ArraySpec, EncodedArray
from runtime_core.errors import FaultKind, InvalidPayload, UnknownName


class Model(BaseModel):
    """A payload with an array, a number and a text."""

    x: Array[(3,), Float64]
    n: int = Field(ge=0)
    name: str


class _Private:
    """A class whose name means nothing to others."""


def refusal(value: Any) -> InvalidPayload:
    """Return the error for a value that is no `Model`."""
    with pytest.raises(ValidationError) as caught:
        Model.model_validate(value)
    return invalid_payload(caught.value, Model)


def test_an_error_of_the_runtime_keeps_kind_and_text() -> None:
    """A name that is not known is a fault of its kind."""
    assert fault_of(UnknownName("No such thing.")) == Fault(
        kind=FaultKind.UNKNOWN_NAME, message="No such thing."
    )


def test_the_message_of_an_error_of_the_runtime_is_valid_unicode() -> None:
    """An error may quote an answer or the name of a file, with lone surrogates."""
    assert fault_of(UnknownName("No file \udcff.")).message == "No file ?."


def test_an_error_of_the_runtime_that_cannot_be_printed_is_a_fault() -> None:
    """A subclass of the author's file may have a text that fails."""

    class Broken(UnknownName):
        def __str__(self) -> str:
            raise ValueError("no text")

    assert fault_of(Broken()) == Fault(kind=FaultKind.UNKNOWN_NAME, message="Broken")


def test_all_faults_of_a_payload_are_reported() -> None:
    """Every fault has its type, place, text, summary and context."""
    fault = fault_of(refusal({"x": [1.0, 2.0], "n": -1}))
    assert fault.kind is FaultKind.INVALID_PAYLOAD
    assert fault.message == (
        "x: Array shape (2,) is incompatible with expected shape (3,)\n"
        "n: Input should be greater than or equal to 0\n"
        "name: Field required"
    )
    assert list(fault.details) == [
        {
            "type": "array_shape_mismatch",
            "loc": ["x"],
            "msg": "Array shape (2,) is incompatible with expected shape (3,)",
            "input": "list of 2 items",
            "ctx": {"got": "(2,)", "expected": "(3,)"},
        },
        {
            "type": "greater_than_equal",
            "loc": ["n"],
            "msg": "Input should be greater than or equal to 0",
            "input": -1,
            "ctx": {"ge": 0},
        },
        {
            "type": "missing",
            "loc": ["name"],
            "msg": "Field required",
            "input": "object with keys 'x', 'n'",
        },
    ]


def test_an_array_never_comes_back() -> None:
    """A refused payload of megabytes is answered with a few words."""
    value = {"x": [1.0] * 100_000, "n": "9" * 100_000, "name": ["a" * 100_000]}
    fault = fault_of(refusal(value))
    assert len(str(fault)) < 4_000


def test_a_key_never_comes_back_whole() -> None:
    """A refused key of megabytes is shortened in places and texts."""

    class Strict(BaseModel, extra="forbid"):
        pass

    with pytest.raises(ValidationError) as caught:
        Strict.model_validate({"k" * 100_000: 1})
    assert len(str(fault_of(invalid_payload(caught.value, Strict)))) < 4_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2.5, 2.5),
        ("short", "short"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        ("x" * 81, "x" * 80 + "... (81 characters)"),
        ([1.0, 2.0], "list of 2 items"),
        ((), "list of 0 items"),
        ({}, "empty object"),
        ({"a": 1, "b": [2]}, "object with keys 'a', 'b'"),
        ({str(n): n for n in range(20)}, "object with keys '0', '1', '2', '3', '4', '5', '6', '7'"),
        pytest.param(object(), "object object", id="object"),
        (b"bytes", "bytes object"),
        pytest.param(memoryview(b"bytes"), "5 bytes", id="view"),
        pytest.param(_Private(), "object", id="private"),
        pytest.param(
            EncodedArray(ArraySpec(shape=(1,), dtype=np.dtype("int8")), {"encoding": "raw"}, b"1"),
            "object with keys 'object_type', 'shape', 'dtype', 'data'",
            id="array",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_values_are_summed_up(value: Any, text: Any) -> None:
    """Small plain values are shown as they are, and anything larger in one line."""
    assert summary(value) == text


@pytest.mark.parametrize("digits", [308, 400, 4000, 5000])
def test_huge_integers_are_summed_up(digits: int) -> None:
    """An integer of any length has a short summary."""
    assert len(str(summary(-(10**digits)))) < 400


class Login(BaseModel, extra="forbid"):
    """A user with secrets."""

    user: int
    password: SecretStr = Field(min_length=100)
    keys: dict[str, SecretStr] = {}


@pytest.mark.parametrize(
    ("schema", "value", "shown"),
    [
        (Login, {"user": "me", "password": "hunter2"}, [{"input": "me"}, {}]),
        (Login, {"user": 1, "password": ["hunter2"]}, [{}]),
        (Login, {"user": 1, "password": "x" * 100, "keys": {"a": 2, "b": "hunter2"}}, [{}]),
        (list[Login], [{"user": 1, "password": "x" * 100, "pasword": "hunter2"}], [{}]),
        (RootModel[SecretStr], 7, [{}]),
    ],
)
def test_secrets_are_not_in_details(schema: Any, value: Any, shown: list[dict[str, Any]]) -> None:
    """A fault has no value where that is a secret, or may be one under a misspelt name."""
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(schema).validate_python(value)
    details = invalid_payload(caught.value, schema).details
    assert [{key: d[key] for key in d if key == "input"} for d in details] == shown
    assert "hunter2" not in str(details)


def test_a_detail_is_plain_data() -> None:
    """What a validator of the author raises becomes text in a fault."""

    class Checked(BaseModel):
        n: int

        @field_validator("n")
        @classmethod
        def check(cls, value: int) -> int:
            raise ValueError(f"never {value}")

    with pytest.raises(ValidationError) as caught:
        Checked.model_validate({"n": 12})
    (detail,) = invalid_payload(caught.value, Checked).details
    assert detail["msg"] == "Value error, never 12"
    assert detail["ctx"] == {"error": "never 12"}


def test_an_exception_of_the_author_has_type_and_text() -> None:
    """The message begins with the class of the exception."""
    fault = author_fault(ValueError("the mesh is empty"))
    assert fault.kind is FaultKind.TESSERACT_FAILED
    assert fault.message == "ValueError: the mesh is empty"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError(), "ValueError"),
        (ValueError("cannot read:"), "ValueError: cannot read:"),
        (KeyError("x"), "KeyError: 'x'"),
        (SystemExit(3), "SystemExit: 3"),
    ],
    ids=repr,
)
def test_the_text_of_an_exception_is_kept(error: BaseException, message: str) -> None:
    """An exception without text is its class alone; no character of a text is dropped."""
    assert author_fault(error).message == message


def test_an_exception_that_cannot_be_printed_is_a_fault() -> None:
    """A broken `__str__` of the author does not hide the failure."""

    class Broken(Exception):
        def __str__(self) -> str:
            raise ValueError("no text")

    assert author_fault(Broken()).message.startswith("Broken")


class HostileName(type):
    """A metaclass whose classes cannot tell their names."""

    __name__ = property(lambda cls: 1 / 0)


class HostileText(str):
    """A text whose methods fail."""

    __len__ = __format__ = encode = lambda *_: 1 / 0  # type: ignore[assignment]  # hostile

    def strip(self, *_: Any) -> HostileText:
        """Return the hostile text itself."""
        return self


class NamelessError(Exception, metaclass=HostileName):
    """An exception whose class has no name to offer."""


class ExitingError(Exception):
    """An exception whose text ends the process."""

    def __str__(self) -> str:
        raise SystemExit(3)


class OddTextError(Exception):
    """An exception whose text is of a class of its own."""

    def __str__(self) -> str:
        return HostileText("odd")


class OpaqueError(Exception):
    """An exception without attributes, even those of every exception."""

    def __getattribute__(self, name: str) -> Any:
        raise ValueError(name)


def module_less() -> Exception:
    """Return an exception of a class without a module, as code in `exec` defines it."""
    names: dict[str, Any] = {"__builtins__": __builtins__}
    exec("made = type('ModuleLess', (Exception,), {})('made')", names)  # the case in question
    error = names["made"]
    assert isinstance(error, Exception)
    return error


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NamelessError("x"), "NamelessError: x"),
        (ExitingError(), "ExitingError"),
        (OddTextError(), "OddTextError: odd"),
        (OpaqueError("x"), "OpaqueError: x"),
        (module_less(), "ModuleLess: made"),
        (SyntaxError("no", ("f.py", "1", 2, 3)), "SyntaxError: no (f.py)"),  # type: ignore[arg-type]
    ],
    ids=["name", "exit", "text", "attributes", "module", "syntax"],
)
def test_no_class_of_an_exception_can_hide_the_failure(error: Exception, message: str) -> None:
    """An exception that Python itself cannot print becomes a fault, with the frames at least."""
    with pytest.raises(type(error)) as caught:
        raise error
    fault = author_fault(caught.value)
    assert fault.message == message
    assert type(fault.message) is str
    assert "in test_no_class_of_an_exception_can_hide_the_failure" in fault.trace


def test_a_trace_shows_what_caused_an_exception() -> None:
    """The exception that an author's own was raised from is in the trace."""
    try:
        try:
            raise ZeroDivisionError("division by zero")
        except ZeroDivisionError as cause:
            raise RuntimeError("the solver failed") from cause
    except RuntimeError as error:
        trace = author_fault(error).trace
    assert "ZeroDivisionError: division by zero" in trace
    assert "RuntimeError: the solver failed" in trace


@pytest.mark.parametrize("kind", list(FaultKind))
def test_every_kind_has_an_outcome(kind: FaultKind) -> None:
    """Each kind of fault has an HTTP status of failure and a code of failure."""
    assert 400 <= kind.status < 600
    assert kind.exit_code in (1, 2)
    assert kind.exit_code == 1 or kind.status < 500 or kind is FaultKind.NOT_WRITTEN
