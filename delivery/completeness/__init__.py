"""Completeness: the visits eCW closed against the notes that came and those read back, per day and location."""
