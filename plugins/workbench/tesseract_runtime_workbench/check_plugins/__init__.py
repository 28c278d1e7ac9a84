"""The command `plugins check`, which tries each declaration of the installed plugins."""
