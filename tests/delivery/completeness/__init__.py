"""Completeness: visits closed against notes."""
