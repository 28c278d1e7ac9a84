"""Programs of the system that tests run."""

from __future__ import annotations

import pytest

from tests.programs import PACKAGES, needs_program


@pytest.mark.parametrize(
    ("variables", "outcome"),
    [({}, pytest.skip.Exception), ({"CI_PROGRAMS": "1"}, pytest.fail.Exception)],
)
def test_missing_program_skips_a_test_and_fails_it_in_ci(
    variables: dict[str, str], outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that lacks a program says what to install; CI has all of them."""
    monkeypatch.delenv("CI_PROGRAMS", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(outcome, match=f"no-such-program: apt-get install {PACKAGES[0]}"):
        needs_program("no-such-program", package=PACKAGES[0])
