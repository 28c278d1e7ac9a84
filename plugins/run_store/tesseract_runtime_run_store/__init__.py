"""A run sink that stores logs in files, and the command that reads them."""
