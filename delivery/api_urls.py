"""The addresses of the scribe's API, under /api/v1/."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from delivery.api import DeliveryView, NotesView, NoteView, RetractView
from delivery.events.receiving import receive

app_name = "api"
urlpatterns = [
    path("notes", NotesView.as_view(), name="notes"),
    path("notes/<uuid:note_id>", NoteView.as_view(), name="note"),
    path("notes/<uuid:note_id>/retract", RetractView.as_view(), name="retract"),
    path("deliveries/<int:delivery_id>", DeliveryView.as_view(), name="delivery"),
    path("events/<uuid:public_id>", receive, name="event"),
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="api:schema"), name="docs"),
]
