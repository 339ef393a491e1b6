import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0004_fewer_indexes"),
        ("portal", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="way",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="portal.connection",
            ),
        ),
    ]
