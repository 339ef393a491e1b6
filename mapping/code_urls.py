"""The addresses of codes, under /codes/. (The drugs that notes wait for are delivery's.)"""

from django.urls import path

from mapping.views import diagnosis_codes

app_name = "codes"
urlpatterns = [
    path("diagnoses/", diagnosis_codes.diagnoses, name="diagnoses"),
    path("diagnoses/upload/", diagnosis_codes.upload, name="diagnosis-upload"),
    path("diagnoses/lists/<int:pk>/remove/", diagnosis_codes.remove, name="diagnosis-remove"),
]
