"""Through a real broker nothing travels but ids."""

import json
import threading
import uuid
from pathlib import Path

import pytest
from celery import chain, chord, group
from celery.exceptions import Reject
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from portal.celery import IdsOnly, NotAnId, is_id

CANARY = "Okafor-Canary-7731"


def app_on(url: str, options: dict) -> IdsOnly:
    app = IdsOnly("test")
    app.conf.update(
        broker_url=url, broker_transport_options=options, task_ignore_result=True, task_default_queue="scribeport-test"
    )
    return app


@pytest.fixture
def filesystem_broker(tmp_path):
    """An application on the embedded broker, and what lies in its folder."""
    folder = str(tmp_path)
    app = app_on("files://", {"data_folder_in": folder, "data_folder_out": folder, "control_folder": f"{folder}/c"})
    return app, lambda: [json.loads(path.read_text()) for path in Path(folder).glob("*.msg")]


@pytest.fixture
def redis_broker(redis_url):
    app = app_on(redis_url, {"socket_connect_timeout": 2, "max_retries": 1})
    with app.connection_for_write() as connection:
        client = connection.default_channel.client
        client.delete("scribeport-test")
        yield app, lambda: [json.loads(raw) for raw in client.lrange("scribeport-test", 0, -1)]
        client.delete("scribeport-test")


@pytest.fixture(params=["filesystem_broker", "redis_broker"])
def broker(request):
    app, messages = request.getfixturevalue(request.param)

    @app.task(name="tests.deliver", shared=False)
    def deliver(*ids, **named):
        pass

    return app, messages


def test_ids_are_published(broker):
    app, messages = broker
    identifier = uuid.uuid4()
    app.send_task("tests.deliver", args=(7, identifier, str(identifier)))
    (message,) = messages()
    assert message["headers"]["argsrepr"] == f"(7, {identifier!r}, '{identifier}')"
    assert message["headers"]["kwargsrepr"] == "{}"


def test_a_task_published_by_its_function_is_published(broker):
    app, messages = broker
    app.tasks["tests.deliver"].delay(7)
    app.tasks["tests.deliver"].apply_async((8,), expires=60, queue="scribeport-test")
    assert sorted(message["headers"]["argsrepr"] for message in messages()) == ["(7,)", "(8,)"]


@pytest.mark.parametrize(
    "arguments, options",
    [
        ((CANARY,), {}),
        ((7, {"id": 7}), {}),
        (([7],), {}),
        ((7.5,), {}),
        ((True,), {}),
        ((None,), {}),
        ((7,), {"countdown": 5}),
        ((7,), {"eta": "2026-03-19T10:15:00Z"}),
        ((7,), {"headers": {"note": CANARY}}),
        ((7,), {"shadow": CANARY}),
        ((7,), {"argsrepr": CANARY}),
        ((7,), {"task_id": CANARY}),
        ((7,), {"note": CANARY}),
        ((7,), {"link": [{"task": CANARY}]}),
    ],
)
def test_anything_else_is_refused_before_it_reaches_the_broker(broker, arguments, options):
    app, messages = broker
    with pytest.raises(NotAnId) as refused:
        app.send_task("tests.deliver", args=arguments, **options)
    with pytest.raises(NotAnId):
        app.tasks["tests.deliver"].apply_async(arguments, **options)
    assert CANARY not in str(refused.value)
    assert messages() == []


def test_keyword_arguments_are_refused(broker):
    app, messages = broker
    with pytest.raises(NotAnId, match="1 keyword argument"):
        app.send_task("tests.deliver", kwargs={"delivery": 7})
    with pytest.raises(NotAnId):
        app.tasks["tests.deliver"].delay(delivery=7)
    assert messages() == []


def test_work_that_would_wait_in_the_broker_is_refused(broker):
    app, messages = broker
    deliver = app.tasks["tests.deliver"]
    for canvas in (chain(deliver.si(1), deliver.si(2)), group(deliver.si(1)), chord([deliver.si(1)], deliver.si(2))):
        with pytest.raises((NotAnId, NotImplementedError)):
            canvas.apply_async()
    assert messages() == []


def test_a_retry_of_celerys_own_is_refused(broker):
    app, messages = broker

    @app.task(name="tests.retrying", bind=True, shared=False)
    def retrying(task, identifier):
        raise task.retry(countdown=1)

    retrying.push_request(args=(7,), id=str(uuid.uuid4()), called_directly=False, is_eager=False, retries=0)
    with pytest.raises(Reject) as rejected:
        retrying.run(7)
    assert isinstance(rejected.value.reason, NotAnId)
    assert messages() == []


def test_a_worker_never_sees_half_a_message(filesystem_broker, tmp_path, monkeypatch):
    """The embedded broker writes aside; kombu's own way let a quick worker read a file that was still empty."""
    app, messages = filesystem_broker
    seen = []
    written = Path.write_text
    monkeypatch.setattr(Path, "write_text", lambda path, *rest: seen.append(messages()) or written(path, *rest))
    app.send_task("tests.deliver", args=(7,))
    assert seen == [[]]
    assert len(messages()) == 1
    assert not list(tmp_path.glob("*.draft"))


def test_many_writers_and_a_reader_lose_no_message(filesystem_broker):
    app, _ = filesystem_broker
    writers = [
        threading.Thread(target=lambda: [app.send_task("tests.deliver", args=(n,)) for n in range(50)])
        for _ in range(4)
    ]
    for writer in writers:
        writer.start()
    read = 0
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue("scribeport-test")
        while read < 200:
            queue.get(timeout=20).ack()
            read += 1
        queue.close()
    for writer in writers:
        writer.join()


@given(st.text())
def test_a_text_passes_only_as_a_uuid(text):
    assert not is_id(text) or str(uuid.UUID(text)) == text


@given(st.integers() | st.uuids())
def test_integers_and_uuids_are_ids(value):
    assert is_id(value)


def test_the_products_own_application_has_the_guard():
    from portal.apps import celery_app

    assert isinstance(celery_app, IdsOnly)


def test_the_products_settings_keep_results_and_times_out_of_the_broker():
    from portal.apps import celery_app

    assert settings.CELERY_RESULT_BACKEND is None
    assert celery_app.conf.task_ignore_result is True
    assert celery_app.conf.accept_content == ["json"]
