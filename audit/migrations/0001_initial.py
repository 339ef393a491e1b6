import audit.event
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from audit.create_models import CreateModels


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('portal', '0001_initial'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='AuditEvent',
                fields=[
                    ('id', models.UUIDField(primary_key=True, serialize=False)),
                    ('xid', models.BigIntegerField(db_default=audit.event.CurrentTransaction(output_field=models.BigIntegerField()), editable=False, null=True)),
                    ('at', models.DateTimeField()),
                    ('at_source', models.CharField(default='app', max_length=10)),
                    ('schema', models.PositiveSmallIntegerField()),
                    ('event', models.CharField(max_length=40)),
                    ('outcome', models.CharField(max_length=10)),
                    ('outcome_class', models.CharField(blank=True, max_length=40)),
                    ('actor_type', models.CharField(max_length=20)),
                    ('actor_id', models.CharField(max_length=64)),
                    ('actor_name', models.CharField(blank=True, max_length=150)),
                    ('on_behalf_of', models.CharField(blank=True, max_length=64)),
                    ('auth_method', models.CharField(blank=True, max_length=20)),
                    ('session_hash', models.CharField(blank=True, max_length=16)),
                    ('source_ip', models.CharField(blank=True, max_length=45)),
                    ('user_agent_hash', models.CharField(blank=True, max_length=16)),
                    ('practice', models.CharField(blank=True, max_length=40)),
                    ('location', models.CharField(blank=True, max_length=40)),
                    ('subject_bidx', models.CharField(blank=True, max_length=32)),
                    ('encounter_bidx', models.CharField(blank=True, max_length=32)),
                    ('object_type', models.CharField(blank=True, max_length=40)),
                    ('object_id', models.CharField(blank=True, max_length=64)),
                    ('object_version', models.CharField(blank=True, max_length=20)),
                    ('data_category', models.JSONField(default=list)),
                    ('purpose_of_use', models.CharField(blank=True, max_length=20)),
                    ('recipient', models.CharField(blank=True, max_length=120)),
                    ('correlation_id', models.CharField(blank=True, max_length=64)),
                    ('reason', models.CharField(blank=True, max_length=200)),
                    ('detail', models.JSONField(default=dict)),
                    ('row_mac', models.CharField(max_length=64)),
                ],
                options={
                    'indexes': [models.Index(fields=['practice', '-at', '-id'], name='audit_practice_at'), models.Index(fields=['practice', 'event', '-at', '-id'], name='audit_event_at'), models.Index(condition=models.Q(('actor_type', 'user')), fields=['actor_id', '-at'], name='audit_person'), models.Index(fields=['object_type', 'object_id'], name='audit_object'), models.Index(fields=['subject_bidx', '-at'], name='audit_subject'), models.Index(fields=['correlation_id'], name='audit_correlation')],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='ConfigurationEntry',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('object_pk', models.CharField(db_index=True, max_length=255, verbose_name='object pk')),
                    ('object_id', models.BigIntegerField(blank=True, db_index=True, null=True, verbose_name='object id')),
                    ('object_repr', models.TextField(verbose_name='object representation')),
                    ('serialized_data', models.JSONField(null=True)),
                    ('action', models.PositiveSmallIntegerField(choices=[(0, 'create'), (1, 'update'), (2, 'delete'), (3, 'access')], db_index=True, verbose_name='action')),
                    ('changes_text', models.TextField(blank=True, verbose_name='change message')),
                    ('changes', models.JSONField(null=True, verbose_name='change message')),
                    ('cid', models.CharField(blank=True, db_index=True, max_length=255, null=True, verbose_name='Correlation ID')),
                    ('remote_addr', models.GenericIPAddressField(blank=True, null=True, verbose_name='remote address')),
                    ('remote_port', models.PositiveIntegerField(blank=True, null=True, verbose_name='remote port')),
                    ('timestamp', models.DateTimeField(db_index=True, default=django.utils.timezone.now, verbose_name='timestamp')),
                    ('additional_data', models.JSONField(blank=True, null=True, verbose_name='additional data')),
                    ('actor_email', models.CharField(blank=True, max_length=254, null=True, verbose_name='actor email')),
                    ('content_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='contenttypes.contenttype')),
                    ('actor', models.ForeignKey(db_constraint=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ],
                options={
                    'verbose_name': 'log entry',
                    'verbose_name_plural': 'log entries',
                    'ordering': ['-timestamp'],
                    'get_latest_by': 'timestamp',
                    'abstract': False,
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='LegalHold',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.CharField(max_length=40)),
                    ('kind', models.CharField(choices=[('patient', 'A patient'), ('person', 'A person’s deeds'), ('location', 'A location'), ('period', 'A period')], max_length=10)),
                    ('value', models.CharField(blank=True, max_length=64)),
                    ('since', models.DateTimeField(null=True)),
                    ('until', models.DateTimeField(null=True)),
                    ('reason', models.CharField(max_length=200)),
                    ('at', models.DateTimeField()),
                    ('by', models.CharField(max_length=64)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('kind', 'period'), ('since__isnull', False), ('until__isnull', False), ('since__lt', models.F('until'))), models.Q(models.Q(('kind', 'period'), _negated=True), models.Q(('value', ''), _negated=True)), _connector='OR'), name='hold_says_what_it_holds')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='HoldLift',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('hold', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='lift', to='audit.legalhold')),
                    ('reason', models.CharField(max_length=200)),
                    ('at', models.DateTimeField()),
                    ('by', models.CharField(max_length=64)),
                ],
                options={
                    'abstract': False,
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='LostCheckpoint',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('origin', models.CharField(max_length=120)),
                    ('size', models.PositiveBigIntegerField()),
                    ('root', models.CharField(max_length=64)),
                    ('at', models.DateTimeField()),
                ],
                options={
                    'abstract': False,
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='RetentionPolicy',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.CharField(blank=True, max_length=40)),
                    ('years', models.PositiveSmallIntegerField()),
                    ('at', models.DateTimeField()),
                    ('by', models.CharField(max_length=64)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('years__gte', 6), ('years__lte', 100)), name='retention_not_under_six_years')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='SealerState',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('horizon', models.BigIntegerField(default=0)),
                    ('verified_on', models.DateField(null=True)),
                ],
                options={
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='Tree',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.CharField(blank=True, max_length=40)),
                    ('month', models.CharField(max_length=6)),
                    ('part', models.PositiveSmallIntegerField(default=1)),
                    ('size', models.PositiveBigIntegerField(default=0)),
                    ('frontier', models.JSONField(default=list)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('practice', 'month', 'part'), name='tree_once')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='Checkpoint',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('tree', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='checkpoints', to='audit.tree')),
                    ('size', models.PositiveBigIntegerField()),
                    ('root', models.CharField(max_length=64)),
                    ('heads', models.BooleanField(default=False)),
                    ('at', models.DateTimeField()),
                    ('elapsed', models.DateTimeField()),
                    ('note', models.TextField()),
                ],
                options={
                    'indexes': [models.Index(fields=['tree', 'size'], name='checkpoint_size'), models.Index(fields=['-at'], name='checkpoint_at')],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='AnchorReceipt',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('checkpoint', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='receipts', to='audit.checkpoint')),
                    ('sink', models.CharField(max_length=120)),
                    ('at', models.DateTimeField()),
                ],
                options={
                    'abstract': False,
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='Leaf',
                fields=[
                    ('id', models.UUIDField(primary_key=True, serialize=False)),
                    ('tree', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='leaves', to='audit.tree')),
                    ('seq', models.PositiveBigIntegerField()),
                    ('hash', models.BinaryField(max_length=32)),
                    ('seal', models.BinaryField(max_length=16)),
                    ('subject', models.CharField(blank=True, max_length=32)),
                ],
                options={
                    'indexes': [models.Index(condition=models.Q(('subject', ''), _negated=True), fields=['tree', 'subject'], name='leaf_subject')],
                    'constraints': [models.UniqueConstraint(fields=('tree', 'seq'), name='leaf_once')],
                },
            ),
            migrations.CreateModel(
                name='PurgeRequest',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('tree', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='purge_requests', to='audit.tree')),
                    ('reason', models.CharField(max_length=200)),
                    ('asked_by', models.CharField(max_length=64)),
                    ('asked_at', models.DateTimeField()),
                    ('approved_by', models.CharField(blank=True, max_length=64)),
                    ('approved_at', models.DateTimeField(null=True)),
                    ('withdrawn_at', models.DateTimeField(null=True)),
                ],
                options={
                    'constraints': [models.CheckConstraint(condition=models.Q(('approved_by', models.F('asked_by')), _negated=True), name='purge_takes_two_people'), models.UniqueConstraint(condition=models.Q(('withdrawn_at', None)), fields=('tree',), name='one_purge_request_per_tree')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='PurgeCertificate',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('tree', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='certificate', to='audit.tree')),
                    ('request', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='certificate', to='audit.purgerequest')),
                    ('note', models.TextField()),
                    ('kept', models.PositiveBigIntegerField()),
                    ('at', models.DateTimeField()),
                ],
                options={
                    'abstract': False,
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='Verification',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('at', models.DateTimeField()),
                    ('seconds', models.FloatField()),
                    ('leaves', models.PositiveBigIntegerField()),
                    ('whole', models.BooleanField()),
                    ('finding', models.CharField(blank=True, max_length=300)),
                ],
                options={
                    'abstract': False,
                    'indexes': [],
                    'constraints': [],
                },
            ),
        ]),
    ]
