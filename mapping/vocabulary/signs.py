"""Words that make a label one section's, whatever of the section's kind stands beside them ("Cardiac impression")."""

from dataclasses import dataclass

from mapping.vocabulary.rungs import Rung
from mapping.vocabulary.words import plain, stems


@dataclass(frozen=True)
class Sign:
    """Any of the `heads` names the section where what stands beside it is of the kinds `beside` (elements.py).

    `needs`: one of these kinds has to stand there, of `beside` at least so many phrases as `least` says. `more`:
    further words that may; with `anything` all may; with `last` all may before it, which stands at the end.
    None of `never`, and of CHANGING none but those of `more`.
    """

    code: str
    heads: tuple[frozenset[str], ...]
    beside: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    more: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()
    anything: bool = False
    last: bool = False
    least: int = 0
    rung: Rung = Rung.CONTENT


# They change nothing of a list: "BP both arms", "Prior surgeries and dates".
_FILLING = """
    both other others all any anything type kind year when where if positive negative about etc important
    special present absent including include incl general specific new past prior previous current active first
    degree history problem status use used list detail key main recent last since so far what how why that who
    patient pt today visit clinic office now then non normal abnormal related known own self home level serial
    trend month day week wks mos mo wk yr per each every right left bilateral prn daily dose como cuando donde
    que se lo lleva hace esta estan ha tiene han quien do does did you take are is were was be es a le had have
    has ever early va os od ou bilateral newborn infant neg except unless personally
"""
FILLING = frozenset(_FILLING.split())
# They may make another thing of a heading, but not of a list: "HPV / flu / Tdap status".
LISTED = frozenset({"status", "history", "past", "prior", "previous"})


def heads(phrases: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(stems(plain(phrase))) for phrase in phrases.split("|"))


def words(names: str) -> frozenset[str]:
    return frozenset(names.split())


_RELATIVES = """relative | kin | first degree | blood relative | parent sibling | mother father sibling | sibling
    | padre hermano | parent brother | brother sister | mother father | parent grandparent | parientes"""

# In order: the first that fits is meant. "MRI ordered" are orders, "Anesthesia reactions in family" are of the family.
SIGNS: tuple[Sign, ...] = (
    Sign(
        "family_history",
        heads(_RELATIVES),
        never=words("concern contact present contraindication phone name history_of_present meeting education"),
        anything=True,
    ),
    Sign(
        "family_history",
        heads("family"),
        beside=words("condition body"),
        needs=words("condition"),
        more=words("history run runs in illness member tree early young age"),
        never=words("planning concern medicine education"),
    ),
    Sign(
        "allergies",
        heads("allergy | intolerance | nkda | allergic | adverse reaction"),
        beside=words("allergen drug condition"),
        more=words("med incl environmental reaction rxn"),
        never=words(
            "test testing immunization immunotherapy order ordered clinic specialist injection family action plan "
            "history_of"
        ),
    ),
    Sign(
        "allergies",
        heads("reaction medication | reaction drug | reaction food"),
        beside=words("allergen drug"),
        never=words("test ordered infusion transfusion"),
    ),
    Sign(
        "orders",
        heads(
            "ordered | order | to order | requested | que piden | que pide | solicitado | sent referral | made referral"
        ),
        beside=words("lab image drug place done"),
        more=words(
            "next before screening referral signed sent placed needed today testing scope dme pt ot therapy "
            "imaging screen "
            "orthotic device brace equipment genetic allergy sleep done rx entered this visit patient consult "
            "consultation monitoring"
        ),
        never=words("consultation status past reviewed result set court record number future standing"),
    ),
    Sign(
        "orders",
        heads(
            "lab before next | lab be done | imaging be done | test be done | rx sent referral | study que piden | "
            "lab be drawn | test be drawn | lab next visit | test next visit | testing next visit | imaging next visit"
        ),
        beside=words("lab image drug"),
        more=words("referral sent done be drawn imaging lab test testing fasting before next visit appointment"),
        never=words("reviewed result"),
    ),
    Sign(
        "patient_instructions",
        heads("instruction | advice | handout | teaching | taught | tip | homework given | aftercare"),
        beside=words("instructed body place lab image drug condition done"),
        more=words(
            "info information action plan technique given patient family caregiver parent sheet prep post "
            "procedure discharge home care medical reviewed written verbal provided lifestyle warning sign sent "
            "safety preparation aftercare avs"
        ),
        never=words("sig dosing referral order billing admission"),
    ),
    Sign(
        "patient_instructions",
        heads("education | counseling | counselling | sheet given | red flag | home care"),
        beside=words("instructed"),
        needs=words("instructed"),
        more=words("newborn infant given patient red flag provided sheet limit care home"),
        never=words("protection level school genetic time minute highest history"),
    ),
    Sign(
        "follow_up",
        heads(
            "return clinic | return office | recheck | next appointment | next visit | return visit | see back | "
            "come back | return | follow up | next televisit | next annual | next well child check | next "
            "obstetric appointment"
        ),
        beside=words("place"),
        more=words(
            "interval testing month in office annual week procedure after pcp mos wks recheck televisit office "
            "visit weeks with home facility back obstetric timing or provider who well child check appointment "
            "day sooner "
            "imaging postoperative preoperative"
        ),
        never=words("provider reason precaution work school concern complaint history interim lab since phone focus"),
    ),
    Sign(
        "procedures",
        heads("performed | done today | today | done | rendered | note | in clinic | clinic | in office | office"),
        beside=words("done body"),
        needs=words("done"),
        more=words("guided us procedure treatment or intervention clinic office visit performed done insertion"),
        never=words("plan result ordered previous past prior reviewed result order last history recent"),
    ),
    Sign(
        "procedures",
        heads(
            "treatment performed | intervention performed | clinic treatment | office treatment | treatment today "
            "| intervention today | treatment clinic"
        ),
        beside=words("done"),
        more=words("procedure or intervention and clinic office performed done today"),
        never=words("plan ordered previous past prior"),
    ),
    Sign(
        "results",
        heads("result | reviewed | read | report | result reviewed | reading | value"),
        beside=words("lab image body place"),
        needs=words("lab image"),
        more=words(
            "reviewed result read report vision hearing external outside chart patient level point care finding "
            "since house in "
            "significant wet"
        ),
        never=words("order ordered procedure status past screening allergy date"),
    ),
    Sign(
        "past_surgical_history",
        heads(
            "surgery | operation | surgical | surgical procedure | operative history | operation history | op "
            "history | surgery history"
        ),
        beside=words("operation body condition done place"),
        more=words("history anesthesia complication procedure joint replacement major minor dates prior previous past"),
        never=words(
            "date_of plan planned indication booking consent center preoperative postoperative clearance "
            "scheduled schedule instruction note recommendation goal need today reason day surgeon family "
            "assessment plan impression exam complaint hospitalization illness medical since"
        ),
    ),
    Sign(
        "medications",
        heads("medication | rx list | medicine | medication list | current rx | rx over counter"),
        beside=words("drug body place condition"),
        more=words(
            "name dose strength frequency sig regimen taken taking toma tomando over counter herbal list incl "
            "outpatient regular started strength"
        ),
        never=words(
            "allergy order ordered given administered sent changed change refill new prior past failed trial "
            "history problem plan instruction education intolerance reaction reconciled discharge reason response "
            "side effect adherence compliance goal today"
        ),
    ),
    Sign(
        "immunizations",
        heads("immunization | vaccine"),
        beside=words("vaccine"),
        more=words("status history up received childhood al dia faltan day missing card school travel titer"),
        never=words("due given ordered order declined today administered plan needed counsel counseling"),
    ),
    Sign(
        "vital_signs",
        heads("vital sign"),
        beside=words("vital"),
        more=words(
            "checkin triage nurse nursing resting reported home cuff scale stat person in orthostatic rest exercise "
            "both arrival remote patient arm lying standing pre post self intake"
        ),
        never=words("exam reviewed_by time"),
    ),
    Sign(
        "physical_exam",
        heads("exam | physical exam"),
        beside=words("body maneuver"),
        more=words(
            "finding focused system targeted video virtual child patient detail limited tbse observation full "
            "preop directed objective including incl today physical via complete"
        ),
        never=words("room code complaint reason date order ordered eye_exam last vision result annual history plan"),
        least=2,
    ),
    Sign(
        "physical_exam",
        heads("exam | physical exam"),
        more=words("head toe finding by system objective pertinent child patient video directed observation"),
    ),
    Sign(
        "physical_exam",
        heads("physical incl | physical including | video exam finding | exam child | physical exam child"),
        beside=words("body maneuver"),
        more=words("obstetric exam patient"),
    ),
    Sign(
        "review_of_systems",
        heads("ros | review system | symptom system | symptom review | positive negative"),
        beside=words("body place"),
        more=words(
            "by pertinent general other systems system positive negative targeted focused symptom review neg pos "
            "except all otherwise checklist unless"
        ),
        never=words("plan exam lab result"),
    ),
    Sign(
        "assessment",
        heads("impression"),
        beside=words("place body condition"),
        more=words(
            "by per problem localization differential status visit clinician provider diagnostic working iup edd "
            "well child medical decision making clinical overall"
        ),
        never=words("imaging radiology xray mri ct echo plan recommendation patient scan ekg"),
    ),
    Sign(
        "assessment",
        heads("assessment"),
        beside=words("place condition"),
        more=words("differential clinical provider problem based diagnosis oriented working"),
        never=words(
            "plan pain wound sleep behavioral sport geriatric vascular hearing family skin foot diabetic allergy "
            "patient bariatric fertility recommendation"
        ),
    ),
    Sign("assessment", heads("problem assessed | problem assessment | assessed problem"), more=words("today")),
    Sign(
        "plan",
        heads("plan | treatment plan | management plan | plan of care"),
        beside=words("place"),
        more=words(
            "therapy management treatment option per by lesion problem injury care prenatal diagnosis issue "
            "system recommended rec recommendation prescription"
        ),
        never=words(
            "pain sleep diet exercise family sport discharge fertility surgical bariatric wound allergy "
            "behavioral diabetes diabetic assessment impression geriatric hearing insurance pcp telehealth"
        ),
    ),
    Sign(
        "plan",
        heads("recommendation | suggestion"),
        beside=words("place"),
        more=words(
            "by per problem care md treatment management provider referring medication therapy change regimen "
            "plan further physician doctor my"
        ),
        never=words("home patient diet family prior outside consultant parent assessment impression exercise"),
        rung=Rung.SECOND,
    ),
    Sign(
        "plan",
        heads("dispo treatment | treatment dispo | treatment disposition | change regimen"),
        more=words("recommendation medication med change plan"),
        rung=Rung.SECOND,
    ),
    Sign(
        "diagnoses",
        heads("diagnosis"),
        beside=words("place"),
        more=words("addressed treatment visit today icd code list"),
        never=words(
            "past admission admitting family referring preoperative postoperative impression assessment plan "
            "reason differential pain history prior psychiatric"
        ),
    ),
    Sign(
        "chief_complaint",
        heads("complaint | injured part | spot concern | lesion concern | here for | why here | why you here"),
        beside=words("place body"),
        more=words("visual chief functional limit main you are injured part concern spot limitation patient"),
        never=words("history billing"),
    ),
    Sign(
        "chief_complaint",
        heads("reason visit | reason appointment | reason encounter"),
        beside=words("place body condition"),
        more=words("today telehealth video clinic initial new"),
        never=words("referral consultation cancel order test medication"),
    ),
    Sign(
        "chief_complaint",
        heads("concern today | problem today | concern | issue today"),
        beside=words("place"),
        needs=words("place"),
        more=words("today main patient parent"),
        never=words("history list"),
    ),
    Sign(
        "chief_complaint",
        heads(
            "main issue | main symptom | primary symptom | main reason | what brings | what bring | que viene | "
            "que preocupa | concern parent | main concern | que duele"
        ),
        more=words("today hoy you in patient here parent issue problem symptom concern visit le"),
        never=words("history list family"),
    ),
    Sign(
        "history_of_present_illness",
        heads(
            "history present illness | history since | interval history | story episode | story | interim history | "
            "concern since last | symptom since last | since last visit | since last seen | happened since last | "
            "since last appointment | present problem | current episode | history since last | symptom narrative | "
            "subjective history | que past since"
        ),
        beside=words("story place body condition"),
        more=words(
            "past que per patient office happened seen appointment episode detail narrative interval illness "
            "injury emergency er visit change event annual current well child check physical wellness surgery "
            "discharge hospital birth"
        ),
        never=words("plan family allergy hospitalization"),
    ),
    Sign(
        "goals",
        heads("goal"),
        beside=words("lab vital place condition"),
        more=words(
            "patient client short long term treatment weight therapy functional rehab self management healing "
            "anticipated expected recovery wellness lifestyle resident caregiver treat target return play sport"
        ),
        never=words("goal_of_care of_care date met pain surgical"),
    ),
    Sign("goals", heads("target"), beside=words("lab vital"), more=words("weight treatment"), never=words("date met")),
    Sign(
        "developmental_history",
        heads("milestone | developmental"),
        beside=words("growing"),
        more=words("met reached developmental achieved"),
        never=words("due"),
    ),
    Sign(
        "ob_gyn_history",
        heads("pregnancy outcome | gtpal | obstetric history | gynecologic history | gravida para | g p"),
        beside=words("obgyn"),
        more=words("outcome complication"),
        never=words("visit exam"),
    ),
)
