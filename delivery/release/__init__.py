"""Letting a practice's notes go, to itself: the export of one patient or everything, and the register of requests."""
