"""The value of `--gradient-backend`: how it is written, and how several are put together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_core.config import (
    EVERY_ENDPOINT,
    BackendChoice,
    merge_backend_choices,
    parse_backend_choice,
)

names = st.sampled_from(["jax", "derived", "native", "auto"])
endpoints = st.sampled_from(["jacobian", "vector_jacobian_product", EVERY_ENDPOINT])
choices = st.dictionaries(endpoints, names)


@pytest.mark.parametrize(
    ("value", "choice"),
    [
        ("auto", {EVERY_ENDPOINT: "auto"}),
        ("finite-differences", {EVERY_ENDPOINT: "finite-differences"}),
        ("jacobian=jax", {"jacobian": "jax"}),
        ("jacobian=jax,abstract_eval=derived", {"jacobian": "jax", "abstract_eval": "derived"}),
        ("auto,jacobian=jax", {EVERY_ENDPOINT: "auto", "jacobian": "jax"}),
        ("jacobian=jax,auto", {EVERY_ENDPOINT: "auto", "jacobian": "jax"}),
        (" auto , jacobian = jax ", {EVERY_ENDPOINT: "auto", "jacobian": "jax"}),
        ("vector-jacobian-product=jax", {"vector_jacobian_product": "jax"}),
        ({"jacobian": "jax", EVERY_ENDPOINT: "auto"}, {"jacobian": "jax", EVERY_ENDPOINT: "auto"}),
        ({"vector-jacobian-product": "jax"}, {"vector_jacobian_product": "jax"}),
        ({}, {}),
    ],
)
def test_a_choice_is_read(value: object, choice: dict[str, str]) -> None:
    """A bare name is for every endpoint, `ENDPOINT=BACKEND` for one; a mapping is equivalent."""
    assert parse_backend_choice(value) == choice


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "expected BACKEND or ENDPOINT=BACKEND, with commas between them"),
        ("auto,", "expected BACKEND or ENDPOINT=BACKEND, with commas between them"),
        ("jacobian=", "expected BACKEND or ENDPOINT=BACKEND, with commas between them"),
        ("=jax", "expected BACKEND or ENDPOINT=BACKEND, with commas between them"),
        ("auto,jax", "all endpoints named twice"),
        ("jacobian=jax,jacobian=derived", "jacobian named twice"),
        ("a-b=jax,a_b=jax", "a_b named twice"),
        ({"a-b": "jax", "a_b": "jax"}, "a_b named twice"),
        ({"": "jax"}, "expected BACKEND or ENDPOINT=BACKEND"),
        (3, "expected text such as 'auto' or 'jacobian=jax', got 3"),
        (None, "expected text such as 'auto' or 'jacobian=jax', got None"),
        (["jax"], "expected text such as 'auto' or 'jacobian=jax', got ['jax']"),
    ],
)
def test_what_is_no_choice_is_refused(value: object, message: str) -> None:
    """The message has the syntax of a choice."""
    with pytest.raises(ValueError, match=message.replace("[", r"\[")):
        parse_backend_choice(value)


def test_a_long_value_is_shortened() -> None:
    """A message shortens a value that is not a choice."""
    with pytest.raises(ValueError, match="expected text") as caught:
        parse_backend_choice(list(range(10_000)))
    assert len(str(caught.value)) < 200


def test_a_choice_that_was_read_reads_as_itself() -> None:
    """What was dumped for another process is read there as it was."""
    choice = parse_backend_choice("auto,jacobian=jax")
    assert parse_backend_choice(choice) == choice


def chosen(choice: BackendChoice, endpoint: str) -> Any:
    """Return the choice for an endpoint."""
    return choice.get(endpoint, choice.get(EVERY_ENDPOINT))


@given(weak=choices, strong=choices, endpoint=endpoints)
def test_the_stronger_choice_counts_where_it_says_something(
    weak: BackendChoice, strong: BackendChoice, endpoint: str
) -> None:
    """For each endpoint the stronger source decides, by name or for all, and else the weaker."""
    both = merge_backend_choices(weak, strong)
    assert chosen(both, endpoint) == (chosen(strong, endpoint) or chosen(weak, endpoint))


@given(first=choices, second=choices, third=choices)
def test_choices_can_be_put_together_in_any_grouping(
    first: BackendChoice, second: BackendChoice, third: BackendChoice
) -> None:
    """Only the order of their strengths matters."""
    assert merge_backend_choices(
        first, merge_backend_choices(second, third)
    ) == merge_backend_choices(merge_backend_choices(first, second), third)
