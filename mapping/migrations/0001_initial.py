import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from audit.create_models import CreateModels


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('portal', '0001_initial'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='ColumnName',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='portal.practice')),
                    ('header', models.CharField(max_length=200)),
                    ('meaning', models.CharField(blank=True, choices=[('id', 'Field identifier'), ('label', 'Label'), ('order', 'Order'), ('kind', 'Type'), ('max_length', 'Length in characters'), ('required', 'Required'), ('group', 'Group'), ('template', "Template's name"), ('template_code', "Template's code"), ('location', 'Site'), ('specialty', 'Specialty')], max_length=20)),
                ],
                options={
                    'ordering': ['practice', 'header'],
                    'constraints': [models.UniqueConstraint(fields=('practice', 'header'), name='column_named_once_per_practice')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='CrosswalkDrug',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='portal.practice')),
                    ('key', models.CharField(max_length=60)),
                    ('ndc_written', models.CharField(blank=True, max_length=20)),
                    ('ndc11', models.CharField(blank=True, max_length=11)),
                    ('rxcui', models.CharField(blank=True, max_length=20)),
                    ('name', models.CharField(max_length=200)),
                    ('ecw_id', models.CharField(max_length=40)),
                    ('strength', models.CharField(blank=True, max_length=80)),
                    ('formulation', models.CharField(blank=True, max_length=80)),
                    ('verified_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('verified_at', models.DateTimeField()),
                    ('source', models.CharField(blank=True, max_length=200)),
                ],
                options={
                    'ordering': ['name', 'pk'],
                    'constraints': [models.UniqueConstraint(fields=('practice', 'key'), name='drug_key_once_per_practice')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='DiagnosisList',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='portal.practice')),
                    ('name', models.CharField(max_length=80)),
                    ('in_force_from', models.DateField()),
                    ('records', models.BinaryField()),
                    ('codes', models.PositiveIntegerField()),
                    ('billable', models.PositiveIntegerField()),
                    ('uploaded_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('uploaded_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'ordering': ['-in_force_from', '-pk'],
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='Template',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('location', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='templates', to='portal.location')),
                    ('code', models.CharField(max_length=60)),
                    ('name', models.CharField(max_length=200)),
                    ('specialty', models.CharField(blank=True, max_length=100)),
                    ('default_for', models.JSONField(default=list)),
                ],
                options={
                    'ordering': ['code'],
                    'constraints': [models.UniqueConstraint(fields=('location', 'code'), name='template_code_per_location')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='TemplateVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('template', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='mapping.template')),
                    ('number', models.PositiveIntegerField()),
                    ('fingerprint', models.CharField(max_length=64)),
                    ('source', models.CharField(max_length=200)),
                    ('imported_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('imported_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'ordering': ['template', '-number'],
                    'constraints': [models.UniqueConstraint(fields=('template', 'number'), name='template_version_once')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='Field',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='fields', to='mapping.templateversion')),
                    ('field_id', models.CharField(max_length=80)),
                    ('label', models.CharField(max_length=200)),
                    ('position', models.PositiveIntegerField()),
                    ('kind', models.CharField(choices=[('free_text', 'Free text'), ('structured', 'Structured')], default='free_text', max_length=20)),
                    ('max_length', models.PositiveIntegerField(blank=True, null=True)),
                    ('required', models.BooleanField(default=False)),
                    ('group', models.CharField(blank=True, max_length=200)),
                ],
                options={
                    'ordering': ['version', 'position'],
                    'constraints': [models.UniqueConstraint(fields=('version', 'field_id'), name='field_id_once_per_version'), models.UniqueConstraint(fields=('version', 'position'), name='position_once_per_version')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='MappingVersion',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('template', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mappings', to='mapping.template')),
                    ('template_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mappings', to='mapping.templateversion')),
                    ('number', models.PositiveIntegerField()),
                    ('state', models.CharField(choices=[('draft', 'Draft'), ('published', 'Published'), ('retired', 'Retired')], default='draft', max_length=12)),
                    ('catch_all_field_id', models.CharField(blank=True, max_length=80)),
                    ('based_on', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mapping.mappingversion')),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('changed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('published_at', models.DateTimeField(blank=True, null=True)),
                    ('published_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('publish_reason', models.CharField(blank=True, max_length=200)),
                ],
                options={
                    'ordering': ['template', '-number'],
                    'constraints': [models.UniqueConstraint(fields=('template', 'number'), name='mapping_number_once'), models.UniqueConstraint(condition=models.Q(('state', 'draft')), fields=('template',), name='one_draft_per_template'), models.UniqueConstraint(condition=models.Q(('state', 'published')), fields=('template',), name='one_published_mapping_per_template')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='PracticeDefault',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='portal.practice')),
                    ('template_code', models.CharField(blank=True, max_length=60)),
                    ('number', models.PositiveIntegerField()),
                    ('taken_from', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mapping.mappingversion')),
                    ('sections', models.JSONField(default=list)),
                    ('reason', models.CharField(max_length=200)),
                    ('published_at', models.DateTimeField(auto_now_add=True)),
                    ('published_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'ordering': ['practice', 'template_code', '-number'],
                    'constraints': [models.UniqueConstraint(fields=('practice', 'template_code', 'number'), name='practice_default_once')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='PublishRequest',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('mapping', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='requests', to='mapping.mappingversion')),
                    ('fingerprint', models.CharField(max_length=16)),
                    ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('reason', models.CharField(max_length=200)),
                    ('asked_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='Rehearsal',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('mapping', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rehearsals', to='mapping.mappingversion')),
                    ('fingerprint', models.CharField(max_length=16)),
                    ('in_force', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mapping.mappingversion')),
                    ('notes', models.PositiveIntegerField()),
                    ('findings', models.JSONField(default=list)),
                    ('rehearsed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('rehearsed_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'ordering': ['-pk'],
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='Rule',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('mapping', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='rules', to='mapping.mappingversion')),
                    ('section_code', models.CharField(max_length=60)),
                    ('field_id', models.CharField(max_length=80)),
                    ('kind', models.CharField(choices=[('copy', 'Copy'), ('split', 'Split by heading')], default='copy', max_length=12)),
                    ('settings', models.JSONField(blank=True, default=dict)),
                    ('position', models.PositiveIntegerField(default=1)),
                ],
                options={
                    'ordering': ['mapping', 'position', 'pk'],
                    'indexes': [],
                    'constraints': [],
                },
            ),
        ]),
        migrations.AddField(
            model_name='MappingVersion',
            name='follows',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='mapping.practicedefault'),
        ),
    ]
