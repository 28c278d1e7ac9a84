"""Plugins: from entry points to a `Catalog`.

`discovery` selects the plugins to import, `loading` imports them and calls their hooks, `assembly`
registers the declarations, and `hints` lists the plugins that can be installed.
"""

from runtime_core.plugins.assembly import assemble
from runtime_core.plugins.discovery import PluginSelection, discover
from runtime_core.plugins.loading import load_catalog

__all__ = ["PluginSelection", "assemble", "discover", "load_catalog"]
