"""A file in sealed pieces: whatever is written comes out again, whoever has lost the lease writes no more."""

import hashlib
import zipfile
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import crypto, keyring, rotation
from portal.exports import running
from portal.exports.running import Lost, Pieces
from portal.exports.tables import ExportJob, ExportPiece, names_of_piece, open_piece


@pytest.fixture
def job(cast, monkeypatch) -> ExportJob:
    monkeypatch.setattr(running, "PIECE", 16)
    return ExportJob.objects.create(
        practice=cast.practice,
        created_by=cast.dana,
        kind="audit",
        state="running",
        held_by="me",
        created_at=timezone.now(),
    )


def content(job: ExportJob) -> bytes:
    return b"".join(map(open_piece, job.pieces.order_by("number")))


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=50), max_size=8))
def test_whatever_is_written_comes_out_again(job, parts):
    job.pieces.all().delete()
    out = Pieces(job.pk, "me")
    for part in parts:
        assert out.write(part) == len(part)
    out.close()
    assert content(job) == b"".join(parts)
    assert out.size == len(b"".join(parts))
    assert out.digest.digest() == hashlib.sha256(b"".join(parts)).digest()


def test_a_zip_can_be_written_into_it(job, tmp_path):
    out = Pieces(job.pk, "me")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "words" * 100)
    out.close()
    path = tmp_path / "made.zip"
    path.write_bytes(content(job))
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("a/b.txt") == b"words" * 100


def test_each_piece_renews_the_lease(job):
    out = Pieces(job.pk, "me")
    out.write(b"x" * 16)
    job.refresh_from_db()
    assert job.held_until > timezone.now() + timedelta(seconds=100)


def test_progress_is_kept_with_the_lease(job):
    Pieces(job.pk, "me").say(3, 10)
    job.refresh_from_db()
    assert (job.done, job.total) == (3, 10)


@pytest.mark.parametrize("change", [{"held_by": "another"}, {"state": "cancelled"}, {"state": "done"}])
def test_whoever_has_lost_it_writes_and_says_nothing_more(job, change):
    out = Pieces(job.pk, "me")
    ExportJob.objects.update(**change)
    with pytest.raises(Lost):
        out.write(b"x" * 16)
    with pytest.raises(Lost):
        out.say(1, 2)
    assert not ExportPiece.objects.exists()


def test_a_piece_opens_in_its_own_place_only(job):
    out = Pieces(job.pk, "me")
    out.write(b"a" * 16 + b"b" * 16)
    first, second = job.pieces.order_by("number")
    second.number = 5
    with pytest.raises(crypto.CannotOpen):
        open_piece(second)
    first.job_id += 1
    with pytest.raises(crypto.CannotOpen):
        open_piece(first)


@pytest.fixture
def rolled_back_keys():
    """A key made in a test is gone with its transaction: what remembers it would seal what nobody opens."""
    yield
    keyring.forget()


def test_a_new_data_key_reseals_the_pieces(job, rolled_back_keys):
    out = Pieces(job.pk, "me")
    out.write(b"a" * 40)
    out.close()
    rotation.begin()
    told = rotation.reseal()
    assert told == {"resealed": told["resealed"], "unreadable": 0}
    assert told["resealed"] >= 3
    assert content(job) == b"a" * 40
    assert next(list(names_of_piece(one)) for one in job.pieces.order_by("number")) == [f"{job.pk}:0"]
