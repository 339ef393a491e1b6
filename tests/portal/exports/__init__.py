"""Exports as jobs."""
