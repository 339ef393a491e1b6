"""The addresses of codes, under /codes/. (The drugs that notes wait for are delivery's.)"""

from django.urls import path

from mapping.views import crosswalk, diagnosis_codes

app_name = "codes"
urlpatterns = [
    path("drugs/", crosswalk.drugs, name="drugs"),
    path("drugs/new/", crosswalk.drug, name="drug-new"),
    path("drugs/<int:pk>/", crosswalk.drug, name="drug"),
    path("drugs/<int:pk>/remove/", crosswalk.remove, name="drug-remove"),
    path("drugs/import/", crosswalk.import_page, name="drug-import"),
    path("drugs/import/save/", crosswalk.save_page, name="drug-import-save"),
    path("diagnoses/", diagnosis_codes.diagnoses, name="diagnoses"),
    path("diagnoses/upload/", diagnosis_codes.upload, name="diagnosis-upload"),
    path("diagnoses/lists/<int:pk>/remove/", diagnosis_codes.remove, name="diagnosis-remove"),
]
