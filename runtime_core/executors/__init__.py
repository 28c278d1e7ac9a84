"""Evaluations in other processes: what is sent to an executor, and what its processes keep."""
