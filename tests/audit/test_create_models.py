"""The operation that makes an app's tables together."""

import pytest
from django.db import connection, migrations, models
from django.db.migrations.state import ProjectState

from audit.create_models import CreateModels


def author_and_book() -> CreateModels:
    key = models.BigAutoField(primary_key=True)
    return CreateModels(
        [
            migrations.CreateModel("Author", [("id", key), ("name", models.CharField(max_length=9))]),
            migrations.CreateModel(
                "Book", [("id", key.clone()), ("by", models.ForeignKey("audit.Author", on_delete=models.PROTECT))]
            ),
        ]
    )


def states(operation: CreateModels, rendered: bool) -> tuple[ProjectState, ProjectState]:
    before = ProjectState()
    if rendered:
        assert before.apps
    after = before.clone()
    operation.state_forwards("audit", after)
    return before, after


@pytest.mark.parametrize("rendered", [True, False])
def test_the_state_knows_every_model_and_what_it_refers_to(rendered):
    _, after = states(author_and_book(), rendered)
    book = after.apps.get_model("audit", "Book")
    assert book._meta.get_field("by").related_model is after.apps.get_model("audit", "Author")


def test_the_models_are_rendered_once(monkeypatch):
    drawn = []
    from django.db.migrations.state import ModelState

    real = ModelState.render
    monkeypatch.setattr(ModelState, "render", lambda self, apps: drawn.append(self.name) or real(self, apps))
    _, after = states(author_and_book(), rendered=True)
    assert drawn == []
    assert after.apps
    assert sorted(drawn) == ["Author", "Book"]


@pytest.mark.django_db(transaction=True)
def test_the_tables_are_made_and_taken_away_again_in_the_other_order():
    operation = author_and_book()
    before, after = states(operation, rendered=True)
    with connection.schema_editor() as editor:
        operation.database_forwards("audit", editor, before, after)
    try:
        author, book = (after.apps.get_model("audit", name) for name in ("Author", "Book"))
        assert book.objects.create(by=author.objects.create(name="Lee")).by.name == "Lee"
        book.objects.all().delete()
        author.objects.all().delete()
    finally:
        with connection.schema_editor() as editor:
            operation.database_backwards("audit", editor, after, before)
    assert not {"audit_author", "audit_book"} & set(connection.introspection.table_names())


def test_it_says_how_many_it_makes():
    assert author_and_book().describe() == "Create 2 models"
