"""Before a note's texts: having eCW make the visit's note of the practice's template, and what became of it."""
