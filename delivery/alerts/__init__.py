"""Alerts: conditions that begin and end, and whom they are told: once at each change, grouped, escalated."""
