"""Keeps what runs log in files, and reads them back."""
