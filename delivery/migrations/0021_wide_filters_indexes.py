"""Indexes for what many rows are narrowed by, which also count them by state. PostgreSQL makes none right after an update."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("delivery", "0020_wide_filters")]
    operations = [
        migrations.RemoveIndex("delivery", "delivery_by_reason"),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["location", "reason_code", "state", "-created_at", "-id"],
                name="delivery_by_reason",
                condition=Q(reason_code__gt=""),
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["location", "provider_id", "state", "-created_at", "-id"], name="delivery_by_provider"
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["location", "state", "-created_at", "-id", "provider_id"],
                name="delivery_ever_failed",
                condition=Q(ever_failed=True),
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["location", "part", "state", "-created_at", "-id"],
                name="delivery_by_part",
                condition=~Q(part="note"),
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(fields=["replay_of"], name="delivery_replays", condition=Q(replay_of__isnull=False)),
        ),
    ]
