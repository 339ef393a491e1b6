from django.db import migrations, models


class Migration(migrations.Migration):
    """Its triggers are set up after every migration (portal/revision.py)."""

    dependencies = [("portal", "0009_fallback")]
    operations = [
        migrations.CreateModel(
            name="Revision",
            fields=[
                ("id", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("token", models.CharField(max_length=36)),
            ],
        ),
    ]
