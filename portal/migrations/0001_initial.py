import django.contrib.auth.validators
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from audit.create_models import CreateModels


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        CreateModels([
            migrations.CreateModel(
                name='DataKey',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('purpose', models.CharField(max_length=20)),
                    ('key_id', models.CharField(max_length=16, unique=True)),
                    ('wrapped', models.BinaryField(null=True)),
                    ('master', models.CharField(max_length=64)),
                    ('made_at', models.DateTimeField()),
                    ('retired_at', models.DateTimeField(null=True)),
                    ('destroyed_at', models.DateTimeField(null=True)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('retired_at', None)), fields=('purpose',), name='one_present_key_per_purpose')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='Practice',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('code', models.SlugField(max_length=40, unique=True)),
                    ('name', models.CharField(max_length=200)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                ],
                options={
                    'abstract': False,
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='Connection',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='connections', to='portal.practice')),
                    ('name', models.CharField(max_length=100)),
                    ('kind', models.CharField(choices=[('hl7', 'HL7 v2 over MLLP'), ('openapi', 'Open API'), ('fhir', 'FHIR R4'), ('ccda-folder', 'C-CDA to a folder'), ('ccda-sftp', 'C-CDA by SFTP')], max_length=20)),
                    ('environment', models.CharField(choices=[('sandbox', 'Sandbox'), ('production', 'Production')], max_length=12)),
                    ('settings', models.JSONField(blank=True, default=dict)),
                    ('sealed_secrets', models.BinaryField(blank=True, null=True)),
                    ('secrets_set_at', models.JSONField(blank=True, default=dict)),
                    ('enabled', models.BooleanField(default=True)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('revision', models.PositiveIntegerField(default=1)),
                ],
                options={
                    'ordering': ['name'],
                    'constraints': [models.UniqueConstraint(fields=('practice', 'name'), name='connection_name_per_practice')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='Location',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='locations', to='portal.practice')),
                    ('code', models.CharField(max_length=40)),
                    ('name', models.CharField(max_length=200)),
                    ('time_zone', models.CharField(default='America/New_York', max_length=60)),
                    ('environment', models.CharField(choices=[('sandbox', 'Sandbox'), ('production', 'Production')], default='sandbox', max_length=12)),
                    ('unmapped_policy', models.CharField(choices=[('hold', 'Hold the note for a person'), ('catch-all', 'File it, under its title, in the catch-all field')], default='hold', max_length=12)),
                    ('reading_connection', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='read_for', to='portal.connection')),
                    ('facility', models.CharField(blank=True, db_default='', default='', max_length=180)),
                    ('idle_minutes', models.PositiveSmallIntegerField(default=15, validators=[django.core.validators.MinValueValidator(2), django.core.validators.MaxValueValidator(30)])),
                    ('fallback', models.BooleanField(db_default=False, default=False)),
                    ('fallback_minutes', models.PositiveSmallIntegerField(db_default=30, default=30, validators=[django.core.validators.MinValueValidator(5), django.core.validators.MaxValueValidator(720)])),
                    ('review_first', models.BooleanField(db_default=False, default=False)),
                    ('for_learning', models.BooleanField(db_default=False, default=False)),
                    ('locked_reason', models.CharField(blank=True, max_length=200)),
                ],
                options={
                    'ordering': ['code'],
                    'constraints': [models.UniqueConstraint(fields=('practice', 'code'), name='location_code_per_practice'), models.CheckConstraint(condition=models.Q(('for_learning', False), ('environment', 'sandbox'), _connector='OR'), name='nobody_learns_in_production')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='GroupRole',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='group_roles', to='portal.practice')),
                    ('group', models.CharField(max_length=200)),
                    ('location', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='group_roles', to='portal.location')),
                    ('role', models.CharField(choices=[('director', 'IT director'), ('mapping_editor', 'Mapping editor'), ('operator', 'Operator'), ('auditor', 'Auditor'), ('clinician', 'Clinician'), ('metadata_only', 'Metadata only')], max_length=20)),
                ],
                options={
                    'ordering': ['group', 'role'],
                    'constraints': [models.UniqueConstraint(fields=('practice', 'group', 'location', 'role'), name='group_role_once'), models.UniqueConstraint(condition=models.Q(('location', None)), fields=('practice', 'group', 'role'), name='group_role_once_everywhere')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='OAuthGrant',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('connection', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='grant', to='portal.connection')),
                    ('sealed_tokens', models.BinaryField(blank=True, null=True)),
                    ('expires_at', models.DateTimeField(blank=True, null=True)),
                    ('scopes', models.JSONField(default=list)),
                    ('generation', models.PositiveBigIntegerField(default=0)),
                    ('granted_at', models.DateTimeField(blank=True, null=True)),
                    ('renewed_at', models.DateTimeField(blank=True, null=True)),
                    ('renewing_by', models.CharField(blank=True, max_length=150)),
                    ('renewing_until', models.DateTimeField(blank=True, null=True)),
                    ('trouble', models.CharField(blank=True, max_length=60)),
                    ('retry_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='PartnerItem',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='partner_items', to='portal.practice')),
                    ('step', models.CharField(choices=[('application', 'Partner application'), ('soc2', 'SOC 2 Type II report'), ('hipaa', 'HIPAA documents'), ('encryption', 'Evidence of encryption and retention'), ('sandbox', 'Sandbox provisioned')], max_length=12)),
                    ('state', models.CharField(choices=[('open', 'Open'), ('sent', 'Sent'), ('accepted', 'Accepted'), ('refused', 'Refused')], default='open', max_length=10)),
                    ('owner', models.CharField(blank=True, max_length=200)),
                    ('sent_on', models.DateField(blank=True, null=True)),
                    ('decided_on', models.DateField(blank=True, null=True)),
                    ('valid_until', models.DateField(blank=True, null=True)),
                    ('file_name', models.CharField(blank=True, max_length=120)),
                    ('file_sha256', models.CharField(blank=True, max_length=64)),
                    ('sealed_file', models.BinaryField(blank=True, null=True)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('practice', 'step'), name='partner_step_once'), models.CheckConstraint(condition=models.Q(('sent_on__isnull', True), ('decided_on__isnull', True), ('decided_on__gte', models.F('sent_on')), _connector='OR'), name='partner_decided_after_sent')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='Revision',
                fields=[
                    ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                    ('token', models.CharField(max_length=36)),
                ],
                options={
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='Route',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('location', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='routes', to='portal.location')),
                    ('part', models.CharField(choices=[('note', 'Note sections'), ('diagnoses', 'Diagnoses'), ('medications', 'Medications'), ('allergies', 'Allergies'), ('immunizations', 'Immunizations'), ('observations', 'Observations'), ('attachments', 'Documents')], max_length=20)),
                    ('connection', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='routes', to='portal.connection')),
                    ('position', models.PositiveSmallIntegerField(default=1)),
                ],
                options={
                    'ordering': ['location', 'part', 'position'],
                    'constraints': [models.UniqueConstraint(fields=('location', 'part', 'position'), name='route_position_once')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='Scribe',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='scribes', to='portal.practice')),
                    ('name', models.CharField(max_length=100)),
                    ('synthetic', models.BooleanField(db_default=False, default=False)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('practice', 'name'), name='scribe_name_per_practice')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='Agreement',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='portal.practice')),
                    ('scribe', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='agreements', to='portal.scribe')),
                    ('kind', models.CharField(choices=[('baa_scribe', 'Business associate agreement with the scribe vendor'), ('baa_ecw', 'Business associate agreement with eClinicalWorks')], max_length=20)),
                    ('party', models.CharField(max_length=200)),
                    ('signed_on', models.DateField()),
                    ('expires_on', models.DateField(blank=True, null=True)),
                    ('document_sha256', models.CharField(blank=True, max_length=64)),
                ],
                options={
                    'abstract': False,
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='ApiKey',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('scribe', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keys', to='portal.scribe')),
                    ('prefix', models.CharField(max_length=12, unique=True)),
                    ('mac', models.CharField(max_length=64)),
                    ('environment', models.CharField(choices=[('sandbox', 'Sandbox'), ('production', 'Production')], max_length=12)),
                    ('scopes', models.JSONField(default=list)),
                    ('created_at', models.DateTimeField(auto_now_add=True)),
                    ('expires_at', models.DateTimeField(blank=True, null=True)),
                    ('revoked_at', models.DateTimeField(blank=True, null=True)),
                    ('locations', models.ManyToManyField(blank=True, related_name='api_keys', to='portal.location')),
                ],
                options={
                    'abstract': False,
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='SignInAttempt',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('account', models.CharField(max_length=32)),
                    ('source', models.CharField(max_length=45)),
                    ('at', models.DateTimeField()),
                    ('ok', models.BooleanField()),
                ],
                options={
                    'indexes': [models.Index(fields=['account', 'at'], name='signin_account'), models.Index(fields=['source', 'at'], name='signin_source')],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='User',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('password', models.CharField(max_length=128, verbose_name='password')),
                    ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                    ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                    ('username', models.CharField(error_messages={'unique': 'A user with that username already exists.'}, help_text='Required. 150 characters or fewer. Letters, digits and @/./+/-/_ only.', max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                    ('first_name', models.CharField(blank=True, max_length=150, verbose_name='first name')),
                    ('last_name', models.CharField(blank=True, max_length=150, verbose_name='last name')),
                    ('email', models.EmailField(blank=True, max_length=254, verbose_name='email address')),
                    ('is_staff', models.BooleanField(default=False, help_text='Designates whether the user can log into this admin site.', verbose_name='staff status')),
                    ('is_active', models.BooleanField(default=True, help_text='Designates whether this user should be treated as active. Unselect this instead of deleting accounts.', verbose_name='active')),
                    ('date_joined', models.DateTimeField(default=django.utils.timezone.now, verbose_name='date joined')),
                    ('oidc_issuer', models.CharField(blank=True, max_length=255)),
                    ('oidc_subject', models.CharField(blank=True, max_length=255)),
                    ('one_time_until', models.DateTimeField(blank=True, null=True)),
                    ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                    ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
                ],
                options={
                    'constraints': [models.UniqueConstraint(condition=models.Q(('oidc_subject', ''), _negated=True), fields=('oidc_issuer', 'oidc_subject'), name='one_user_per_oidc_subject')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='EmergencyAccess',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='emergencies', to='portal.practice')),
                    ('reason', models.CharField(max_length=200)),
                    ('opened_at', models.DateTimeField()),
                    ('ends_at', models.DateTimeField()),
                    ('closed_at', models.DateTimeField(blank=True, null=True)),
                    ('tell_after', models.DateTimeField(blank=True, null=True)),
                    ('reviewed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('reviewed_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'indexes': [],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='ExportJob',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exports', to='portal.practice')),
                    ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('kind', models.CharField(max_length=20)),
                    ('asked', models.JSONField(default=dict)),
                    ('state', models.CharField(choices=[('asked', 'Needs a second person'), ('waiting', 'Waiting'), ('running', 'Being made'), ('done', 'Ready'), ('failed', 'Failed'), ('cancelled', 'Cancelled'), ('expired', 'Expired and deleted')], default='waiting', max_length=10)),
                    ('created_at', models.DateTimeField()),
                    ('finished_at', models.DateTimeField(blank=True, null=True)),
                    ('expires_at', models.DateTimeField(blank=True, null=True)),
                    ('done', models.PositiveBigIntegerField(default=0)),
                    ('total', models.PositiveBigIntegerField(default=0)),
                    ('size', models.PositiveBigIntegerField(default=0)),
                    ('sha256', models.CharField(blank=True, max_length=64)),
                    ('trouble', models.CharField(blank=True, max_length=40)),
                    ('everything', models.BooleanField(default=False)),
                    ('approved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ('approved_at', models.DateTimeField(blank=True, null=True)),
                    ('tell_after', models.DateTimeField(blank=True, null=True)),
                    ('tries', models.PositiveSmallIntegerField(default=0)),
                    ('held_by', models.CharField(blank=True, max_length=150)),
                    ('held_until', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'indexes': [models.Index(fields=['state', 'id'], name='export_state')],
                    'constraints': [],
                },
            ),
            migrations.CreateModel(
                name='ExportPiece',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pieces', to='portal.exportjob')),
                    ('number', models.PositiveIntegerField()),
                    ('sealed_body', models.BinaryField()),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('job', 'number'), name='export_piece_once')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='Membership',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                    ('practice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='portal.practice')),
                    ('location', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='portal.location')),
                    ('role', models.CharField(choices=[('director', 'IT director'), ('mapping_editor', 'Mapping editor'), ('operator', 'Operator'), ('auditor', 'Auditor'), ('clinician', 'Clinician'), ('metadata_only', 'Metadata only')], max_length=20)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'practice', 'location', 'role'), name='role_once'), models.UniqueConstraint(condition=models.Q(('location', None)), fields=('user', 'practice', 'role'), name='role_once_everywhere')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='RecoveryCode',
                fields=[
                    ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                    ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recovery_codes', to=settings.AUTH_USER_MODEL)),
                    ('mac', models.CharField(max_length=32)),
                    ('used_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'constraints': [models.UniqueConstraint(fields=('user', 'mac'), name='recovery_code_once')],
                    'indexes': [],
                },
            ),
            migrations.CreateModel(
                name='SecondFactor',
                fields=[
                    ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='second_factor', serialize=False, to=settings.AUTH_USER_MODEL)),
                    ('sealed_seed', models.BinaryField()),
                    ('last_step', models.BigIntegerField(default=-1)),
                    ('made_at', models.DateTimeField()),
                    ('confirmed_at', models.DateTimeField(blank=True, null=True)),
                ],
                options={
                    'indexes': [],
                    'constraints': [],
                },
            ),
        ]),
    ]
