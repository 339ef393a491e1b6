"""Every fault the sandbox can show: what it does, how well it is known that receivers do this, what can be set.

Grades: known (a standard says so, or it was seen and reported), relayed (somebody says that eCW does so), assumed.
The table of docs/sandbox.md is made of this (`python -m sandbox --list-faults`).
"""

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where a fault strikes. One fault of ANSWER at most strikes a message; of the others all that are drawn."""

    ANSWER = "answer"  # whether and how a message is filed and answered
    FILING = "filing"  # what becomes of its text
    READING = "reading"  # how the chart is read back
    POPULATING = "populating"  # whether and how a visit's template is filled over the Open API, and answered
    FHIR = "fhir"  # whether and how what came by FHIR or the Open API is filed and answered
    TOKEN = "token"  # noqa: S105 - how the authorization server answers


@dataclass(frozen=True)
class Parameter:
    """Something to set; its type is the type of its default; `choices` empty: anything of that type."""

    name: str
    default: str | int | float
    says: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class FaultKind:
    """One kind of fault."""

    name: str
    stage: Stage
    grade: str
    source: str  # of the grade
    says: str
    parameters: tuple[Parameter, ...] = ()


SECONDS = "how long"
FIELD = "the field; empty: the last one of the note"
FORMS = ("noise", "no_msa", "empty_id", "lower_case", "line_feeds", "bom")

ANSWER = (
    FaultKind("drop_ack", Stage.ANSWER, "known", "Mirth Connect issue 1314", "Files the note and answers nothing."),
    FaultKind("no_file_no_ack", Stage.ANSWER, "known", "a receiver that crashes", "Neither files nor answers."),
    FaultKind(
        "delay_ack",
        Stage.ANSWER,
        "known",
        "Mirth Connect issues 1441, 2070",
        "Files at once and answers late.",
        (Parameter("seconds", 10.0, SECONDS),),
    ),
    FaultKind(
        "delay_filing",
        Stage.ANSWER,
        "assumed",
        "asynchronous interface engines",
        "Files late, and answers when it has filed: whoever looks too early finds nothing.",
        (Parameter("seconds", 10.0, SECONDS),),
    ),
    FaultKind(
        "wrong_id_ack",
        Stage.ANSWER,
        "known",
        "Mirth Connect issue 1314",
        "Files, and answers with the control id of the message before.",
    ),
    FaultKind("double_ack", Stage.ANSWER, "assumed", "a gateway that resends", "Files once and answers twice."),
    FaultKind(
        "cut_before_file",
        Stage.ANSWER,
        "known",
        "a receiver or network that restarts",
        "Closes the socket and files nothing.",
    ),
    FaultKind(
        "cut_after_file",
        Stage.ANSWER,
        "known",
        "a receiver or network that restarts",
        "Files, then closes the socket without an answer.",
    ),
    FaultKind(
        "partial_ack",
        Stage.ANSWER,
        "assumed",
        "a receiver that dies while it answers",
        "Files and sends only the first half of the answer.",
    ),
    FaultKind(
        "slow_ack",
        Stage.ANSWER,
        "assumed",
        "a congested link",
        "Files and sends the answer one byte at a time.",
        (Parameter("seconds", 1.0, "the pause between two bytes"),),
    ),
    FaultKind(
        "endless_ack",
        Stage.ANSWER,
        "assumed",
        "a port where something else listens",
        "Files and sends an answer that never ends.",
    ),
    FaultKind(
        "garbage_ack",
        Stage.ANSWER,
        "assumed",
        "interface engines off the standard",
        "Files and answers out of shape.",
        (Parameter("form", "noise", "what is wrong with the answer", FORMS),),
    ),
    FaultKind(
        "drop_application_ack",
        Stage.ANSWER,
        "assumed",
        "HL7 v2.5.1 §2.9.3 promises no time",
        "Files and, in enhanced mode, sends CA but never AA. In original mode it answers nothing.",
    ),
    FaultKind(
        "ae",
        Stage.ANSWER,
        "known",
        "HL7 v2.5.1 §2.9.2",
        "Files nothing and answers AE: something in the message has to be put right first.",
        (Parameter("text", "Application error.", "the words of MSA-3"),),
    ),
    FaultKind(
        "ar",
        Stage.ANSWER,
        "known",
        "HL7 v2.5.1 §2.9.2",
        "Files nothing and answers AR: the receiver cannot take the message.",
        (Parameter("text", "Application reject.", "the words of MSA-3"),),
    ),
)
FILING = (
    FaultKind(
        "silent_drop",
        Stage.FILING,
        "relayed",
        "integration guides for eCW",
        "Loses one field behind a positive answer.",
        (Parameter("field_id", "", FIELD),),
    ),
    FaultKind(
        "move_field",
        Stage.FILING,
        "relayed",
        "integration guides for eCW",
        "Files one field's text in another field, below what that one holds, behind a positive answer.",
        (
            Parameter("from", "", "the field; empty: the first one of the note"),
            Parameter("to", "", "where its text goes; empty: the template's next field"),
        ),
    ),
    FaultKind(
        "truncate",
        Stage.FILING,
        "assumed",
        "eCW publishes no size limits for this way",
        "Cuts a field's text behind a positive answer.",
        (Parameter("field_id", "", FIELD), Parameter("length", 20, "characters that are kept")),
    ),
    FaultKind(
        "duplicate_filing",
        Stage.FILING,
        "assumed",
        "eCW documents no de-duplication",
        "Files the note twice, behind one positive answer.",
    ),
    FaultKind(
        "keep_left_out",
        Stage.FILING,
        "assumed",
        "what a correction does to fields it leaves out is not documented",
        "Files a correction over the note's earlier filing: a field that it leaves out keeps its text.",
    ),
    FaultKind(
        "other_template",
        Stage.FILING,
        "assumed",
        "a visit that somebody opened under another template",
        "Files the note's texts under another template than the one named, behind a positive answer.",
        (Parameter("template", "OTHER", "the template's code"),),
    ),
    FaultKind(
        "any_patient",
        Stage.FILING,
        "assumed",
        "a receiver that does not hold the patient against the visit",
        "Files a note that names another patient than its visit has, behind a positive answer.",
    ),
)
READING = (
    FaultKind(
        "read_http_500",
        Stage.READING,
        "relayed",
        "eCW is said to answer access_denied as 500",
        "Answers a read with a server error.",
        (Parameter("status", 500, "the HTTP status"),),
    ),
    FaultKind(
        "read_slow",
        Stage.READING,
        "assumed",
        "a busy server",
        "Answers a read late.",
        (Parameter("seconds", 10.0, SECONDS),),
    ),
    FaultKind(
        "read_unauthorized",
        Stage.READING,
        "known",
        "tokens run out; eCW's after 300 s",
        "Answers a read with 401, as with a token that ran out.",
    ),
    FaultKind(
        "read_stale",
        Stage.READING,
        "assumed",
        "read replicas and caches",
        "Shows the chart as it was some seconds ago.",
        (Parameter("seconds", 30.0, "how far reading lags behind filing"),),
    ),
    FaultKind(
        "read_rate_limit",
        Stage.READING,
        "relayed",
        "250 a minute for each practice code",
        "Answers 429, without Retry-After, to a practice's reads over the limit, until the clock's minute is over.",
        (Parameter("per_minute", 250, "reads a minute for each practice code"),),
    ),
)
POPULATING = (
    FaultKind(
        "populate_status",
        Stage.POPULATING,
        "known",
        "HTTP",
        "Fills no template and answers with an HTTP status.",
        (Parameter("status", 503, "the HTTP status"),),
    ),
    FaultKind(
        "populate_no_answer",
        Stage.POPULATING,
        "known",
        "a server that restarts",
        "Neither fills a template nor answers.",
    ),
    FaultKind(
        "populate_cut",
        Stage.POPULATING,
        "known",
        "a server that restarts",
        "Fills the template and closes without an answer.",
    ),
    FaultKind(
        "populate_nothing",
        Stage.POPULATING,
        "assumed",
        "a server that answers before it works",
        "Says that the template is filled and fills none.",
    ),
    FaultKind(
        "populate_other",
        Stage.POPULATING,
        "assumed",
        "a default template of the provider's",
        "Says that the template is filled and fills another.",
        (Parameter("template", "OTHER", "the template's code"),),
    ),
)
FHIR = (
    FaultKind(
        "fhir_status",
        Stage.FHIR,
        "known",
        "HTTP",
        "Files nothing and answers with an HTTP status.",
        (Parameter("status", 503, "the HTTP status"),),
    ),
    FaultKind(
        "fhir_code",
        Stage.FHIR,
        "relayed",
        "client code that talks to eCW",
        "Files nothing and answers HTTP 200 with a code of eCW's own.",
        (Parameter("code", "305", "eCW's code"),),
    ),
    FaultKind(
        "fhir_error_filed",
        Stage.FHIR,
        "known",
        "a gateway that gives up before the server",
        "Files and answers with a server error.",
        (Parameter("status", 500, "the HTTP status"),),
    ),
    FaultKind(
        "fhir_unauthorized", Stage.FHIR, "known", "RFC 6750", "Files nothing and answers 401 to a token that is good."
    ),
    FaultKind(
        "fhir_login_page", Stage.FHIR, "known", "proxies and portals", "Answers with a sign-in page and HTTP 200."
    ),
    FaultKind("fhir_no_answer", Stage.FHIR, "known", "a server that restarts", "Neither files nor answers."),
    FaultKind("fhir_cut_filed", Stage.FHIR, "known", "a server that restarts", "Files and closes without an answer."),
    FaultKind(
        "fhir_slow",
        Stage.FHIR,
        "assumed",
        "a busy server",
        "Files at once and answers late.",
        (Parameter("seconds", 10.0, SECONDS),),
    ),
)
TOKEN = (
    FaultKind("oauth_denied", Stage.TOKEN, "known", "RFC 6749, 4.1.2.1", "The person at eCW says no."),
    FaultKind("oauth_server_error", Stage.TOKEN, "known", "HTTP", "The token endpoint answers 503 and issues nothing."),
    FaultKind(
        "oauth_access_denied",
        Stage.TOKEN,
        "relayed",
        "eCW is said to answer access_denied as 500",
        "The token endpoint refuses access with HTTP 500.",
    ),
    FaultKind(
        "oauth_answer_lost",
        Stage.TOKEN,
        "known",
        "a connection that breaks",
        "The token endpoint issues (and rotates), and its answer is lost.",
    ),
)
KINDS = {kind.name: kind for kind in (*ANSWER, *FILING, *READING, *POPULATING, *FHIR, *TOKEN)}


def as_markdown() -> str:
    """The table of docs/sandbox.md."""
    lines = [
        "| fault | strikes | grade, and why | what the sandbox does | settings (default) |",
        "|---|---|---|---|---|",
    ]
    for kind in KINDS.values():
        grade = f"{kind.grade}: {kind.source}"
        settings = "; ".join(words(parameter) for parameter in kind.parameters)
        lines.append(f"| `{kind.name}` | {kind.stage} | {grade} | {kind.says} | {settings} |")
    return "\n".join(lines) + "\n"


def words(parameter: Parameter) -> str:
    """A parameter, its choices and its default in words."""
    choices = f": {', '.join(parameter.choices)}" if parameter.choices else ""
    default = f" ({parameter.default})" if parameter.default != "" else ""
    return f"`{parameter.name}`: {parameter.says}{choices}{default}"
