"""Stores the logs of runs in files, and reads them back."""
