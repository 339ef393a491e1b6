"""A role is held once, also the one for every location; each location says after how many idle minutes one is signed out."""

import django.core.validators
from django.db import migrations, models
from django.db.models import Q


def take_doubles(apps, schema_editor):
    """Keep the first of equal rows: they gave the same right, and taking one of them did not take it."""
    held = set()
    for row in apps.get_model("portal", "Membership").objects.filter(location=None).order_by("pk"):
        if (row.user_id, row.practice_id, row.role) in held:
            row.delete()
        held.add((row.user_id, row.practice_id, row.role))


class Migration(migrations.Migration):
    dependencies = [("portal", "0005_facility")]

    operations = [
        migrations.RemoveConstraint("membership", "role_once"),
        migrations.RunPython(take_doubles, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            "membership",
            models.UniqueConstraint(fields=["user", "practice", "location", "role"], name="role_once"),
        ),
        migrations.AddConstraint(
            "membership",
            models.UniqueConstraint(
                fields=["user", "practice", "role"], condition=Q(location=None), name="role_once_everywhere"
            ),
        ),
        migrations.AddField(
            "location",
            "idle_minutes",
            models.PositiveSmallIntegerField(
                default=15,
                validators=[
                    django.core.validators.MinValueValidator(2),
                    django.core.validators.MaxValueValidator(30),
                ],
            ),
        ),
    ]
