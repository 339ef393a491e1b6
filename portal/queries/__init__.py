"""Reads for the portal's screens, a file per group of pages."""
