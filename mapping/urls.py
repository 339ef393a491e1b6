"""The addresses of templates and mappings, under /mapping/."""

from django.urls import path

from mapping.views import copying, drift, imports, inheriting, mapping, suggestions, templates

app_name = "mapping"
urlpatterns = [
    path("", templates.template_list, name="templates"),
    path("import/<str:code>/", imports.import_page, name="import"),
    path("import/<str:code>/columns/", imports.match_page, name="import-columns"),
    path("import/<str:code>/save/", imports.save_page, name="import-save"),
    path("templates/<int:pk>/", templates.template_page, name="template"),
    path("templates/<int:pk>/versions/<int:number>/", templates.template_page, name="template-version"),
    path("templates/<int:pk>/visits/", templates.defaults, name="defaults"),
    path("templates/<int:pk>/mapping/", mapping.mapping_page, name="mapping"),
    path("templates/<int:pk>/mapping/check/", mapping.check, name="check"),
    path("templates/<int:pk>/suggestions/", suggestions.accept, name="accept"),
    path("templates/<int:pk>/values/", mapping.values_page, name="values"),
    path("templates/<int:pk>/drift/", drift.drift_page, name="drift"),
    path("compare/", drift.compare_page, name="compare"),
    path("templates/<int:pk>/mapping/copy/", copying.copy_page, name="copy"),
    path("default/", inheriting.default_page, name="default"),
    path("templates/<int:pk>/default/", inheriting.make_default, name="make-default"),
    path("versions/<int:pk>/return/", mapping.return_page, name="return"),
    path("versions/<int:pk>/", mapping.version_page, name="version"),
]
