"""What was done, by whom, provably. Knows nobody: keys and actors are handed in as values."""
