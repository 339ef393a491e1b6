"""The sandbox's own pages and the API that drives it."""

import csv
import io
import json
import re
from urllib.parse import urlencode

import pytest

from sandbox.html import el
from sandbox.template import BadTemplate, template_from_json
from tests.browsing import assert_looks_right
from tests.sandbox.desk import NORTH, msa, oru

NASTY = "<script>alert(1)</script>\"'&amp;"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def get(sandbox, path):
    status, headers, body = sandbox.call("GET", path)
    return status, headers, body.decode()


def post(sandbox, path, form, **headers):
    status, answer, body = sandbox.call("POST", path, urlencode(form), FORM | headers)
    return status, answer, body.decode()


def test_the_chart_shows_every_field_in_template_order_with_whitespace_kept(sandbox):
    sandbox.ask(oru([("NF-02", "one\\.br\\  - two"), ("NF-04", "exam")]))
    _, _, text = get(sandbox, "/facilities/NORTH/encounters/E1")
    note = text[text.index("<dl>") : text.index("</dl>")]
    assert re.findall(r"<code>([^<]*)</code>", note) == [f"NF-0{n}" for n in range(1, 7)]
    assert '<dd class="text">one\n  - two</dd>' in note
    assert note.count(">Empty<") == 4


def test_the_history_shows_what_was_lost_and_the_message_as_it_came(sandbox):
    sandbox.ask(oru([("NF-03", "ros"), ("NF-02", "hpi"), ("NF-99", "?")]))
    sandbox.ask(oru([("NF-02", "amended")], "C2", status="C"))
    _, _, text = get(sandbox, "/facilities/NORTH/encounters/E1")
    assert "NF-02: out of the template&#x27;s order, dropped" in text
    assert "NF-99: not in the template, dropped" in text
    assert "replaced by a correction" in text
    assert text.index("Correction ") < text.index("replaced by")
    assert "OBX|1|FT|NF-03^Label^L||ros||||||F" in text


def test_misfiled_text_is_shown_with_where_it_went(sandbox):
    sandbox.api("PUT", "/facilities/NORTH/templates/FM-PROGRESS", NORTH | {"out_of_order": "misfile"})
    sandbox.ask(oru([("NF-03", "ros"), ("NF-02", "hpi")]))
    assert (
        "NF-03: out of the template&#x27;s order, filed as NF-02" in get(sandbox, "/facilities/NORTH/encounters/E1")[2]
    )


def test_S18_everything_a_sender_writes_is_escaped(sandbox):
    fields = {"fields": [{"field_id": NASTY, "label": NASTY}], "name": NASTY}
    sandbox.api("PUT", "/facilities/%3Cscript%3E/templates/%3Cscript%3E", fields)
    nasty = NASTY.replace("&", "\\T\\")
    answer = sandbox.ask(
        oru(
            [(nasty, nasty)],
            facility="<script>",
            template="<script>",
            encounter="<script>",
            patient="<script>",
            note_id=nasty,
        )
    )
    assert msa(answer)[0] == "AA"
    pages = ["/", "/facilities/%3Cscript%3E", "/facilities/%3Cscript%3E/encounters/%3Cscript%3E", "/faults"]
    for page in [*pages, "/facilities/%3Cscript%3E/templates/%3Cscript%3E", "/facilities/%3Cscript%3E?q=%3Cscript%3E"]:
        status, _, text = get(sandbox, page)
        assert status == 200
        assert "<script" not in text


def test_an_element_escapes_what_was_not_built_here():
    assert el("p", "<b>", el("b", "&"), None, 3, title='"') == '<p title="&quot;">&lt;b&gt;<b>&amp;</b>3</p>'
    assert el("input", value="'<", required=True, checked=False) == '<input value="&#x27;&lt;" required>'


def test_every_page_says_that_this_is_simulated_and_keeps_browsers_strict(sandbox):
    sandbox.ask(oru([("NF-01", "x")]))
    for page in (
        "/",
        "/faults",
        "/facilities/NORTH",
        "/facilities/NORTH/encounters/E1",
        "/facilities/NORTH/templates/FM-PROGRESS",
    ):
        status, headers, text = get(sandbox, page)
        assert status == 200
        assert "Simulated eCW: synthetic notes only" in text
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        title = re.search("<title>(.*?)</title>", text)[1]
        assert "E1" not in title
        assert "P1" not in title


def test_what_is_not_there_is_404(sandbox):
    for page in ("/facilities/EAST", "/facilities/NORTH/encounters/E9", "/facilities/NORTH/templates/X", "/nowhere"):
        assert get(sandbox, page)[0] == 404


def test_encounters_are_listed_latest_first_searched_and_paged(sandbox):
    for number in range(55):
        sandbox.ask(oru([("NF-01", "x")], f"C{number}", encounter=f"E{number:03}", patient=f"P{number % 2}"))
    sandbox.ask(oru([("NF-01", "x")], "C99", encounter="E000", patient="P0"))

    def listed(query):
        return re.findall(r">(E\d\d\d)</a>", get(sandbox, f"/facilities/NORTH{query}")[2])

    assert listed("")[:3] == ["E000", "E054", "E053"]
    assert len(listed("")) == 50
    assert listed("?from=50") == ["E005", "E004", "E003", "E002", "E001"]
    assert listed("?q=E05") == ["E054", "E053", "E052", "E051", "E050"]
    assert set(listed("?q=P1")) == {f"E{number:03}" for number in range(1, 55, 2)}
    assert listed("?q=nothing") == []
    assert len(listed("?from=-3")) == len(listed("?from=x")) == 50


def test_a_note_is_signed_and_opened_on_its_page(sandbox):
    sandbox.ask(oru([("NF-01", "x")]))
    assert post(sandbox, "/facilities/NORTH/encounters/E1/sign", {"signed": "yes"})[0] == 303
    assert sandbox.note()[1]["signed"] is True
    assert "signed, locked" in get(sandbox, "/facilities/NORTH/encounters/E1")[2]
    post(sandbox, "/facilities/NORTH/encounters/E1/sign", {"signed": "no"})
    assert sandbox.note()[1]["signed"] is False


def test_faults_are_switched_on_and_off_on_their_page(sandbox):
    form = {"kind": "delay_ack", "seconds": "2", "probability": "0.25", "facility": "SOUTH", "count": "3"}
    assert post(sandbox, "/faults", form)[0] == 303
    post(sandbox, "/faults", {"kind": "silent_drop", "field_id": "", "probability": "1", "facility": "", "count": ""})
    delay, drop = sandbox.api("GET", "/faults")["faults"]
    assert delay == {
        "kind": "delay_ack",
        "seconds": 2.0,
        "probability": 0.25,
        "facility": "SOUTH",
        "connection": None,
        "count": 3,
        "fired": 0,
    }
    assert (drop["kind"], drop["facility"], drop["count"]) == ("silent_drop", None, None)
    assert "0 of 3" in get(sandbox, "/faults")[2]
    post(sandbox, "/faults/off", {"place": "0"})
    assert [each["kind"] for each in sandbox.api("GET", "/faults")["faults"]] == ["silent_drop"]
    post(sandbox, "/faults/off", {"place": "7"})
    post(sandbox, "/faults/off", {"place": "all"})
    assert sandbox.api("GET", "/faults")["faults"] == []


def test_a_fault_that_makes_no_sense_is_named_on_the_page(sandbox):
    for form in ({"kind": "delay_ack", "probability": "7"}, {"kind": "delay_ack", "seconds": "soon"}, {"kind": "?"}):
        status, _, text = post(sandbox, "/faults", form)
        assert status == 422
        assert 'role="alert"' in text
    assert sandbox.api("GET", "/faults")["faults"] == []


def test_another_sites_page_changes_nothing(sandbox):
    for origin in ("https://elsewhere.example", "null"):
        assert post(sandbox, "/faults", {"kind": "ae", "probability": "1"}, Origin=origin)[0] == 403
    assert sandbox.api("GET", "/faults")["faults"] == []
    own = f"http://127.0.0.1:{sandbox.http}"
    assert post(sandbox, "/faults", {"kind": "ae", "probability": "1"}, Origin=own)[0] == 303


def test_two_fields_are_exchanged_on_the_templates_page(sandbox):
    page = "/facilities/NORTH/templates/FM-PROGRESS"
    assert post(sandbox, page + "/swap", {"first": "NF-01", "second": "NF-06"})[0] == 303
    order = [field["field_id"] for field in sandbox.api("GET", page)["fields"]]
    assert order == ["NF-06", "NF-02", "NF-03", "NF-04", "NF-05", "NF-01"]
    status, _, text = post(sandbox, page + "/swap", {"first": "NF-01", "second": "NF-01"})
    assert status == 422
    assert "two different fields" in text


def test_how_a_template_files_is_set_on_its_page(sandbox):
    page = "/facilities/NORTH/templates/FM-PROGRESS"
    assert post(sandbox, page, {"out_of_order": "misfile", "truncate": "no"})[0] == 303
    template = sandbox.api("GET", page)
    assert (template["out_of_order"], template["truncate"]) == ("misfile", False)
    assert post(sandbox, page, {"out_of_order": "shuffle"})[0] == 422


def test_the_export_is_what_a_director_would_download(sandbox):
    status, headers, text = get(sandbox, "/sandbox/api/facilities/NORTH/templates/FM-PROGRESS.csv")
    assert status == 200
    assert headers["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["Order", "Field Identifier", "Field Label", "Type", "Max Length", "Required"]
    assert rows[1] == ["1", "NF-01", "Chief Complaint", "Free text", "500", "No"]
    assert rows[6] == ["6", "NF-06", "Treatment Plan", "Free text", "", "Yes"]


def test_a_template_comes_back_as_it_was_put(sandbox):
    put = sandbox.api("PUT", "/facilities/EAST/templates/T", NORTH | {"out_of_order": "misfile", "truncate": False})
    assert sandbox.api("GET", "/facilities/EAST/templates/T") == put
    assert [field["label"] for field in put["fields"]] == [field["label"] for field in NORTH["fields"]]
    names = [each["facility"] for each in sandbox.api("GET", "/facilities")["facilities"]]
    assert names == ["EAST", "NORTH", "SOUTH"]


def test_positions_decide_the_order_not_the_list():
    fields = [{"field_id": "B", "position": 20}, {"field_id": "A", "position": 10}]
    assert [field.field_id for field in template_from_json("F", "T", {"fields": fields}).fields] == ["A", "B"]


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"fields": []},
        {"fields": {}},
        {"fields": [{"label": "x"}]},
        {"fields": [{"field_id": " "}]},
        {"fields": [{"field_id": "A"}, {"field_id": "A"}]},
        {"fields": [{"field_id": "A", "position": 1}, {"field_id": "B", "position": 1}]},
        {"fields": [{"field_id": "A", "position": 0}]},
        {"fields": [{"field_id": "A", "position": True}]},
        {"fields": [{"field_id": "A", "max_length": 0}]},
        {"fields": [{"field_id": "A", "max_length": "9"}]},
        {"fields": [{"field_id": "A", "kind": "other"}]},
        {"fields": [{"field_id": "A"}], "out_of_order": "shuffle"},
    ],
)
def test_a_template_that_makes_no_sense_is_refused(body):
    with pytest.raises(BadTemplate):
        template_from_json("NORTH", "T", body)


def test_bad_requests_to_the_api_are_named(sandbox):
    template = "/sandbox/api/facilities/NORTH/templates/FM-PROGRESS"
    for method, path, body, status in (
        ("PUT", template, "{", 400),
        ("PUT", template, {"fields": []}, 400),
        ("POST", template + "/swap", {"fields": ["NF-01"]}, 400),
        ("POST", template + "/swap", {"fields": ["NF-01", "NF-77"]}, 400),
        ("POST", template + "/swap", ["NF-01", "NF-02"], 400),
        ("POST", "/sandbox/api/facilities/NORTH/templates/X/swap", {"fields": ["NF-01", "NF-02"]}, 404),
        ("GET", "/sandbox/api/facilities/NORTH/templates/X", None, 404),
        ("GET", "/sandbox/api/filings?after=x", None, 400),
        ("PUT", "/sandbox/api/facilities/NORTH/encounters/E1", {"signed": "yes"}, 400),
    ):
        answered, _, text = sandbox.call(method, path, body)
        assert answered == status
        assert json.loads(text)["error"]


def test_reset_forgets_everything_or_keeps_the_templates(sandbox):
    sandbox.ask(oru([("NF-01", "x")]))
    sandbox.api("PUT", "/facilities/NORTH/encounters/E1", {"signed": True})
    sandbox.api("POST", "/faults", {"kind": "read_slow", "seconds": 5})
    sandbox.api("POST", "/reset", {"keep_templates": True})
    assert sandbox.api("GET", "/health") == {"status": "ok", "filings": 0, "mllp": sandbox.mllp}
    empty = {"encounter_id": "E1", "patient_id": "", "signed": False, "template": "", "filings": [], "fields": {}}
    assert sandbox.note()[1] == empty
    assert msa(sandbox.ask(oru([("NF-01", "x")])))[0] == "AA"
    sandbox.api("POST", "/reset")
    assert sandbox.api("GET", "/facilities") == {"facilities": []}
    assert sandbox.note()[0] == 404


@pytest.mark.browser
def test_the_pages_fit_the_screen_and_can_be_used_by_everyone(sandbox, browser):
    sandbox.ask(oru([("NF-01", "word" * 200), ("NF-02", "hpi")]))
    sandbox.api("POST", "/faults", {"kind": "delay_ack", "count": 3})
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    tab = context.new_page()
    for page in (
        "/",
        "/facilities/NORTH",
        "/facilities/NORTH/encounters/E1",
        "/facilities/NORTH/templates/FM-PROGRESS",
        "/faults",
    ):
        tab.goto(f"http://127.0.0.1:{sandbox.http}{page}")
        for details in tab.locator("details").all()[:2]:
            details.locator("summary").click()
        assert_looks_right(tab)
    context.close()


@pytest.mark.browser
def test_a_fault_is_switched_on_by_hand_and_strikes(sandbox, browser):
    tab = browser.new_page()
    tab.goto(f"http://127.0.0.1:{sandbox.http}/faults")
    details = tab.locator("details", has=tab.locator("code", has_text=re.compile("^truncate$")))
    details.locator("summary").click()
    details.get_by_label("length").fill("3")
    details.get_by_role("button", name="Switch on").click()
    assert tab.locator("table").inner_text().count("truncate") == 1
    sandbox.ask(oru([("NF-01", "chief complaint")]))
    assert sandbox.note()[1]["fields"] == {"NF-01": "chi"}
    tab.goto(f"http://127.0.0.1:{sandbox.http}/facilities/NORTH/encounters/E1")
    tab.get_by_role("button", name="Sign and lock").click()
    assert sandbox.note()[1]["signed"] is True
    tab.close()
