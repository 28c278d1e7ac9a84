"""The state that the commands of one process share."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from runtime_core.catalog import Catalog
from runtime_core.cli.options import given_flags
from runtime_core.cli.standard_streams import stdout_to_stderr
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.description.facts import facts_of
from runtime_core.errors import AuthorError, TesseractRuntimeError
from runtime_core.plugin_options import misspelt_variables
from runtime_core.plugins import PluginSelection
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.runtime import Runtime, local_runtime
from runtime_core.terminal_progress import Progress
from runtime_core.tesseract.tracebacks import author_place

SECONDS_FOR_SINKS = 2.0
"""The wait for sinks: a slow or unreachable tracker must not delay the end of a command."""


@dataclass(kw_only=True, eq=False)
class CommandContext:
    """The `typer.Context.obj` of commands: catalog, configuration and runtime."""

    catalog: Catalog
    selection: PluginSelection
    environment: Mapping[str, str]
    flags: dict[str, Any] = field(default_factory=dict)

    def add_flags(self, parameters: Mapping[str, Any]) -> None:
        """Add the global options among parsed parameters, which are stronger than earlier ones."""
        for name, value in given_flags(self.catalog, parameters).items():
            earlier = self.flags.get(name)
            self.flags[name] = [*earlier, *value] if earlier and isinstance(value, list) else value

    @cached_property
    def config(self) -> RuntimeConfig:
        """The configuration made of the global flags, once parsed, and the environment."""
        for message in misspelt_variables(self.catalog, self.environment):
            print(f"Warning: {message}", file=sys.stderr)
        return resolve(self.catalog, flags=self.flags, environment=self.environment)

    def runtime(self) -> Runtime:
        """Return the runtime of this process; its first use loads the Tesseract."""
        return self._runtime

    @contextmanager
    def session(self, *endpoints: str, output_path: str | None = None) -> Iterator[Runtime]:
        """Use the Tesseract inside the `with`: it is set up before, and torn down after it.

        What is printed goes to stderr: print results after the `with`. Runs of the `endpoints` are
        logged: their records name the Tesseract, and at the end sinks get the rest. `output_path`
        is as in `Runtime.set_up`. An error inside, of a payload or of the Tesseract too, ends the
        command with its message and exit code.
        """
        with stdout_to_stderr(), ExitStack() as stack:
            runtime = self.runtime()
            stack.enter_context(runtime.set_up(output_path))
            if endpoints:
                stack.callback(self.supervisor.close, SECONDS_FOR_SINKS)
                self.supervisor.tesseract = facts_of(runtime, endpoints)
            try:
                yield runtime
            except TesseractRuntimeError:
                raise
            except Exception as error:
                if not author_place(error, within=self.config.api_path.absolute().parent):
                    raise
                raise AuthorError from error

    @cached_property
    def _runtime(self) -> Runtime:
        return local_runtime(self.catalog, self.config, Progress.on_stderr())

    @cached_property
    def supervisor(self) -> RunSupervisor:
        """The supervisor of the runs of this process."""
        return RunSupervisor(self.catalog, self.config)
