"""Exports that take a while: asked for by a person, made by a worker, kept sealed for a day, fetched under record."""
