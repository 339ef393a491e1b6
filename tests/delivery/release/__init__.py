"""Letting notes go."""
