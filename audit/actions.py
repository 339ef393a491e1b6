"""The closed list of events that can be recorded, each with its sentence and the keys its detail may carry.

Adding one here is the only way to record something new; `record()` refuses what is not listed. Detail keys hold
codes, counts and ids: never a name, an identifier of a patient, or a word of a note.
"""

from dataclasses import dataclass

SCHEMA = 1


@dataclass(frozen=True)
class Action:
    """One kind of event: its name, a sentence for people, and the detail keys it may carry."""

    name: str
    sentence: str
    detail: frozenset[str] = frozenset()


def _action(name: str, sentence: str, *detail: str) -> tuple[str, Action]:
    return name, Action(name, sentence, frozenset(detail))


# What any delivery event may say of itself: ids, codes and counts.
DELIVERY_DETAIL = (
    "delivery_id",
    "part",
    "attempt",
    "wire_sha256",
    "connection",
    "reason_code",
    "code",
    "answer",
    "grade",
    "sections",
    "replay_of",
    "identity",
)

ACTIONS: dict[str, Action] = dict(
    [
        _action("auth.login.ok", "signed in"),
        _action("auth.login.fail", "failed to sign in"),
        _action("auth.logout", "signed out"),
        _action("auth.password.change", "replaced a password"),
        _action("auth.factor.set", "set up a second factor", "user_id"),
        _action("auth.factor.codes", "made new recovery codes", "user_id"),
        _action("auth.factor.remove", "took a second factor away", "user_id"),
        _action("auth.breakglass.open", "opened an emergency access", "user_id", "access"),
        _action("auth.breakglass.close", "ended an emergency access", "user_id", "access"),
        _action("auth.breakglass.review", "looked at an emergency access", "user_id", "access"),
        _action("second.tell", "told a second person by mail", "about", "mails", "outcome"),
        _action("authz.denied", "was refused", "route", "role"),
        _action("authz.role.grant", "granted a role", "role", "user_id"),
        _action("authz.role.revoke", "revoked a role", "role", "user_id"),
        _action("authz.user.create", "created a user", "user_id"),
        _action("authz.user.disable", "disabled a user", "user_id"),
        _action("authz.user.enable", "enabled a user", "user_id"),
        _action("authz.user.password", "gave a user a one-time password", "user_id"),
        _action("note.ingest", "received a note", "version", "sections", "parts"),
        _action("note.refuse", "refused a note", "problem", "status"),
        *(
            _action(f"pilot.{name}", sentence, "from", "to", "held", "released", "numbers")
            for name, sentence in {
                "begin": "began a location's pilot",
                "promote": "took a pilot one step further",
                "narrow": "took a pilot one step back",
                "step_back": "stepped a pilot back, as its numbers broke",
                "window": "began a pilot's window anew",
            }.items()
        ),
        _action(
            "note.feedback",
            "said what a note is worth",
            "delivery_id",
            "accuracy",
            "format",
            "template_fit",
            "words",
        ),
        _action("note.sign_off", "signed a note off before it went", "delivery_id", "version"),
        _action("note.edit", "changed a note before it went", "delivery_id", "version", "sections", "replaces"),
        _action("note.view", "viewed a note", "delivery_id", "what"),
        _action("note.list", "listed notes", "shown", "filter"),
        _action("note.search", "searched notes", "shown", "fields"),
        _action("note.retract", "asked to withdraw a note", "delivery_id"),
        _action("note.preview", "previewed a note as a message", "mapping_version"),
        _action("template.import", "imported a template version", "template", "version", "fields", "fingerprint"),
        _action("template.discover", "asked eCW for a location's templates", "connection", "fields"),
        _action("crosswalk.import", "imported drugs into the crosswalk", "new", "changed", "unchanged"),
        _action("crosswalk.decide", "decided which drug of eCW a code is", "released", "asked", "waiting"),
        _action("mapping.change", "changed a draft mapping", "template", "rule"),
        _action("mapping.discard", "discarded a draft mapping", "template", "rules"),
        _action("template.change", "changed a template's visit types", "template", "fields"),
        _action("mapping.publish", "published a mapping", "template", "version", "warnings", "way"),
        _action("mapping.copy", "copied a mapping as a draft", "template", "version", "source", "left"),
        _action("mapping.default", "published a practice default", "template", "version", "source", "sections"),
        _action(
            "mapping.inherit",
            "proposed a practice default as a draft",
            "template",
            "version",
            "source",
            "taken",
            "dropped",
            "refused",
        ),
        _action(
            "mapping.rehearse",
            "rehearsed a draft mapping",
            "template",
            "version",
            "notes",
            "changed",
            "lost",
            "caught",
            "blocked",
        ),
        _action("mapping.ask_second", "asked for a second person to publish", "template", "version"),
        *(
            _action(f"delivery.{name}", sentence, *DELIVERY_DETAIL)
            for name, sentence in {
                "ready": "made a delivery ready",
                "held": "held a delivery",
                "superseded": "superseded a waiting delivery",
                "cancelled": "cancelled a delivery",
                "intent": "is about to send",
                "not_sent": "did not send, and knows that nothing left",
                "accepted": "was told that the message is accepted",
                "rejected": "was told that the message is rejected",
                "unknown": "does not know the outcome",
                "reconciled": "settled an unknown outcome",
                "verified": "read the chart back and found every section",
                "misfiled": "read the chart back and found differences",
                "parked": "parked a delivery for a person",
                "decided": "decided on a parked delivery",
                "released": "released a held delivery",
                "struck": "noted that a withdrawn note is struck in the chart",
                "replay": "filed a delivery again",
            }.items()
        ),
        _action(
            "delivery.template_intent", "is about to have the visit's template filled", *DELIVERY_DETAIL, "template"
        ),
        _action(
            "delivery.template_done",
            "learnt what became of filling the visit's template",
            *DELIVERY_DETAIL,
            "template",
        ),
        _action(
            "delivery.attest",
            "compared a sample with the chart and signed for it",
            "page_sha256",
            "delivery_id",
            "connection",
            "mapping_version",
            "wire_sha256",
        ),
        _action(
            "delivery.fallback",
            "sent a part by the location's next way",
            "delivery_id",
            "replaces",
            "reason_code",
            "connection",
        ),
        _action("ecw.deviate", "found that eCW does otherwise than before", "base", "probe", "rows"),
        _action("ecw.recover", "found that eCW does as before", "base", "probe", "rows", "released"),
        _action("ecw.accept", "accepted what eCW does now as the base", "base", "probe", "rows", "released"),
        _action("template.stop", "stopped a template, as a section stood in another field", "template", "delivery_id"),
        _action("template.resume", "looked, and let a stopped template's notes go", "template", "released"),
        _action(
            "delivery.release_held",
            "released the notes held for a mapping",
            "template",
            "mapping_version",
            "released",
            "asked",
        ),
        _action("alert.change", "changed an alert", "kind", "state", "reason_code", "count"),
        _action("alert.tell", "told somebody of alerts", "recipient", "alerts", "outcome"),
        _action("alert.settings", "changed when alerts begin", "uncertain", "silence", "escalate", "near"),
        _action("alert.recipient", "changed who is told of alerts", "recipient", "deed", "way"),
        _action("alert.secret", "made a new secret for alerts by webhook", "recipient", "deed", "way"),
        _action("alert.test", "tested whether somebody can be told of alerts", "recipient", "way", "outcome"),
        _action("visit.list", "listed visits without a verified note", "shown", "day"),
        _action("visit.view", "saw whose visit has no verified note", "event", "what"),
        _action("report.export", "exported a report", "what", "day", "rows", "format", "sha256"),
        _action("course.begin", "began a course of practice mode", "role", "location"),
        _action("course.end", "ended a course of practice mode", "role", "location"),
        _action("issue.change", "took care of an issue", "deed", "reason_code", "word"),
        _action("job.begin", "began a bulk action", "deed", "rows", "dry", "filter"),
        _action("job.step", "paused, resumed or cancelled a bulk action", "deed", "word"),
        _action("chart.ask", "asked to have a chart read back now", "delivery_id"),
        _action("chart.read", "read a chart back", "delivery_id", "answer", "connection"),
        _action("disclosure.out", "sent patient data to a recipient", "delivery_id", "attempt", "connection"),
        _action("connection.create", "created a connection", "connection", "kind", "environment"),
        _action("connection.change", "changed a connection", "connection", "fields"),
        _action("connection.test", "tested a connection", "connection", "step", "outcome"),
        _action("connection.probe", "probed a connection", "connection", "profile"),
        _action("connection.breaker", "opened or closed a breaker", "connection", "state", "reason_code"),
        _action("connection.authorize", "connected to an authorization server", "connection", "scopes"),
        _action("connection.unauthorized", "was refused by an authorization server", "connection", "reason_code"),
        _action("connection.secret.set", "set a connection's secret", "connection", "fields"),
        _action("event.purge", "deleted events of visits that were past their time", "location", "count", "before"),
        _action("event.take", "was told of a visit", "kind", "way", "outcome", "source"),
        _action("event.refuse", "was refused as a source of events", "source", "reason"),
        _action("event.source", "changed where events come from", "source", "way", "deed"),
        _action("event.secret", "made a new secret for a source of events", "source", "way", "deed"),
        _action("capture.start", "asked a scribe to start capture", "kind", "endpoint"),
        _action("endpoint.change", "changed where a scribe is told things", "endpoint", "deed", "environment"),
        _action("endpoint.secret", "made a new secret for a scribe's endpoint", "endpoint", "deed", "environment"),
        _action("endpoint.resume", "let a scribe be told things again", "endpoint", "deed", "environment"),
        _action("endpoint.stop", "stopped telling a scribe after days of failure", "endpoint", "reason"),
        _action("endpoint.test", "tested a scribe's endpoint", "endpoint", "outcome"),
        _action("certification.begin", "began a certification run", "run", "tests"),
        _action("certification.end", "ended a certification run", "run", "outcome", "failed", "report_sha256"),
        _action("certification.view", "opened an artefact of a certification run", "run", "name"),
        _action("practice.create", "created a practice"),
        _action("location.create", "created a location", "location", "environment"),
        _action("location.probe", "probed what a location's connections can do", "location", "found", "vanished"),
        _action("location.release", "released a location for production", "location"),
        _action("location.lock", "locked a location", "location"),
        _action("location.change", "changed a location", "location", "fields"),
        _action("route.change", "changed a route", "location", "part", "connection"),
        _action("agreement.record", "recorded an agreement", "kind", "party"),
        _action("agreement.end", "ended an agreement", "kind", "party"),
        _action("partner.change", "wrote down a step of the partner registration", "step", "state", "sha256"),
        _action("partner.fetch", "fetched a document of the partner registration", "step", "sha256"),
        _action("scribe.create", "added a scribe"),
        _action("key.create", "created a scribe's key", "prefix", "environment"),
        _action("key.revoke", "revoked a scribe's key", "prefix"),
        _action(
            "config.change", "changed the configuration", "model", "deed", "name", "fields", "entry", "entry_sha256"
        ),
        _action("audit.view", "looked into the audit log", "shown", "filter"),
        _action("audit.export", "exported the audit log", "rows", "filter", "format", "sha256"),
        _action("audit.retention.set", "set how long the audit log is kept", "years", "before"),
        _action("audit.hold.set", "set a legal hold", "kind"),
        _action("audit.hold.lift", "lifted a legal hold", "kind"),
        _action("audit.purge.ask", "asked to purge a month of the audit log", "origin"),
        _action("audit.purge.approve", "approved a purge as second person", "origin"),
        _action("audit.purge.withdraw", "withdrew a purge", "origin"),
        _action("audit.purge", "purged a month of the audit log under a certificate", "origin", "size", "kept", "root"),
        _action("data.export", "exported a patient's notes", "notes", "files", "left_out", "sha256"),
        _action(
            "ehi.export", "exported every note of the practice", "notes", "files", "left_out", "sha256", "approved_by"
        ),
        _action("ehi.request", "entered a request for health information", "asker"),
        _action("ehi.answer", "wrote down the answer to a request", "answer", "exception"),
        _action("ehi.view", "looked into the register of requests", "shown"),
        _action("export.begin", "asked for an export", "kind", "format"),
        _action("export.approve", "agreed as a second person to an export of everything", "user_id"),
        _action("export.end", "let an export end without, or after, its file", "word", "reason_code"),
        _action("export.fetch", "fetched an export", "size", "sha256"),
        _action("audit.triggers_restored", "put the audit log's protection back", "table", "faults"),
        _action("audit.verify", "verified the audit log", "leaves", "trees", "found"),
        _action("audit.seal.fail", "could not seal the audit log", "step"),
        _action("audit.loss", "took note that anchored events are lost", "origin", "size", "root"),
        _action("encryption.rewrap", "wrapped the data keys under another master key", "keys", "master"),
        _action("encryption.rotate", "began to seal under a new data key", "key", "replaces"),
        _action("encryption.destroy", "destroyed a data key", "key"),
        _action("system.start", "started", "component"),
        _action("system.recovery_mode", "entered or left recovery mode", "state", "rows"),
        _action("system.demo", "set up the demonstration", "location"),
    ]
)
