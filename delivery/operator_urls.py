"""The addresses for machines that watch this one."""

from django.urls import path

from delivery.views import metrics

app_name = "operator"
urlpatterns = [path("metrics", metrics.metrics, name="metrics")]
