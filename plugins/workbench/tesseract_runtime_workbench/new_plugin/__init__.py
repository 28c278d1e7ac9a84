"""The command `plugins new`, which writes a new plugin of any kind."""
