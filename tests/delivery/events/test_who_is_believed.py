"""Signatures of webhooks, without a database: what is signed, by which secret, when; and how many may come."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from delivery.events import limiter as limiting
from delivery.events.limiter import Limiter
from delivery.events.settings import SIGNED, FeedSettings, PollSettings, Starting, WebhookSettings
from delivery.events.signature import NotSigned, check, key_of, signatures
from delivery.events.sources import new_secret

NOW = datetime(2026, 3, 19, 16, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = b'{"type": "encounter.opened", "encounter": {"id": "E5001"}}'
SECRET, OTHER = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8


def mac(content: bytes, secret: str = SECRET) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def content_of(signed: str, body: bytes = BODY, stamp: str = STAMP, id: str = "evt-1") -> bytes:
    parts = {"id": id.encode(), "timestamp": stamp.encode(), "body": body}
    return b".".join(parts[part] for part in signed.split("."))


def asked(signed: str = "body", secrets=(SECRET,), body: bytes = BODY, now: datetime = NOW, **headers: str | None):
    """What `check` says of a message that is well signed, but for what is given."""
    sent = {"X-Event-Id": "evt-1", "X-Timestamp": STAMP, "X-Signature": mac(content_of(signed))}
    sent |= {"X-" + name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in sent.items() if value is not None}
    return check(WebhookSettings(signed=signed), secrets, kept, body, now)


def refusal(**of) -> str:
    with pytest.raises(NotSigned) as refused:
        asked(**of)
    return refused.value.reason


# --- what is signed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", SIGNED)
def test_a_message_signed_as_the_source_says_is_believed(signed):
    assert asked(signed).id == "evt-1"


@pytest.mark.parametrize("signed, other", list(permutations(SIGNED, 2)))
def test_a_signature_over_other_parts_than_the_source_says_is_not(signed, other):
    """A sender that signs less than was agreed is not believed by luck."""
    assert refusal(signed=signed, Signature=mac(content_of(other))) == "signature"


@pytest.mark.parametrize("signed", ["timestamp.body", "id.timestamp.body"])
def test_a_recorded_message_cannot_be_given_a_new_time_where_the_time_is_signed(signed):
    later = NOW + timedelta(hours=1)
    assert refusal(signed=signed, now=later, Timestamp=str(int(later.timestamp()))) == "signature"
    assert refusal(signed=signed, now=later) == "timestamp"


def test_where_the_id_is_signed_it_cannot_be_left_out_or_changed():
    assert refusal(signed="id.timestamp.body", Event_Id=None) == "id"
    assert refusal(signed="id.timestamp.body", Event_Id="evt-2") == "signature"


def test_a_dot_cannot_be_moved_from_one_signed_part_into_the_next():
    """`a.1` and `1…` would be signed as `a` and `1.1…` are: no id and no time holds a dot."""
    assert refusal(signed="id.timestamp.body", Event_Id=f"evt-1.{STAMP}") == "id"
    moved = {"Timestamp": f"{STAMP}.5", "Signature": mac(content_of("timestamp.body", stamp=f"{STAMP}.5"))}
    assert refusal(signed="timestamp.body", **moved) == "timestamp"


@pytest.mark.parametrize(
    "changed",
    [
        BODY + b" ",
        BODY[:-1],
        b"\xef\xbb\xbf" + BODY,
        BODY.replace(b"E5001", b"E5002"),
        BODY.replace(b": ", b":"),
        BODY.replace(b"E5", b"\\u00455"),
        b"",
    ],
)
def test_no_byte_of_the_body_may_differ(changed):
    assert refusal(body=changed) == "signature"


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_their_own_signature_fits_and_no_others_does(body):
    assert asked(body=body, Signature=mac(body)).id == "evt-1"
    assert refusal(body=body + b"\0", Signature=mac(body)) == "signature"


def test_standard_webhooks_own_library_signs_what_a_source_of_that_form_believes():
    own = WebhookSettings(
        signature_header="webhook-signature",
        timestamp_header="webhook-timestamp",
        id_header="webhook-id",
        signed=SIGNED[2],
    )
    sent = {
        "webhook-id": "msg_1",
        "webhook-timestamp": STAMP,
        "webhook-signature": Webhook(SECRET).sign("msg_1", NOW, BODY.decode()),
    }
    assert check(own, [SECRET], sent, BODY, NOW).id == "msg_1"


# --- by which secret -------------------------------------------------------------------------------------------------


def test_any_secret_that_is_good_now_will_do_and_no_other():
    assert asked(secrets=(OTHER, SECRET)).id == "evt-1"
    assert refusal(secrets=(OTHER,)) == "signature"


def test_without_a_secret_nobody_is_believed():
    """Also not who signs with an empty key: a source whose secrets are gone lets nobody in."""
    empty = base64.b64encode(hmac.new(b"", BODY, hashlib.sha256).digest()).decode()
    assert refusal(secrets=()) == "signature"
    assert refusal(secrets=(), Signature=empty) == "signature"
    assert refusal(Signature=empty) == "signature"


@pytest.mark.parametrize("header", ["", " ", ",", "v1", "v1,", "v1=", "sha256=", "v1, ,v1="])
def test_a_header_that_holds_no_signature_is_none(header):
    assert signatures(header) == []
    assert refusal(Signature=header) == "signature"


@pytest.mark.parametrize(
    "form", ["{}", "v1,{}", "v1={}", "sha256={}", "v1,AAAA v1,{}", "AAAA,{}", "v1a,AAAA v1,{}", "\t{} ", "{},{}"]
)
def test_a_signature_is_found_in_every_way_senders_write_it(form):
    good = mac(BODY)
    assert asked(Signature=form.format(good, good)).id == "evt-1"


@pytest.mark.parametrize(
    "change",
    [str.lower, lambda text: text[:-1], lambda text: text + "=", lambda text: text[::-1], lambda text: f"{text}A"],
)
def test_a_signature_that_is_nearly_right_is_wrong(change):
    assert refusal(Signature=change(mac(BODY))) == "signature"


def test_the_hexadecimal_form_is_not_taken_for_base64():
    digest = hmac.new(base64.b64decode(SECRET.removeprefix("whsec_")), BODY, hashlib.sha256).hexdigest()
    assert refusal(Signature=digest) == "signature"


@pytest.mark.parametrize("others, taken", [(9, True), (10, False)])
def test_ten_signatures_are_looked_at_and_not_one_more(others, taken):
    """A header of thousands must not cost thousands of comparisons."""
    header = " ".join(["AAAA"] * others + [mac(BODY)])
    if taken:
        assert asked(Signature=header).id == "evt-1"
    else:
        assert refusal(Signature=header) == "signature"


def test_a_secret_is_base64_behind_its_mark_and_otherwise_the_text_itself():
    assert key_of("whsec_QUJD") == b"ABC"
    assert key_of("whsec_QUI") == b"AB"  # written without its padding
    assert key_of("plain text") == b"plain text"


def test_a_new_secret_is_256_bits_and_never_the_same():
    made = {new_secret() for _ in range(20)}
    assert len(made) == 20
    assert {len(key_of(each)) for each in made} == {32}


# --- when ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds, taken", [(0, True), (300, True), (301, False), (-300, True), (-301, False)])
def test_a_time_is_believed_for_five_minutes_either_way(seconds, taken):
    now = NOW + timedelta(seconds=seconds)
    if taken:
        assert asked(now=now).id == "evt-1"
    else:
        assert refusal(now=now) == "timestamp"


@pytest.mark.parametrize(
    "stamp", [None, "", "0", f"{STAMP}.0", f"+{STAMP}", f"{STAMP} ", "1.7e9", "9" * 12, f"{STAMP}000", "٣" * 10, "0x1"]
)
def test_a_time_that_is_no_whole_number_of_seconds_near_now_is_refused(stamp):
    assert refusal(Timestamp=stamp) == "timestamp"


def test_who_cannot_sign_learns_nothing_of_the_clock():
    """The reason in the audit log of an unsigned message is its signature, whatever its time is."""
    assert refusal(Signature="AAAA", Timestamp="0") == refusal(Signature="AAAA") == "signature"


def test_a_refusal_holds_nothing_that_was_sent():
    with pytest.raises(NotSigned) as refused:
        asked(Signature="P1001", Event_Id="Okafor")
    assert str(refused.value) == "signature"


# --- how many --------------------------------------------------------------------------------------------------------


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def many(bucket: Limiter, key: str, times: int) -> int:
    return sum(bucket.allows(key) for _ in range(times))


def test_twice_a_seconds_share_may_come_at_once_and_then_a_share_each_second():
    clock = Clock()
    bucket = Limiter(20.0, clock)
    assert many(bucket, "a", 100) == 40
    clock.now = 1.0
    assert many(bucket, "a", 100) == 20
    clock.now = 1.25
    assert many(bucket, "a", 100) == 5


def test_a_long_rest_saves_up_no_more_than_the_burst():
    clock = Clock()
    bucket = Limiter(5.0, clock)
    many(bucket, "a", 10)
    clock.now = 86_400.0
    assert many(bucket, "a", 100) == 10


def test_a_source_that_floods_takes_nothing_from_another():
    bucket = Limiter(5.0, Clock())
    many(bucket, "a", 1000)
    assert many(bucket, "b", 100) == 10


def test_refused_messages_do_not_push_the_next_good_one_further_away():
    """Who goes on sending while refused is let in again as soon as anybody else."""
    clock = Clock()
    bucket = Limiter(1.0, clock)
    many(bucket, "a", 1000)
    clock.now = 1.0
    assert bucket.allows("a")


def test_even_a_limit_below_one_a_second_lets_one_in():
    clock = Clock()
    bucket = Limiter(0.1, clock)
    assert many(bucket, "a", 5) == 1
    clock.now = 9.0
    assert many(bucket, "a", 5) == 0
    clock.now = 10.0
    assert many(bucket, "a", 5) == 1


def test_strangers_with_ever_new_addresses_fill_no_memory_and_free_nobody_who_floods(monkeypatch):
    monkeypatch.setattr(limiting, "MOST_KEYS", 8)
    bucket = Limiter(1.0, Clock())
    many(bucket, "flood", 2)
    for number in range(100):
        bucket.allows(f"stranger {number}")
        assert not bucket.allows("flood")
    assert len(bucket._buckets) == 8


# --- settings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, named",
    [
        ({"signature_header": "X Signature"}, "Signature header"),
        ({"signature_header": "X-Signature\n"}, None),  # typed with a line end: taken without it
        ({"signature_header": "X-\nSignature"}, "Signature header"),
        ({"timestamp_header": "X_Timestamp"}, "Timestamp header"),
        ({"id_header": "é"}, "Id header"),
        ({"encounter_path": "encounter..id"}, "Encounter path"),
        ({"encounter_path": ".id"}, "Encounter path"),
        ({"encounter_path": "a.b.c.d.e.f"}, "Encounter path"),
        ({"patient_path": "patient[0].id"}, "Patient path"),
        ({"signed": "nothing"}, "What is signed"),
        ({"signed": "body.timestamp"}, "What is signed"),
        ({"kind_path": 5}, "kind_path"),
        ({"kind_path": "a.b.c.d.e"}, None),
        ({"kind_path": "  "}, None),
    ],
)
def test_a_webhooks_settings_that_cannot_be_used_are_named_and_empty_ones_are_the_default(given, named):
    if named:
        with pytest.raises(ValueError, match=named):
            WebhookSettings.read(given)
    else:
        (name,) = given
        assert getattr(WebhookSettings.read(given), name) == (given[name].strip() or "type")


@pytest.mark.parametrize(
    "given",
    [
        {"starts_on": ["encounter.closed"]},
        {"starts_on": "encounter.opened"},
        {"starts_on": ["encounter.opened", "x"]},
        {"within_minutes": 0},
        {"within_minutes": 2881},
        {"within_minutes": 1.5},
        {"within_minutes": None},
    ],
)
def test_what_starts_capture_is_some_of_the_known_kinds_within_two_days(given):
    """Above all: never the end of a visit."""
    with pytest.raises(ValueError):
        Starting.read(given)


def test_nothing_may_start_capture_where_a_practice_wants_none():
    assert Starting.read({"starts_on": []}).starts_on == ()


@pytest.mark.parametrize("named", ["", " \n", "DR7,DR8", "DR7 Practitioner/DR8", "DR7&_count=1", "x" * 65])
def test_practitioners_that_are_no_fhir_ids_are_never_asked_for(named):
    with pytest.raises(ValueError, match="practitioner"):
        PollSettings.read({"practitioners": named})


@pytest.mark.parametrize("minutes, taken", [(0, False), (1, True), ("15", True), (16, False), ("2.5", False)])
def test_a_look_is_taken_every_one_to_fifteen_minutes(minutes, taken):
    given = {"practitioners": "DR7\n DR8", "every_minutes": minutes}
    if taken:
        assert PollSettings.read(given) == PollSettings(("DR7", "DR8"), int(minutes))
    else:
        with pytest.raises(ValueError):
            PollSettings.read(given)


def test_a_feed_of_everybody_has_to_be_written_down_as_such():
    assert FeedSettings.read({"port": 26610, "peers": "0.0.0.0/0"}).lets_in("203.0.113.9")
    with pytest.raises(ValueError):
        FeedSettings.read({"port": 26610, "peers": "*"})
