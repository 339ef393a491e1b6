"""Alerts: conditions, their course, and whom they are told."""
