"""The state that the commands of one process share."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from runtime_core.catalog import Catalog
from runtime_core.cli.options import given_flags
from runtime_core.config import RuntimeConfig, resolve
from runtime_core.plugin_options import misspelt_variables
from runtime_core.plugins import PluginSelection
from runtime_core.run_logs.supervisor import RunSupervisor
from runtime_core.runtime import Runtime, local_runtime
from runtime_core.terminal_progress import Progress


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

    @cached_property
    def _runtime(self) -> Runtime:
        return local_runtime(self.catalog, self.config, Progress.on_stderr())

    @cached_property
    def supervisor(self) -> RunSupervisor:
        """The supervisor of the runs of this process."""
        return RunSupervisor(self.catalog, self.config)
