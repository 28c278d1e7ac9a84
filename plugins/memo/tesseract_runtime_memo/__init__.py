"""Results of deterministic Tesseracts, kept and found again."""
