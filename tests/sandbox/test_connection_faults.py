"""A fault limited to one connection strikes that one: HL7 by its sending application, others by client id or token."""

import base64
import json

import pytest

from sandbox.caller import at_hand, claimed
from sandbox.fault_kinds import Stage
from sandbox.fault_page import fault_from_form, switched_on
from sandbox.faults import Switchboard, fault_from_json


def board(**fault) -> Switchboard:
    made = Switchboard()
    made.set([fault_from_json({"kind": "ae", **fault})], 0)
    return made


@pytest.fixture(autouse=True)
def nobody():
    token = at_hand.set("")
    yield
    at_hand.reset(token)


@pytest.mark.parametrize(
    "limited, caller, struck",
    [
        ("", "NORTH-APP", True),
        ("NORTH-APP", "NORTH-APP", True),
        ("NORTH-APP", "SOUTH-APP", False),
        ("NORTH-APP", "", False),
    ],
)
def test_strikes_whom_it_is_limited_to(limited, caller, struck):
    at_hand.set(caller)
    assert (board(connection=limited).answer_fault("NORTH") is not None) is struck


def test_facility_connection_and_count_hold_together():
    switchboard = board(connection="A", facility="NORTH", count=1)
    at_hand.set("A")
    assert switchboard.answer_fault("SOUTH") is None
    assert switchboard.answer_fault("NORTH") is not None
    assert switchboard.answer_fault("NORTH") is None


def test_who_is_not_struck_draws_nothing():
    switchboard = board(connection="A", count=1)
    at_hand.set("B")
    assert switchboard.struck(Stage.ANSWER, "NORTH") == []
    assert switchboard.faults[0].fired == 0


def test_is_shown_by_the_api_and_on_the_page():
    switchboard = board(connection="A")
    assert switchboard.as_json()["faults"][0]["connection"] == "A"
    assert board().as_json()["faults"][0]["connection"] is None
    assert "every facility, by A" in str(switched_on(switchboard.faults))


def test_comes_from_the_form_of_the_page():
    form = {"kind": "ae", "text": "no", "facility": "", "connection": "portal", "probability": "1", "count": ""}
    assert fault_from_json(fault_from_form(form)).connection == "portal"


def assertion(body: object) -> dict[str, str]:
    part = base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")
    return {"client_assertion": f"e30.{part}.sig"}


@pytest.mark.parametrize(
    "header, form, who",
    [
        ("", {"client_id": "public-app"}, "public-app"),
        ("Basic " + base64.b64encode(b"secret-app:hush").decode(), {}, "secret-app"),
        ("", assertion({"iss": "backend"}), "backend"),
        ("", assertion(["iss"]), ""),
        ("", {"client_assertion": "a.b.c"}, ""),
        ("Basic !", {}, ""),
        ("Bearer x", {}, ""),
    ],
)
def test_a_call_for_a_token_names_its_client(header, form, who):
    assert claimed(header, form) == who
