"""What the command tells: a line for each case, what is wrong with it, and how many passed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from runtime_core.cli.standard_streams import claim_stdout
from runtime_core.errors import MissingFile
from runtime_core.run_logs.standard_output import write_all
from tesseract_runtime_regression_test.verdict import RegressionVerdict

_INDENT = "    "


class Report:
    """Writes verdicts to a descriptor as they come, and counts them."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._counts: Counter[str] = Counter()

    @property
    def all_passed(self) -> bool:
        """Say whether nothing failed so far."""
        return set(self._counts) <= {"passed"}

    def add(self, label: str, verdict: RegressionVerdict) -> None:
        """Tell what became of a case."""
        self._counts[verdict.status] += 1
        lines = [f"{verdict.status:6}  {verdict.endpoint or '-'}  {label}"]
        lines += [_INDENT + line for line in verdict.message.splitlines()]
        self._write(lines)

    def close(self) -> None:
        """Tell how many cases there were of each kind."""
        errors = self._counts["error"]
        noun = "error" if errors == 1 else "errors"
        passed, failed = self._counts["passed"], self._counts["failed"]
        self._write([f"{passed} passed, {failed} failed, {errors} {noun}"])

    def _write(self, lines: list[str]) -> None:
        text = "".join(f"{line}\n" for line in lines)
        try:
            with suppress(BrokenPipeError):  # the exit code counts when nobody reads
                write_all(self._descriptor, [text.encode("utf-8", "backslashreplace")])
        except OSError as error:
            raise MissingFile(f"Cannot write the report to stdout: {error.strerror}.") from None


@contextmanager
def report_on_stdout() -> Iterator[Report]:
    """Give stdout to a report; what anybody else prints from now on goes to stderr."""
    descriptor = claim_stdout()
    try:
        report = Report(descriptor)
        yield report
        report.close()
    finally:
        os.close(descriptor)
