"""Each reason keeps the promise of its kind: sent or not, whose job, a button that can be pressed where it stands.

The kinds are those of delivery/channels/base.py: Unavailable (no byte left), NoAnswer (perhaps it arrived), Refused
(not filed), CannotExpress and the gates (it waits). The lists are written by hand from the fault matrix, so that a
text that promises something else is a failure.
"""

import re

import pytest

from delivery import breaker, overtaken
from delivery.channels import ecw_codes
from delivery.deeds import DEEDS
from delivery.failures import CATALOGUE, FAMILIES, Button, Failure, Owner, failure
from delivery.oauth.renewal import LASTING
from delivery.states import State

# No byte of the note left: N01, N03, N15 to N18, P10, and every sign-in that failed before the note (A01 to A04).
NEVER_LEFT = [
    "connection_refused", "dns", "connect_timeout", "unreachable", "peer_closed", "target_not_allowed",
    "tls_expired", "tls_not_yet_valid", "tls_wrong_host", "tls_unknown_ca", "tls_version", "tls_client_certificate",
    "tls_not_spoken", "tls_revoked", "tls_strict", "tls_other",
    "lease_lost", "worker_ended", "batch_ended", "unauthorized", "invalid_grant", "connection_misconfigured",
    "not_connected", "invalid_client", "scope_refused", "oauth_access_denied", "oauth_refused", "oauth_no_pkce",
    "oauth_discovery", "oauth_no_answer", "oauth_server_error", "oauth_unreadable", "fhir_no_endpoint", "fhir_busy",
]  # fmt: skip
# Perhaps it arrived: N02, N05, N07, N09, N13, A10, A12.
IN_DOUBT = [
    "no_answer", "cut_after_send", "wrong_control_id", "answer_without_id", "unreadable_answer", "answer_too_long",
    "partial_answer", "fhir_server_error", "fhir_contradiction", "fhir_unknown_code", "crash", "lease_expired",
    "recovery_mode",
]  # fmt: skip
# The receiver said no for good.
NOT_FILED = [
    "ae", "ce", "fhir_forbidden", "fhir_bad_request", "fhir_multiple_matches", "fhir_too_large", "fhir_redirected",
    "ecw_100", "ecw_101", "ecw_108", "ecw_109", "ecw_114", "ecw_123", "ecw_139", "ecw_201", "ecw_202", "ecw_301",
    "ecw_302", "ecw_303", "ecw_304", "ecw_305", "ecw_306", "ecw_307", "ecw_308", "ecw_2024", "ecw_2025", "ecw_2026",
    "ecw_2027",
]  # fmt: skip
# Held before it could leave.
WAITING = [
    "unmapped_section", "template_drift", "no_mapping", "no_template", "no_route", "part_not_supported",
    "nothing_to_send", "agreement_missing", "location_locked", "text_too_long", "over_limit", "unsendable_rule",
    "over_length", "structured_field", "required_field_empty", "mapping_changed", "template_changed",
    "connection_disabled", "environment_mismatch", "cannot_express", "obx_order", "hl7", "lint", "split_rest",
    "split_heading_repeated", "fhir_author_missing", "fhir_encounter_missing", "fhir_patient_missing", "fhir_id",
    "fhir_invalid", "fhir_section_name", "fhir_section_name_twice", "pdf_characters", "ccda_both_forms",
    "ccda_character",
]  # fmt: skip
# Held before they could leave, and the note without them.
ENTRIES_WAIT = [
    "diagnosis_form", "diagnosis_unknown", "diagnosis_not_billable", "diagnosis_snomed", "drug_unknown",
    "drug_ndc_ambiguous", "drug_code_form", "drug_codes_disagree", "drug_without_code",
    "immunization_code", "immunization_date", "observation_not_vital", "observation_time", "observation_unit",
    "entries_sent_before",
]  # fmt: skip
BACK_TO_CHART = "The chart is looked at before anything is sent again; nothing is resent blindly."


def entry(code: str) -> Failure:
    assert code in CATALOGUE, f"{code} has no entry"
    return CATALOGUE[code]


class TestWhatNeverLeft:
    @pytest.mark.parametrize("code", NEVER_LEFT)
    def test_says_that_no_byte_left_and_that_it_goes_by_itself(self, code):
        assert "No byte of the note left; it is tried again by itself." in entry(code).happened

    @pytest.mark.parametrize("code", NEVER_LEFT)
    def test_never_says_that_the_chart_is_to_be_looked_at(self, code):
        assert BACK_TO_CHART not in entry(code).happened

    @pytest.mark.parametrize("code", NEVER_LEFT)
    def test_offers_nothing_but_the_way_to_the_connection(self, code):
        """It is READY: there is nothing to decide, to release or to send again."""
        assert entry(code).button in (Button.CONNECTION, Button.NONE)


class TestADoubt:
    @pytest.mark.parametrize("code", IN_DOUBT)
    def test_says_that_the_chart_is_looked_at_and_nothing_resent_blindly(self, code):
        assert BACK_TO_CHART in entry(code).happened

    @pytest.mark.parametrize("code", IN_DOUBT)
    def test_never_says_that_nothing_left_or_was_filed(self, code):
        assert not re.search(r"No byte|was not filed|nothing of it was sent", entry(code).happened)

    @pytest.mark.parametrize("code", IN_DOUBT)
    def test_offers_a_look_into_the_chart(self, code):
        assert entry(code).button is Button.VERIFY

    @pytest.mark.parametrize("code", IN_DOUBT)
    def test_never_advises_to_send_it_again(self, code):
        assert not re.search(r"\bsend\b|\bresend", entry(code).todo.lower())


class TestARefusal:
    @pytest.mark.parametrize("code", NOT_FILED)
    def test_says_that_the_note_was_not_filed(self, code):
        assert "The note was not filed." in entry(code).happened

    @pytest.mark.parametrize("code", NOT_FILED)
    def test_promises_no_further_try_by_itself(self, code):
        assert "by itself" not in entry(code).happened + entry(code).todo

    @pytest.mark.parametrize("code", [code for code in NOT_FILED if CATALOGUE[code].button is Button.REPLAY])
    def test_with_a_button_to_send_it_anew_stands_where_that_is_possible(self, code):
        replay = next(deed for deed in DEEDS if deed.verb == "replay")
        assert State.REJECTED in replay.states


class TestWhatWaits:
    @pytest.mark.parametrize("code", WAITING)
    def test_says_that_it_waits_and_that_nothing_of_it_was_sent(self, code):
        assert entry(code).happened.endswith("The note waits; nothing of it was sent.")

    @pytest.mark.parametrize("code", ENTRIES_WAIT)
    def test_says_of_entries_that_the_text_goes_without_them(self, code):
        assert re.search(r"wait; nothing of them was sent\. The note's text goes without them\.$", entry(code).happened)

    @pytest.mark.parametrize("code", [*WAITING, *ENTRIES_WAIT])
    def test_offers_no_look_into_a_chart_that_cannot_hold_it(self, code):
        assert entry(code).button not in (Button.VERIFY, Button.DECIDE, Button.REPLAY)

    @pytest.mark.parametrize(
        "code", ["unmapped_section", "no_mapping", "split_rest", "structured_field", "template_changed"]
    )
    def test_for_a_mapping_leads_to_the_mapping_and_is_the_practices_job(self, code):
        assert (entry(code).owner, entry(code).button) == (Owner.PRACTICE, Button.MAPPING)

    def test_for_an_agreement_leads_to_the_agreements(self):
        assert (entry("agreement_missing").owner, entry("agreement_missing").button) == (
            Owner.PRACTICE,
            Button.AGREEMENT,
        )

    def test_for_a_missing_connection_leads_to_the_location_and_is_its_own_its_job(self):
        assert (entry("no_route").owner, entry("no_route").button) == (Owner.IT, Button.LOCATION)


# docs of eCW's error codes as relayed by client code: the number, and the words that have to be said of it.
ECW_SAYS = [
    ("100", "patient id"), ("101", "author"), ("108", "characters"), ("109", "larger"), ("114", "MIME type"),
    ("123", "encounter"), ("139", "addendum"), ("201", "more than one patient"), ("202", "exists already"),
    ("301", "MSH is missing"), ("302", "content table"), ("303", "does not belong to this patient"),
    ("304", "no such encounter"), ("305", "exception"), ("306", "PROG is missing"), ("307", "OBR is missing"),
    ("308", "not set up"), ("2024", "RxNorm code is mandatory"), ("2025", "strength or formulation"),
    ("2026", "medication type is missing"), ("2027", "same drug compendia"),
]  # fmt: skip


class TestEcwsOwnCodes:
    @pytest.mark.parametrize("number, words", ECW_SAYS)
    def test_each_is_told_with_its_number_and_its_meaning(self, number, words):
        said = entry(f"ecw_{number}").happened
        assert said.startswith(f"eCW answered {number}: ")
        assert words in said

    @pytest.mark.parametrize("number, words", ECW_SAYS)
    def test_each_is_shown_with_its_number_in_the_list_or_named_without_one(self, number, words):
        assert f"({number})" in entry(f"ecw_{number}").title

    @pytest.mark.parametrize("number, words", ECW_SAYS)
    def test_each_is_the_reason_that_the_channel_gives(self, number, words):
        assert ecw_codes.reason(number) == f"ecw_{number}"

    def test_there_are_these_and_no_others(self):
        listed = {code.removeprefix("ecw_") for code in CATALOGUE if code.startswith("ecw_")}
        assert {number for number in listed if number.isdigit()} == {number for number, _ in ECW_SAYS}

    @pytest.mark.parametrize("number", ["201", "202"])
    def test_those_that_look_like_https_say_that_they_are_not(self, number):
        assert "not HTTP's" in entry(f"ecw_{number}").happened

    @pytest.mark.parametrize("other", ["1", "0", "", "200", "99", "1000", "one", " 100", "100 ", "-100", "100.0"])
    def test_anything_else_is_no_reason(self, other):
        assert not ecw_codes.reason(other)

    def test_one_is_success_and_nothing_else(self):
        assert ecw_codes.SUCCESS == "1"


class TestWhoHasToAct:
    @pytest.mark.parametrize("code", sorted(breaker.PERSON_NEEDED))
    def test_whatever_stops_a_connection_for_a_person_is_listed_and_leads_to_it(self, code):
        assert entry(code).button is Button.CONNECTION

    @pytest.mark.parametrize("code", sorted(breaker.PERSON_NEEDED))
    def test_whatever_stops_a_connection_for_a_person_is_not_our_own_job(self, code):
        assert entry(code).owner in (Owner.IT, Owner.ECW)

    @pytest.mark.parametrize("code", sorted(LASTING))
    def test_whatever_a_token_endpoint_refuses_for_long_is_listed(self, code):
        assert entry(code).owner in (Owner.IT, Owner.ECW)

    @pytest.mark.parametrize("code", ["batch_ended", "lease_lost", "worker_ended", "superseded", "replay", "verified"])
    def test_what_needs_nobody_says_so(self, code):
        assert entry(code).todo.startswith("Nothing to do")

    @pytest.mark.parametrize("code", ["blind_receiver", "deadline", "never_understood", "poison"])
    def test_what_is_parked_asks_for_a_decision(self, code):
        assert entry(code).button is Button.DECIDE

    @pytest.mark.parametrize("code", ["missing", "altered", "duplicated", "misfiled", "sections_differ"])
    def test_what_differs_in_the_chart_is_the_practices_and_can_be_looked_at_again(self, code):
        assert (entry(code).owner, entry(code).button) == (Owner.PRACTICE, Button.VERIFY)

    def test_a_withdrawn_note_is_struck_by_the_practice(self):
        assert entry("retract_requested").owner is Owner.PRACTICE
        assert "strike the note" in entry("retract_requested").todo

    def test_what_overtakes_a_delivery_is_listed(self):
        assert {"superseded", "retracted"} <= set(CATALOGUE)
        assert set(overtaken.IN_DOUBT) == {"", "no_answer"}


class TestTheWords:
    @pytest.mark.parametrize("one", CATALOGUE.values(), ids=lambda one: one.code)
    def test_of_a_title_begin_with_a_capital_and_end_without_a_stop(self, one):
        assert one.title[0].isupper() or one.title.startswith("eCW")
        assert not one.title.endswith(".")

    @pytest.mark.parametrize("one", CATALOGUE.values(), ids=lambda one: one.code)
    def test_never_hold_their_own_code(self, one):
        """People read them: a code with underscores stands beside them, not within."""
        assert not re.search(
            r"\b[a-z]+_[a-z_]+\b",
            one.title + one.happened.replace("access_denied", "").replace("invalid_grant", "") + one.todo,
        )

    @pytest.mark.parametrize("one", CATALOGUE.values(), ids=lambda one: one.code)
    def test_never_have_two_spaces_or_lines(self, one):
        assert not re.search(r"\s\s|\n", " ".join((one.title, one.happened, one.todo)))

    @pytest.mark.parametrize("one", CATALOGUE.values(), ids=lambda one: one.code)
    def test_fit_a_screen(self, one):
        assert len(one.happened) <= 360
        assert len(one.todo) <= 240

    @pytest.mark.parametrize("one", CATALOGUE.values(), ids=lambda one: one.code)
    def test_never_call_anything_verified_that_was_only_accepted(self, one):
        if "verified" in (one.happened + one.title).lower():
            assert one.code in ("verified", "displaced", "verification_not_possible", "tls_strict")

    def test_of_one_title_are_those_of_one_reason(self):
        """Two reasons under one title would be one line in every list and nobody could tell them apart."""
        titles: dict[str, list[str]] = {}
        for code, one in CATALOGUE.items():
            titles.setdefault(one.title, []).append(code)
        assert [codes for codes in titles.values() if len(codes) > 1] == []


class TestAnUnknownReason:
    @pytest.mark.parametrize("family", FAMILIES)
    def test_of_a_known_family_has_the_familys_entry(self, family):
        assert failure(f"{family}_of_tomorrow") is CATALOGUE[family]

    def test_of_no_family_is_ours_to_explain(self):
        assert (failure("brand_new").owner, failure("brand_new").button) == (Owner.US, Button.NONE)

    def test_keeps_its_code(self):
        assert failure("brand_new").code == "brand_new"

    def test_of_no_letters_at_all_breaks_nothing(self):
        assert failure("").title == "A reason without an explanation yet ()"

    def test_that_only_begins_like_a_known_one_is_not_taken_for_it(self):
        assert (
            failure("dns2").happened == "The program recorded the reason 'dns2', for which the catalogue has no entry."
        )
