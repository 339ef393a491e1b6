"""The addresses of the drug workbench, under /codes/waiting/."""

from django.urls import path

from delivery.views import workbench

app_name = "workbench"
urlpatterns = [
    path("", workbench.waiting, name="waiting"),
    path("<int:pk>/<int:index>/", workbench.decide, name="decide"),
    path("<int:pk>/<int:index>/words/", workbench.words, name="words"),
]
