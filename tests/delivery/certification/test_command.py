"""`manage.py certify`: what it asks for, what it prints, where it writes; in this process, a few tests of the suite."""

import hashlib
import io
import json
import os
import sys

import pytest
from django.core.management import call_command, load_command_class
from django.core.management.base import CommandError
from django.utils import timezone

from delivery.bench import site
from delivery.certification import settling
from delivery.certification.models import CertificationRun
from delivery.management.commands import certify
from delivery.models import Heartbeat
from portal import locations

FEW = ["connections", "security.bad_certificate"]


def ran(*arguments: str, **options) -> tuple[dict, str]:
    """The object of `--json`, and what was said beside it."""
    out, err = io.StringIO(), io.StringIO()
    call_command("certify", *arguments, json=True, stdout=out, stderr=err, **options)
    [line] = out.getvalue().splitlines()
    return json.loads(line), err.getvalue()


def test_it_prints_one_object_on_one_line_and_says_the_rest_beside_it(clinic):
    said, beside = ran("NORTH", only=FEW)
    assert (said["location"], said["state"], said["passed"], said["passed_tests"]) == ("NORTH", "failed", False, 2)
    assert [(test["name"], test["passed"], test["artefact"]) for test in said["tests"]] == [
        ("connections", True, "connections.json"),
        ("security.bad_certificate", True, "security.bad_certificate.json"),
    ]
    assert said["signed"] is True
    assert "No worker lives: this command does a worker's work itself." in beside
    assert "passed   connections: Every step passed." in beside


def test_each_artefact_it_names_is_a_file_of_the_bundle_with_the_hash_it_says(clinic, tmp_path):
    said, _ = ran("lakeside/NORTH", only=FEW, out=tmp_path / "bundle")
    assert said["bundle"] == str(tmp_path / "bundle")
    for test in said["tests"]:
        content = (tmp_path / "bundle" / test["artefact"]).read_bytes()
        assert hashlib.sha256(content).hexdigest() == test["sha256"]
        assert json.loads(content)["test"] == test["name"]
    report = (tmp_path / "bundle" / "report.json").read_bytes()
    assert hashlib.sha256(report).hexdigest() == said["report_sha256"]


def test_a_living_worker_does_the_work_itself(clinic):
    Heartbeat.objects.create(worker="w", started_at=timezone.now(), beat_at=timezone.now())
    assert settling.a_worker_lives()
    _, beside = ran("NORTH", only=["security.bad"])
    assert "No worker lives" not in beside


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NOWHERE", "is no location"),
        ("elsewhere/NORTH", "is no location"),
        ("NORTH", "is the code of several locations: name PRACTICE/CODE"),
    ],
)
def test_a_location_that_cannot_be_told_is_named(cast, name, words):
    with pytest.raises(CommandError, match=words):
        call_command("certify", name)


@pytest.mark.django_db
def test_production_and_locked_locations_are_refused(cast):
    locations.create(cast.practice, "LIVE", "Live", "production", "America/New_York")
    with pytest.raises(CommandError, match="never written to by a test"):
        call_command("certify", "LIVE")
    locations.lock(cast.south, "eCW update")
    with pytest.raises(CommandError, match="locked"):
        call_command("certify", "SOUTH")
    assert not CertificationRun.objects.exists()


@pytest.mark.parametrize("arguments", [[], ["NORTH", "--demo"]])
def test_one_location_or_the_demonstration(arguments):
    with pytest.raises(CommandError, match="Name one location, or --demo"):
        call_command("certify", *arguments)


@pytest.mark.django_db
@pytest.mark.parametrize("wrong", [{"notes": 0}, {"notes": 9999}, {"seconds": 0}])
def test_a_plan_that_cannot_be_is_refused_before_anything_is_sent(cast, wrong):
    with pytest.raises(CommandError):
        call_command("certify", "SOUTH", **wrong)
    assert not CertificationRun.objects.exists()


class Replaced(Exception):
    """Stands for the moment at which the process would become another one."""


def test_the_demonstration_begins_anew_in_a_place_of_its_own(monkeypatch, tmp_path):
    became = {}

    def execve(path, arguments, env):
        became.update(path=path, arguments=arguments, env=env)
        raise Replaced

    monkeypatch.delenv(site.FOLDER, raising=False)
    monkeypatch.setattr(os, "execve", execve)
    monkeypatch.setattr(sys, "argv", ["manage.py", "certify", "--demo", "--json"])
    with pytest.raises(Replaced):
        call_command("certify", demo=True, json=True)
    env = became["env"]
    assert env["DATABASE_URL"].startswith("sqlite:///")
    assert env["SCRIBEPORT_DATA"] == env[site.FOLDER] != str(tmp_path)
    assert "--out" in became["arguments"], "the evidence outlives the temporary place"


def test_what_is_said_without_json_goes_to_standard_error_alone(clinic):
    out, err = io.StringIO(), io.StringIO()
    call_command("certify", "NORTH", only=["security.bad"], stdout=out, stderr=err)
    assert out.getvalue() == ""
    assert "Failed: 1 of 1 tests passed." in err.getvalue()


def test_its_options_where_nothing_is_said():
    parser = load_command_class("delivery", "certify").create_parser("manage.py", "certify")
    given = vars(parser.parse_args(["NORTH"]))
    assert (given["notes"], given["seconds"], given["url"], given["out"], given["only"]) == (60, 30.0, "", None, [])
    assert certify.Command.requires_system_checks == []
