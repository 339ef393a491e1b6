"""Every form, written as {{ form }} or {{ form.name.as_field_group }}, comes out in the design system."""

from django.forms.renderers import TemplatesSetting


class PortalRenderer(TemplatesSetting):
    form_template_name = "forms/form.html"
    field_template_name = "forms/field.html"
