"""The addresses of the delivery pages. (The scribe's API has its own: api_urls.py.)"""

from django.urls import path

from delivery.views import (
    acting,
    authorizing,
    bulk,
    detail,
    discovery,
    held,
    issues,
    listing,
    preview,
    receivers,
    rehearsal,
    why,
)

app_name = "delivery"
urlpatterns = [
    path("", listing.deliveries, name="deliveries"),
    path("rows/", listing.rows, name="rows"),
    path("above/", listing.above, name="above"),
    path("issues/", issues.all_issues, name="issues"),
    path("issues/<int:pk>/", issues.issue, name="issue"),
    path("issues/<int:pk>/act/<slug:verb>/", issues.act, name="issue-act"),
    path("bulk/<slug:verb>/", bulk.bulk, name="bulk"),
    path("jobs/<int:pk>/", bulk.job, name="job"),
    path("jobs/<int:pk>/<slug:verb>/", bulk.step, name="job-step"),
    path("why/", why.why, name="why"),
    path("search/", listing.find, name="search"),
    path("preview/<int:template_pk>/", preview.preview, name="preview"),
    path("rehearse/<int:template_pk>/", rehearsal.rehearse, name="rehearse"),
    path("held/<int:template_pk>/", held.held, name="held"),
    path("rehearsals/<int:pk>/", rehearsal.rehearsal, name="rehearsal"),
    path("<int:pk>/", detail.delivery, name="delivery"),
    path("<int:pk>/content/<slug:tab>/", detail.content, name="content"),
    path("<int:pk>/act/<slug:verb>/", acting.act, name="act"),
    path("<int:pk>/patient/", detail.reveal, name="reveal"),
    path("discover/<str:code>/", discovery.discover_now, name="discover"),
    path("connections/<int:pk>/probe/", receivers.probe_now, name="probe"),
    path("connections/<int:pk>/test/", receivers.test_now, name="test-connection"),
    path("connections/<int:pk>/close-breaker/", receivers.close_breaker, name="close-breaker"),
    path("connections/<int:pk>/authorize/", authorizing.authorize, name="authorize"),
    path("connections/authorized/", authorizing.authorized, name="authorized"),
    path("connections/<int:pk>/check-scopes/", authorizing.check_scopes, name="check-scopes"),
    path("connections/<int:pk>/jwks.json", authorizing.jwks, name="jwks"),
    path("recovery/leave/", receivers.leave_recovery, name="leave-recovery"),
]
