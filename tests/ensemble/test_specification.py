"""The values of an input of a sweep, from their text."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import numpy as np
import pytest

from runtime_core.errors import InvalidOption
from tesseract_runtime_ensemble.specification import (
    Distribution,
    Values,
    parse_assignment,
    parse_assignments,
)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("linspace(0, 1, 50)", np.linspace(0, 1, 50)),
        ("linspace(-2,7,4)", np.linspace(-2, 7, 4)),
        ("linspace(3,4,1)", [3.0]),
        ("logspace(-3, 3, 7)", np.logspace(-3, 3, 7)),
        ("arange(5)", np.arange(5)),
        ("arange(2, 20, 6)", np.arange(2, 20, 6)),
        ("arange(1.5,0,-0.25)", np.arange(1.5, 0, -0.25)),
        ("[1, 2.5, -3e2]", [1, 2.5, -300.0]),
    ],
)
def test_values_are_those_of_numpy(text: str, values: np.ndarray[tuple[int], np.dtype]) -> None:
    """A function gives what the function of numpy of that name gives."""
    name, found = parse_assignment(f"layers.[0].{{a=b}}={text}")
    assert name == "layers.[0].{a=b}"
    assert isinstance(found, Values)
    np.testing.assert_allclose([found.value(i) for i in range(found.number)], values, rtol=1e-15)


@pytest.mark.parametrize("text", ["arange(1, 4)", "[1,2,3]"])
def test_integers_stay_integers(text: str) -> None:
    """An input may be an integer."""
    _, found = parse_assignment(f"n={text}")
    assert isinstance(found, Values)
    assert [type(found.value(i)) for i in range(found.number)] == [int] * 3


def test_a_list_may_have_any_values() -> None:
    """A list is JSON: names of methods, or whole arrays."""
    _, found = parse_assignment('method=["euler", [1, 2], {"order": 4}, null]')
    assert isinstance(found, Values)
    assert [found.value(i) for i in range(4)] == ["euler", [1, 2], {"order": 4}, None]


@pytest.mark.parametrize(
    ("text", "median"),
    [
        ("uniform(2,4)", 3),
        ("loguniform(1, 100)", 10),
        ("loguniform(1e-300,1e300)", 1),
        ("normal(5, 2)", 5),
    ],
)
def test_distributions_have_quantiles(text: str, median: float) -> None:
    """The probability of one half gives the median."""
    _, found = parse_assignment(f"x={text}")
    assert isinstance(found, Distribution)
    assert found.quantile(0.5) == pytest.approx(median)
    assert found.quantile(0.1) < median < found.quantile(0.9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("beta", "'beta' is not NAME=SPEC, such as beta=linspace(0,1,50)."),
        ("x=3", "x=3: expected a list in brackets, or a function and its arguments in parenthe"),
        ("x=linspce(0,1,2)", "x=linspce(0,1,2): unknown function 'linspce'. Did you mean 'linspa"),
        ("x=linspace(0,1)", "x=linspace(0,1): expected linspace(START, STOP, NUMBER), got 2 arg"),
        ("x=linspace(0,one,5)", "x=linspace(0,one,5): 'one' is not a number"),
        ("x=linspace(0,inf,5)", "x=linspace(0,inf,5): inf is not a finite number"),
        ("x=linspace(0,1,2.5)", "x=linspace(0,1,2.5): the number of values is 2.5, and must be a"),
        ("x=linspace(0,__import__('os'),5)", "x=linspace(0,__import__('os'),5): expected a list"),
        ("x=arange(3,1)", "x=arange(3,1): no value lies between start and stop"),
        ("x=arange(1,3,0)", "x=arange(1,3,0): the step is 0"),
        ("x=[1,", "x=[1,: the list is not JSON: EOF while parsing a value at line 1 column 3"),
        (
            "x=['a']",
            "x=['a']: the list is not JSON: expected value at line 1 column 2. Write double",
        ),
        ("x=[NaN]", "x=[NaN]: the list is not JSON: expected value at line 1 column 2"),
        ("x=[]", "x=[]: the list is empty"),
        ("x=uniform(1,1)", "x=uniform(1,1): the lower bound 1 is not below the upper bound 1"),
        ("x=loguniform(0,1)", "x=loguniform(0,1): the lower bound is 0, and must be above 0"),
        ("x=arange(0,1,1e-320)", "x=arange(0,1,1e-320): its values are too large for numbers of"),
        ("x=logspace(0,400,3)", "x=logspace(0,400,3): its values are too large for numbers of 64"),
        ("x=linspace(-1e308,1e308,5)", "x=linspace(-1e308,1e308,5): its values are too large"),
        ("x=uniform(-1e308,1e308)", "x=uniform(-1e308,1e308): its values are too large"),
        ("x=normal(0,1e308)", "x=normal(0,1e308): its values are too large"),
        ("x=normal(0,-1)", "x=normal(0,-1): the standard deviation is -1, and must be above 0"),
    ],
)
def test_mistakes_have_a_message_with_their_place(text: str, message: str) -> None:
    """A text is parsed and never evaluated, and its faults are named."""
    with pytest.raises(InvalidOption) as caught:
        parse_assignment(text)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "Name the inputs to sweep, as NAME=SPEC, such as beta=linspace(0,1,50)."),
        (["x=[1]", "x=[2]"], "x has values twice: give them in one list."),
    ],
)
def test_each_input_has_one_text(texts: list[str], message: str) -> None:
    """A sweep has inputs, and each of them once."""
    with pytest.raises(InvalidOption, match=re.escape(message)):
        parse_assignments(texts)


def test_name_of_a_file_gets_its_at_sign(tmp_path: Path) -> None:
    """A base is written as @PATH, which is easily forgotten."""
    base = tmp_path / "base.json"
    base.touch()
    with pytest.raises(InvalidOption, match=re.escape(f"Did you mean @{base}?")):
        parse_assignments([str(base), "x=[1]"])


@pytest.mark.parametrize("module", ["specification", "index_set", "sweep", "counts"])
def test_examples_in_docstrings_are_right(module: str) -> None:
    """The examples in the docstrings of a module are right."""
    results = doctest.testmod(importlib.import_module(f"tesseract_runtime_ensemble.{module}"))
    assert (results.failed, results.attempted > 0) == (0, True)
