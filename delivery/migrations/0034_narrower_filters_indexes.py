"""Indexes for the narrower filters. PostgreSQL makes none right after an update."""

from django.db import migrations, models
from django.db.models import Q

NEWEST = ["state", "-created_at", "-id"]


def index(name, fields, condition=None):
    return migrations.AddIndex("delivery", models.Index(fields=fields, name=name, condition=condition))


class Migration(migrations.Migration):
    dependencies = [("delivery", "0033_narrower_filters")]
    operations = [
        index("delivery_by_template", ["template", *NEWEST]),
        index("delivery_by_mapping", ["mapping_version", *NEWEST]),
        index("delivery_slow", ["location", *NEWEST, "took_seconds"], Q(took_seconds__gte=60)),
        index("delivery_affected", ["location", *NEWEST], Q(affected__gt="")),
        index("delivery_replayed", ["location", *NEWEST], Q(replay_of__isnull=False)),
    ]
