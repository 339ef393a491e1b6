"""Taking values out of settings: what passes as what, and every setting of every kind named where it is wrong."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delivery.channels.drop_settings import FolderSettings, SftpSettings, directory_of, fingerprints, inside
from delivery.channels.fhir_settings import FhirSettings, web_address
from delivery.channels.hl7_settings import Hl7Settings
from delivery.channels.openapi_settings import OpenApiSettings
from delivery.channels.setting_values import seconds, text, whole, yes_or_no
from tests.channels.charts import LEAST as OPENAPI
from tests.channels.charts import TOKEN
from tests.channels.fhir_notes import LEAST as FHIR
from tests.channels.fhir_notes import SECRET

HL7 = {"host": "127.0.0.1", "port": 2575, "receiving_facility": "NORTH"}
SFTP = {"host": "sftp.partner.test", "user": "scribeport", "host_key": f"SHA256:{'a' * 43}"}
LEAST = {
    Hl7Settings: (HL7, {}),
    FhirSettings: (FHIR, SECRET),
    OpenApiSettings: (OPENAPI, TOKEN),
    SftpSettings: (SFTP, {"password": "s3cret"}),
}
# Named otherwise in settings than on the object that is made of them.
TYPED_AS = {"prefix": "file_prefix", "host_keys": "host_key"}
SECRETS = {"token", "password", "private_key", "client_secret", "signing_key_pem", "client_cert_pem", "client_key_pem"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def read(kind: type, secrets: dict | None = None, **changes):
    least, usual = LEAST[kind]
    return kind.read({**least, **changes}, {**usual, **(secrets or {})}, "sandbox")


def named(of: type) -> list[tuple[type, str]]:
    """Each setting of this type, by the name that a connection has it under."""
    return [
        (kind, TYPED_AS.get(one.name, one.name))
        for kind in LEAST
        for one in fields(kind)
        if one.type is of and one.name not in SECRETS | {"environment"}
    ]


def refusal(call, *args, **more) -> str:
    with pytest.raises(ValueError) as caught:
        call(*args, **more)
    assert type(caught.value) is ValueError
    return str(caught.value)


class TestAWholeNumber:
    @pytest.mark.parametrize(
        "given_, read_as", [(7, 7), ("7", 7), (" 7\n", 7), ("007", 7), (0, 0), (-3, -3), (10**30, 10**30)]
    )
    def test_is_one_also_as_it_was_typed(self, given_, read_as):
        assert whole({"port": given_}, "port", 1) == read_as

    @pytest.mark.parametrize(
        "wrong", ["", " ", "-3", "+3", "1.0", "1e3", "0x10", "²", "7 8", 7.0, [7], {}, None, True, False]
    )
    def test_is_nothing_else(self, wrong):
        assert refusal(whole, {"port": wrong}, "port", 1) == "port must be a whole number."

    @pytest.mark.parametrize("digits", [20, 5_000, 100_000])
    def test_of_more_digits_than_any_setting_has_is_refused_in_the_same_words(self, digits):
        assert refusal(whole, {"port": "9" * digits}, "port", 1) == "port must be a whole number."

    def test_that_is_not_there_is_the_default(self):
        assert whole({}, "port", 22) == 22

    @given(JSON)
    def test_of_anything_whatever_is_a_number_or_a_refusal_in_plain_words(self, value):
        try:
            assert type(whole({"x": value}, "x", 1)) is int
        except ValueError as error:
            assert str(error) == "x must be a whole number."  # noqa: PT017


class TestALengthOfTime:
    @pytest.mark.parametrize(
        "given_, read_as", [(5, 5.0), ("5", 5.0), (" 2.5 ", 2.5), (0.001, 0.001), (60, 60.0), ("6e1", 60.0)]
    )
    def test_is_one_also_as_it_was_typed(self, given_, read_as):
        assert seconds({"wait": given_}, "wait", 1.0, most=60.0) == read_as

    @pytest.mark.parametrize("wrong", ["", "soon", "5 s", [], {}, None, True, False, [5], "1,5"])
    def test_is_no_word_and_no_list(self, wrong):
        assert refusal(seconds, {"wait": wrong}, "wait", 1.0, most=60.0) == "wait must be a number of seconds."

    @pytest.mark.parametrize("wrong", [0, -1, "-0", 60.0001, "inf", "-inf", "nan", float("inf"), float("nan"), "1e999"])
    def test_is_more_than_nothing_and_at_most_the_most(self, wrong):
        said = refusal(seconds, {"wait": wrong}, "wait", 1.0, most=60.0)
        assert said == "wait must be more than 0 and at most 60 seconds."

    def test_that_no_float_can_hold_is_refused_in_plain_words(self):
        assert refusal(seconds, {"wait": 10**400}, "wait", 1.0, most=60.0) == "wait must be a number of seconds."

    @given(JSON, st.floats(1, 3600))
    def test_of_anything_whatever_is_within_its_bounds_or_refused_by_name(self, value, most):
        try:
            assert 0 < seconds({"x": value}, "x", 1.0, most) <= most
        except ValueError as error:
            assert str(error).startswith("x must be ")  # noqa: PT017


class TestATextAndAChoice:
    @pytest.mark.parametrize("wrong", [0, 1, True, [], {}, ["a"], 1.5])
    def test_of_another_type_is_named(self, wrong):
        assert refusal(text, {"host": wrong}, "host") == "host must be text."

    def test_that_is_null_or_missing_is_the_default_and_an_empty_one_is_empty(self):
        assert text({"host": None}, "host", "x") == text({}, "host", "x") == "x"
        assert text({"host": ""}, "host", "x") == ""

    @pytest.mark.parametrize("wrong", ["true", "false", "", 0, 1, None, [], {}])
    def test_of_yes_and_no_is_nothing_but_those_two(self, wrong):
        assert refusal(yes_or_no, {"tls": wrong}, "tls") == "tls must be true or false."

    def test_of_yes_and_no_that_is_missing_is_no(self):
        assert yes_or_no({}, "tls") is False


class TestEverySetting:
    @pytest.mark.parametrize("kind, name", named(str), ids=lambda one: getattr(one, "__name__", one))
    @pytest.mark.parametrize("wrong", [5, True, ["a"], {"a": 1}], ids=repr)
    def test_that_is_a_text_is_named_where_it_is_none(self, kind, name, wrong):
        assert refusal(read, kind, **{name: wrong}) == f"{name} must be text."

    @pytest.mark.parametrize("kind, name", named(bool), ids=lambda one: getattr(one, "__name__", one))
    @pytest.mark.parametrize("wrong", ["yes", 1, None], ids=repr)
    def test_that_is_a_choice_of_two_is_named_where_it_is_neither(self, kind, name, wrong):
        assert refusal(read, kind, **{name: wrong}) == f"{name} must be true or false."

    @pytest.mark.parametrize("kind, name", named(int), ids=lambda one: getattr(one, "__name__", one))
    @pytest.mark.parametrize("wrong", ["many", 1.5, True, "9" * 5000], ids=["word", "fraction", "yes", "digits"])
    def test_that_is_a_whole_number_is_named_where_it_is_none(self, kind, name, wrong):
        assert refusal(read, kind, **{name: wrong}) == f"{name} must be a whole number."

    @pytest.mark.parametrize("kind, name", named(float), ids=lambda one: getattr(one, "__name__", one))
    @pytest.mark.parametrize(
        "wrong", [0, -1, "soon", 1e9, True, 10**400], ids=["nothing", "less", "word", "much", "yes", "huge"]
    )
    def test_that_is_a_time_is_named_where_it_is_none_or_too_long(self, kind, name, wrong):
        assert refusal(read, kind, **{name: wrong}).startswith(f"{name} must be ")

    @pytest.mark.parametrize("kind", LEAST)
    def test_that_nobody_knows_is_left_to_others(self, kind):
        assert read(kind, unheard_of={"a": [1]}) == read(kind)

    @pytest.mark.parametrize("kind", LEAST)
    def test_is_read_alike_from_the_json_that_it_is_kept_in(self, kind):
        least, secrets = LEAST[kind]
        assert kind.read(json.loads(json.dumps(least)), secrets, "sandbox") == read(kind)

    @pytest.mark.parametrize("kind", LEAST)
    @pytest.mark.parametrize("environment", ["", "Sandbox", "prod", "test", "sandbox "])
    def test_belongs_to_an_environment_that_there_is(self, kind, environment):
        least, secrets = LEAST[kind]
        said = refusal(kind.read, least, secrets, environment)
        assert said == "Environment must be one of sandbox, production."

    @pytest.mark.parametrize("kind", LEAST)
    def test_that_is_secret_is_named_where_it_is_no_text_and_never_shown(self, kind):
        for name in SECRETS & {one.name for one in fields(kind)}:
            assert refusal(read, kind, {name: ["s3cret-value"]}) == f"{name} must be text."

    @pytest.mark.parametrize("kind", LEAST)
    def test_cannot_be_changed_once_it_is_read(self, kind):
        made = read(kind)
        with pytest.raises(AttributeError):
            setattr(made, fields(kind)[0].name, "other")


class TestAnAddress:
    @pytest.mark.parametrize("control", ["\x00", "\x01", "\x1f", "\x7f", "\t", "\r"])
    @pytest.mark.parametrize("pattern", ["https://ecw.test/a{}b", "https://ecw{}.test/", "{}https://ecw.test/"])
    def test_with_a_control_character_anywhere_is_none(self, control, pattern):
        url = pattern.format(control)
        words = "The base address must begin with https:// and name a host."
        assert refusal(web_address, url, "sandbox", "The base address") == words
        if url.strip() == url:
            assert refusal(read, OpenApiSettings, base_url=url) == words

    @pytest.mark.parametrize("kind", [FhirSettings, OpenApiSettings])
    @pytest.mark.parametrize("slashes", ["", "/", "//", "///"])
    def test_loses_every_slash_at_its_end(self, kind, slashes):
        assert read(kind, base_url=f"https://ecw.test/x{slashes}").base_url == "https://ecw.test/x"

    @given(st.text(max_size=25))
    def test_of_any_characters_is_taken_as_given_or_refused_in_plain_words(self, tail):
        try:
            assert web_address(f"https://ecw.test/{tail}", "production", "It") == f"https://ecw.test/{tail}"
        except ValueError as error:
            assert str(error).startswith("It ")  # noqa: PT017


class TestADirectory:
    @pytest.mark.parametrize("wrong", ["..", "a/..", "../a", "/a/../b", "a\\b", "a\nb", "a\x7f"])
    def test_that_leads_elsewhere_than_it_says_is_refused(self, wrong):
        assert refusal(directory_of, wrong) == "The directory must not contain .., \\ or control characters."

    @pytest.mark.parametrize("name", ["...", "a..b", "..a", "a/.b", "/", "~", "in box", "Größe"])
    def test_with_dots_that_lead_nowhere_is_as_typed(self, name):
        assert directory_of(name) == name

    @pytest.mark.parametrize("wrong", ["", "relative", "./x", "~/x", "/srv/../etc", "/srv/out\x00"])
    def test_of_this_machine_is_a_whole_path(self, wrong):
        assert refusal(inside, wrong, ("/srv",)).startswith("The folder must be a whole path")

    @pytest.mark.parametrize("folder", ["/srv/outside", "/srv/out2", "/srv", "/"])
    def test_that_only_begins_like_an_allowed_one_lies_outside(self, folder):
        assert refusal(inside, folder, ("/srv/out",)).startswith("This folder lies outside")

    def test_is_allowed_nowhere_where_no_root_is_named(self):
        assert refusal(FolderSettings.read, {"folder": "/srv/out"}, {}, "sandbox").startswith(
            "This folder lies outside"
        )


class TestAFingerprint:
    @pytest.mark.parametrize(
        "wrong",
        ["SHA256:", "SHA256:short", f"sha256:{'a' * 43}", f"SHA256:{'a' * 44}", f"SHA256:{'a' * 42}=", f"SHA256:{'é' * 43}",
         "ssh-rsa", "md5 00:11:22"],
    )  # fmt: skip
    def test_that_is_none_is_refused_among_good_ones_too(self, wrong):
        words = "A host key is a line of known_hosts, a public key, or its fingerprint (SHA256:…)."
        assert refusal(fingerprints, f"SHA256:{'a' * 43}\n{wrong}\n") == words

    def test_may_stand_beside_others_in_their_order(self):
        two = [f"SHA256:{letter * 43}" for letter in "ba"]
        assert fingerprints("\r\n".join(two)) == tuple(two)
