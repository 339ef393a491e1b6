"""How close the rows of the delivery list stand, chosen by each person."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("delivery", "0034_narrower_filters_indexes")]
    operations = [migrations.AddField("putaway", "compact", models.BooleanField(default=False))]
