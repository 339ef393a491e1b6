"""Parallel posts of one key, and a disk that is full: one note, or none at all."""

import resource
import urllib.error
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from tests.processes import free_port

pytestmark = pytest.mark.process
POSTS = 1000


def versions_of(clinic, posted):
    return clinic.look(
        "SELECT count(*) FROM delivery_noteversion v JOIN delivery_note n ON n.id = v.note_id "
        f"WHERE n.source_note_id = '{posted.note}'"
    )[0][0]


def status_of(clinic, posted, port=0):
    try:
        clinic.post(posted, port, timeout=60)
    except urllib.error.HTTPError as error:
        return error.code
    return 201


def test_P22_a_thousand_parallel_posts_of_one_key_make_one_note(clinic):
    (posted,) = clinic.some(1)
    second = free_port()
    clinic.web(second, "portal.wsgi:application")
    with ThreadPoolExecutor(32) as scribes:
        ports = [clinic.port, second] * (POSTS // 2)
        statuses = list(scribes.map(lambda port: status_of(clinic, posted, port), ports))
    assert set(statuses) <= {201, 409}, set(statuses)
    assert statuses.count(201) > 0
    assert versions_of(clinic, posted) == 1
    assert clinic.post(posted)["id"], "and its answer stands"


def test_P20_P21_on_a_full_disk_a_note_is_refused_whole_and_taken_when_there_is_room_again(clinic):
    """No file of the web process may grow, its log included: what SQLite sees of a full disk. (PostgreSQL's is its own.)"""
    if not clinic.site.database_url.startswith("sqlite"):
        pytest.skip("the disk is PostgreSQL's own here")
    port = free_port()
    web = clinic.web(port, "portal.wsgi:application")
    processes = psutil.Process(web.popen.pid).children(recursive=True)
    posted, another = clinic.some(2)
    clinic.post(posted, port)
    for process in processes:
        process.rlimit(resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    assert status_of(clinic, another, port) in (503, 507)
    assert versions_of(clinic, another) == 0
    for process in processes:
        process.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert status_of(clinic, another, port) == 201
    assert versions_of(clinic, another) == 1
    clinic.worker()
    clinic.settled([posted, another])
