"""The command that reads, compares, repeats and removes recorded runs."""
