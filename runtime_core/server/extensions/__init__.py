"""The server extensions of the core, built through the public `ServerExtension`."""
