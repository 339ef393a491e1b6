"""Whether a certification's test was proved or attested.

On SQLite AddField remakes a table and with it loses its triggers: both are made insert-only again.
"""

from django.db import migrations, models

from audit.insert_only import InsertOnly


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0028_courses'),
    ]

    operations = [
        migrations.AddField(
            model_name='attestation',
            name='page_sha256',
            field=models.CharField(blank=True, db_default='', default='', max_length=64),
        ),
        migrations.AddField(
            model_name='certificationresult',
            name='proof',
            field=models.CharField(blank=True, db_default='', default='', max_length=12),
        ),
        InsertOnly("delivery_attestation"),
        InsertOnly("delivery_certificationresult"),
    ]
