"""Refused choices of backends, and their messages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime_core.description import describe
from runtime_core.errors import InvalidOption, InvalidTesseract, UnknownName
from tests.builtin.conftest import GRADIENTS, JACOBIAN, VJP
from tests.conftest import DOUBLE
from tests.gradients.conftest import NOTHING, Make, backend, reason, refusal, served_by

Tesseract = Callable[..., Path]


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (
            "exakt",
            "Unknown gradient backend 'exakt'. Did you mean 'exact'? Available: auto, exact,",
        ),
        ("zebra", "Unknown gradient backend 'zebra'. Available: auto, exact, native."),
        (
            "jacobian=exakt",
            "Unknown gradient backend 'exakt'. Did you mean 'exact'? Available: auto, exact,",
        ),
        ("jacobain=exact", "Unknown endpoint 'jacobain'. Did you mean 'jacobian'? Available: "),
    ],
)
def test_a_name_that_nothing_has_is_a_wrong_option(choice: str, message: str, made: Make) -> None:
    """The nearest name is suggested, and all are listed; the exit code is 2."""
    runtime = made(DOUBLE, backend("exact"), gradient_backend=choice)
    assert refusal(runtime, UnknownName, 2).startswith(message)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "exakt",
            "Unknown gradient backend 'exakt'. Did you mean 'exact'? Available: auto, exact,",
        ),
        ({"jacobain": "exact"}, "Unknown endpoint 'jacobain'. Did you mean 'jacobian'? "),
        (3, "expected text such as 'auto' or 'jacobian=jax', got 3"),
        ("", "expected BACKEND or ENDPOINT=BACKEND, with commas between them"),
        ("auto,exact", "all endpoints named twice"),
    ],
)
def test_a_wrong_choice_of_the_file_is_the_files_fault(
    value: Any, message: str, made: Make
) -> None:
    """The message names the file; the exit code is that of a Tesseract that cannot be loaded."""
    runtime = made(DOUBLE + f"gradient_backend = {value!r}\n", backend("exact"))
    told = refusal(runtime, InvalidTesseract, 1)
    assert told.startswith(f"gradient_backend of tesseract_api.py: {message}")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("jacobian=exact", "Gradient backend 'exact' cannot: exact does not do jacobian."),
        ("jacobian=native", "tesseract_api.py does not define a function 'jacobian'."),
        ("jacobian=auto", "exact does not do jacobian."),
        ("abstract_eval=exact", "exact does not do abstract_eval."),
        ("apply=exact", "exact does not do apply."),
    ],
)
def test_a_named_endpoint_that_cannot_be_is_a_wrong_option(
    choice: str, words: str, made: Make
) -> None:
    """If an endpoint was named, the Tesseract is refused with the reason."""
    runtime = made(DOUBLE, backend("exact", 20, serves=(VJP,)), gradient_backend=choice)
    told = refusal(runtime, InvalidOption, 2)
    assert told.startswith(choice.partition("=")[0])
    assert words in told


def test_a_named_endpoint_that_cannot_be_is_the_files_fault(made: Make) -> None:
    """In the file the same is an error that names the file."""
    source = DOUBLE + "gradient_backend = 'jacobian=exact'\n"
    told = refusal(made(source, backend("exact", serves=())), InvalidTesseract, 1)
    assert "jacobian" in told
    assert "exact does not do jacobian." in told
    assert "tesseract_api.py" in told


def test_a_named_endpoint_that_cannot_be_does_not_stop_others(made: Make) -> None:
    """Calls of `apply` are not affected."""
    runtime = made(DOUBLE, backend("exact", serves=()), gradient_backend="jacobian=exact")
    assert runtime.call("apply", {"inputs": {"x": [1.0]}}).model_dump()["y"].tolist() == [2.0]


def test_an_endpoint_that_a_bare_choice_cannot_serve_is_absent(made: Make) -> None:
    """The rest is served; the reason names the backend and the alternatives."""
    exact = backend("exact", serves=(JACOBIAN,))
    description = describe(made(DOUBLE, exact, backend("coarse"), gradient_backend="exact"))
    assert served_by(description)[JACOBIAN] == "exact"
    assert description.unavailable[VJP] == (
        f"Gradient backend 'exact' cannot: exact does not do {VJP}. Others can be chosen with "
        "--gradient-backend: auto, coarse, native."
    )


def test_a_native_gradient_that_is_missing_names_the_others(made: Make) -> None:
    """The reason of a missing function lists the backends that could compute it."""
    runtime = made(DOUBLE, backend("exact"))
    assert reason(runtime, JACOBIAN) == (
        "tesseract_api.py does not define a function 'jacobian'. Others can be chosen with "
        "--gradient-backend: auto, exact."
    )


def test_without_other_backends_none_is_named(made: Make) -> None:
    """Backends that are not installed are not mentioned."""
    assert reason(made(DOUBLE), JACOBIAN) == (
        "tesseract_api.py does not define a function 'jacobian'."
    )


def test_auto_tells_the_reasons_of_all(made: Make) -> None:
    """If no backend can, the reasons of all are listed by rank."""
    backends = (backend("coarse", 90, serves=()), backend("exact", 20, serves=()))
    assert reason(made(DOUBLE, *backends, gradient_backend="auto"), JACOBIAN) == (
        "No gradient backend can. "
        "native: tesseract_api.py does not define a function 'jacobian'. "
        "exact: exact does not do jacobian. coarse: coarse does not do jacobian."
    )


@pytest.mark.parametrize("choice", ["exact", "auto"])
def test_nothing_to_differentiate_is_a_reason(choice: str, made: Make) -> None:
    """Without differentiable arrays no backend is called, and the file is valid."""
    asked: list[str] = []
    description = describe(
        made(NOTHING, backend("exact", 20, asked=asked), gradient_backend=choice)
    )
    for endpoint in GRADIENTS:
        assert "InputSchema has nothing differentiable" in description.unavailable[endpoint]
    assert set(asked) & set(GRADIENTS) == set()


def test_nothing_to_differentiate_is_wrong_where_it_was_named(made: Make) -> None:
    """If an endpoint was named, the refusal has that reason."""
    runtime = made(NOTHING, backend("exact"), gradient_backend="jacobian=exact")
    assert "InputSchema has nothing differentiable" in refusal(runtime, InvalidOption, 2)
