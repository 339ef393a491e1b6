"""The cast stands."""


def test_the_two_clinics_differ_in_field_ids_and_order(cast):
    north = [field.field_id for field in cast.north_mapping.template_version.fields.all()]
    south = [field.field_id for field in cast.south_mapping.template_version.fields.all()]
    assert not set(north) & set(south)
