"""The door to a template: whoever has a role at its location may read it, directors and mapping editors change it."""

from django.http import Http404

from mapping.models import MappingVersion, Template
from portal.access import location_for, roles_at
from portal.models import Location, Role, User

EDITORS = (Role.DIRECTOR, Role.MAPPING_EDITOR)


def may_edit(user: User, location: Location) -> bool:
    """Whether to show what changes a location's templates and mappings; the doors below decide."""
    return bool(roles_at(user, location) & set(EDITORS))


def template_for(user: User, pk: int, *roles: str) -> Template:
    """A template of the person's locations; Http404 for strangers, WrongRole (403) for the wrong role."""
    template = Template.objects.select_related("location__practice").filter(pk=pk).first()
    if template is None:
        raise Http404("no such template")
    location = location_for(user, template.location.code, *roles)
    if location.pk != template.location_id:  # another practice's location may have the same code
        raise Http404("no such template")
    return template


def mapping_for(user: User, pk: int) -> MappingVersion:
    """A mapping version of such a template, to be read."""
    mapping = MappingVersion.objects.select_related("template_version").filter(pk=pk).first()
    if mapping is None:
        raise Http404("no such mapping")
    mapping.template = template_for(user, mapping.template_id)
    return mapping
