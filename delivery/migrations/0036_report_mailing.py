"""Reports by mail: who asked for which location's, and what was mailed; days and reports counted ahead."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q


def key(to, name="+"):
    return models.ForeignKey(to, on_delete=django.db.models.deletion.CASCADE, related_name=name)


COUNTS = ("closed", "waiting", "received", "verified", "came", "untold")


def place():
    return models.ForeignKey(
        "portal.location", on_delete=django.db.models.deletion.CASCADE, related_name="+", db_index=False
    )


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0035_density"),
        ("portal", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            "ReportMailing",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("weekly", models.BooleanField(default=False)),
                ("monthly", models.BooleanField(default=False)),
                ("since", models.DateTimeField()),
                ("location", key("portal.location")),
                ("user", key(settings.AUTH_USER_MODEL)),
            ],
            {"constraints": [models.UniqueConstraint(fields=["user", "location"], name="report_mailing_once")]},
        ),
        migrations.CreateModel(
            "ReportMail",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=10)),
                ("first", models.DateField()),
                ("state", models.CharField(default="waiting", max_length=10)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("not_before", models.DateTimeField()),
                ("sent_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=60)),
                ("mailing", key("delivery.reportmailing", "mails")),
            ],
            {
                "indexes": [models.Index(fields=["not_before"], name="report_mail_due", condition=Q(state="waiting"))],
                "constraints": [
                    models.UniqueConstraint(fields=["mailing", "kind", "first"], name="report_mail_once")
                ],
            },
        ),
        migrations.CreateModel(
            "CountedDay",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField()),
                *((name, models.PositiveIntegerField(default=0)) for name in COUNTS),
                ("told", models.BooleanField(default=False)),
                ("counted_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("location", place()),
            ],
            {"constraints": [models.UniqueConstraint(fields=["location", "day"], name="counted_day_once")]},
        ),
        migrations.CreateModel(
            "CountedReport",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(max_length=10)),
                ("first", models.DateField()),
                ("numbers", models.JSONField(default=dict)),
                ("counted_at", models.DateTimeField(null=True)),
                ("due_at", models.DateTimeField()),
                ("location", place()),
            ],
            {
                "constraints": [
                    models.UniqueConstraint(fields=["location", "kind", "first"], name="counted_report_once")
                ]
            },
        ),
    ]
