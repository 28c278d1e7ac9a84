"""Finds and loads plugins: from entry points to a `Catalog`.

`discovery` decides which plugins may be imported, `loading` imports them and calls their hooks,
`assembly` sorts the declarations, `hints` knows the plugins that could be installed.
"""

from runtime_core.plugins.assembly import assemble
from runtime_core.plugins.discovery import PluginSelection, discover
from runtime_core.plugins.loading import load_catalog

__all__ = ["PluginSelection", "assemble", "discover", "load_catalog"]
