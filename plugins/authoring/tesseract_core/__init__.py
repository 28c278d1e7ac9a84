"""The names that authors of Tesseracts import."""
