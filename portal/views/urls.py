"""The addresses of the portal's pages."""

from django.urls import path

from portal.views import audit, connections, exports, health, home, locations, openid, people, scribes, signin

app_name = "portal"
urlpatterns = [
    path("", home.home, name="home"),
    path("connections/", connections.listing, name="connections"),
    path("connections/new/<slug:kind>/", connections.new, name="connection-new"),
    path("connections/<int:pk>/", connections.detail, name="connection"),
    path("connections/<int:pk>/edit/", connections.edit, name="connection-edit"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("sign-in/", signin.sign_in_page, name="sign-in"),
    path("sign-in/service/", openid.begin, name="openid"),
    path("sign-in/service/back/", openid.come_back, name="openid-callback"),
    path("sign-out/", signin.sign_out_page, name="sign-out"),
    path("password/", signin.password_page, name="password"),
    path("appearance/", signin.appearance, name="appearance"),
    path("audit/", audit.search_page, name="audit"),
    path("audit/export.csv", audit.export, name="audit-export"),
    path("audit/patient/", audit.patient, name="audit-patient"),
    path("audit/exports/", exports.listing, name="audit-exports"),
    path("exports/<int:pk>/", exports.progress, name="export"),
    path("exports/<int:pk>/cancel/", exports.cancel_it, name="export-cancel"),
    path("exports/<int:pk>/file/", exports.file, name="export-file"),
    path("audit/<uuid:key>/", audit.event_page, name="audit-event"),
    path("settings/", locations.listing, name="settings"),
    path("settings/locations/new/", locations.new, name="location-new"),
    path("settings/locations/<str:code>/", locations.detail, name="location"),
    path("settings/locations/<str:code>/routes/", locations.routes, name="routes"),
    path("settings/locations/<str:code>/<slug:verb>/", locations.lock, name="location-lock"),
    path("settings/scribes/", scribes.listing, name="scribes"),
    path("settings/scribes/<int:pk>/keys/new/", scribes.new_key, name="key-new"),
    path("settings/keys/<int:pk>/revoke/", scribes.revoke_key, name="key-revoke"),
    path("settings/agreements/", scribes.agreements_page, name="agreements"),
    path("settings/agreements/<int:pk>/end/", scribes.end_agreement, name="agreement-end"),
    path("settings/sign-in/", openid.settings_page, name="sign-in-settings"),
    path("settings/sign-in/groups/<int:pk>/remove/", openid.remove_group, name="group-remove"),
    path("settings/people/", people.listing, name="people"),
    path("settings/people/new/", people.invite, name="person-new"),
    path("settings/people/<int:pk>/", people.detail, name="person"),
    path("settings/people/<int:pk>/roles/<int:membership>/revoke/", people.revoke, name="role-revoke"),
    path("settings/people/<int:pk>/account/<slug:verb>/", people.account, name="account"),
]
