"""What the core itself provides, as a plugin like any other."""
