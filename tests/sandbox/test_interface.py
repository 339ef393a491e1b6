"""The running sandbox as the product meets it: messages in over MLLP, charts read back over the Open API."""

import json

from tests.sandbox.desk import NORTH, frame, msa, oru


def test_the_ports_are_the_only_line_on_standard_output(running):
    assert json.loads(running.first_line) == {"mllp": running.mllp, "http": running.http}


def test_a_note_is_answered_aa_and_stands_in_its_fields(sandbox):
    assert msa(sandbox.ask(oru([("NF-01", "Cough."), ("NF-02", "Nine days.\\.br\\Dry.")]))) == ("AA", "C1")
    status, chart = sandbox.note()
    assert status == 200
    assert chart["fields"] == {"NF-01": "Cough.", "NF-02": "Nine days.\nDry."}
    assert (chart["encounter_id"], chart["patient_id"], chart["signed"]) == ("E1", "P1", False)
    (filing,) = chart["filings"]
    assert (filing["control_id"], filing["note_id"], filing["template"]) == ("C1", "N1", "FM-PROGRESS")
    assert filing["fields"] == chart["fields"]
    assert filing["filed_at"].endswith("Z")


def test_escaped_text_is_filed_as_it_was_meant(sandbox):
    sandbox.ask(oru([("NF-01", "a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f \\XC3A4\\ ä 漢")]))
    assert sandbox.note()[1]["fields"] == {"NF-01": "a|b^c&d~e\\f ä ä 漢"}


def test_what_was_not_escaped_is_lost_after_the_delimiter(sandbox):
    assert msa(sandbox.ask(oru([("NF-01", "3^2 cm")]))) == ("AA", "C1")
    assert sandbox.note()[1]["fields"] == {"NF-01": "3"}


def test_obx_out_of_order_are_lost_with_a_positive_answer(sandbox):
    answer = sandbox.ask(oru([("NF-01", "cc"), ("NF-03", "ros"), ("NF-02", "hpi"), ("NF-99", "?")]))
    assert msa(answer) == ("AA", "C1")
    assert sandbox.note()[1]["fields"] == {"NF-01": "cc", "NF-03": "ros"}
    (filing,) = sandbox.filings()
    assert [(lost["field_id"], lost["reason"]) for lost in filing["lost"]] == [
        ("NF-99", "unknown_field"),
        ("NF-02", "out_of_order"),
    ]


def test_after_a_swap_a_note_with_both_fields_is_misfiled(sandbox):
    sandbox.api("PUT", "/facilities/NORTH/templates/FM-PROGRESS", NORTH | {"out_of_order": "misfile"})
    swapped = sandbox.api("POST", "/facilities/NORTH/templates/FM-PROGRESS/swap", {"fields": ["NF-02", "NF-03"]})
    assert [field["field_id"] for field in swapped["fields"]][:3] == ["NF-01", "NF-03", "NF-02"]
    sandbox.ask(oru([("NF-01", "cc"), ("NF-02", "hpi"), ("NF-03", "ros")]))
    assert sandbox.note()[1]["fields"] == {"NF-01": "cc", "NF-02": "ros", "NF-03": "hpi"}


def test_a_correction_takes_the_place_of_the_notes_earlier_filing(sandbox):
    sandbox.ask(oru([("NF-01", "cc"), ("NF-02", "hpi")], "C1"))
    sandbox.ask(oru([("NF-03", "other note")], "C2", note_id="N2"))
    sandbox.ask(oru([("NF-01", "cc, amended")], "C3", status="C"))
    chart = sandbox.note()[1]
    assert chart["fields"] == {"NF-03": "other note", "NF-01": "cc, amended"}
    assert [filing["control_id"] for filing in chart["filings"]] == ["C1", "C2", "C3"]


def test_a_second_filing_that_is_no_correction_is_appended(sandbox):
    sandbox.ask(oru([("NF-01", "first"), ("NF-02", "hpi")], "C1"))
    sandbox.ask(oru([("NF-01", "second")], "C2"))
    assert sandbox.note()[1]["fields"] == {"NF-01": "second", "NF-02": "hpi"}


def test_a_repeated_control_id_is_filed_again(sandbox):
    message = oru([("NF-01", "cc")])
    assert msa(sandbox.ask(message)) == msa(sandbox.ask(message)) == ("AA", "C1")
    assert [filing["control_id"] for filing in sandbox.note()[1]["filings"]] == ["C1", "C1"]


def test_an_encounter_keeps_its_patient(sandbox):
    sandbox.ask(oru([("NF-01", "cc")], "C1"))
    assert msa(sandbox.ask(oru([("NF-01", "cc")], "C2", patient="P2"))) == ("AE", "C2")
    assert (
        msa(sandbox.ask(oru([("S.100", "cc")], "C3", patient="P2", facility="SOUTH", template="SM-VISIT")))[0] == "AA"
    )


def test_nothing_filed_is_an_empty_chart(sandbox):
    assert sandbox.note("E404") == (
        200,
        {"encounter_id": "E404", "patient_id": "", "signed": False, "template": "", "filings": [], "fields": {}},
    )


def test_reading_needs_the_token_a_practice_and_a_facility(sandbox):
    assert sandbox.note(token="wrong")[0] == 401
    assert sandbox.note(token="ß")[0] == 401
    assert sandbox.note(practice="lakeside")[0] == 404
    assert sandbox.note(facility="EAST")[0] == 404
    assert sandbox.note(practice="HARBOR")[0] == 200


def test_encounters_and_facilities_may_hold_any_character(sandbox):
    sandbox.api("PUT", "/facilities/N%20%2F%C3%84/templates/T%2F1", {"fields": [{"field_id": "A"}]})
    message = oru([("A", "x")], facility="N /Ä", encounter="E/1 ?%20", template="T/1")
    assert msa(sandbox.ask(message)) == ("AA", "C1")
    assert sandbox.note("E/1 ?%20", "N /Ä")[1]["fields"] == {"A": "x"}


def test_several_sockets_and_pipelined_messages_are_answered_in_order(sandbox):
    with sandbox.wire() as one, sandbox.wire() as two:
        one.send(b"".join(frame(oru([("NF-01", "x")], f"A{n}", encounter=f"A{n}")) for n in range(20)))
        two.send(b"".join(frame(oru([("NF-01", "x")], f"B{n}", encounter=f"B{n}")) for n in range(20)))
        assert [msa(one.answer()) for _ in range(20)] == [("AA", f"A{n}") for n in range(20)]
        assert [msa(two.answer()) for _ in range(20)] == [("AA", f"B{n}") for n in range(20)]
    assert len(sandbox.filings()) == 40


def test_filings_are_paged_and_filtered_by_facility(sandbox):
    for number in range(5):
        sandbox.ask(oru([("NF-01", "x")], f"C{number}"))
    sandbox.ask(oru([("S.100", "x")], "C9", facility="SOUTH", template="SM-VISIT"))
    page = sandbox.api("GET", "/filings?limit=4")
    assert [row["control_id"] for row in page["filings"]] == ["C0", "C1", "C2", "C3"]
    rest = sandbox.api("GET", f"/filings?limit=4&after={page['next']}")
    assert [row["control_id"] for row in rest["filings"]] == ["C4", "C9"]
    assert rest["next"] is None
    assert [row["control_id"] for row in sandbox.filings(facility="SOUTH")] == ["C9"]
    assert sandbox.filings(fields=1)[0]["fields"] == {"NF-01": "x"}
    assert "fields" not in sandbox.filings()[0]
