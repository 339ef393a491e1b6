"""The site's addresses: each app's own under it, and the pages for when something does not work."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("portal.views.urls")),
    path("mapping/", include("mapping.urls")),
    path("codes/waiting/", include("delivery.workbench_urls")),
    path("codes/", include("mapping.code_urls")),
    path("api/v1/", include("delivery.api_urls")),
    path("deliveries/", include("delivery.urls")),
    path("", include("delivery.operator_urls")),
]

handler400 = "portal.views.errors.not_understood"
handler403 = "portal.views.errors.refused"
handler404 = "portal.views.errors.not_found"
handler500 = "portal.views.errors.broken"
