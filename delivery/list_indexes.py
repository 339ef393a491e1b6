"""Indexes of the deliveries for what their list is narrowed by further; the first two also count by state alone.

The others are partial and have few rows each, however long the list is (queries.py: SLOW, AFFECTED).
"""

from django.db.models import Index, Q

NEWEST = ("state", "-created_at", "-id")
NARROWED = (
    Index(fields=["template", *NEWEST], name="delivery_by_template"),
    Index(fields=["mapping_version", *NEWEST], name="delivery_by_mapping"),
    Index(fields=["location", *NEWEST, "took_seconds"], name="delivery_slow", condition=Q(took_seconds__gte=60)),
    Index(fields=["location", *NEWEST], name="delivery_affected", condition=Q(affected__gt="")),
    Index(fields=["location", *NEWEST], name="delivery_replayed", condition=Q(replay_of__isnull=False)),
)
