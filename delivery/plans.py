"""The frozen plan of a delivery: the field values its bytes carry, as they were sealed beside them."""

import json

from mapping.note import Contribution, FieldValue
from portal import crypto


def open_plan(delivery_id: int, sealed: bytes | memoryview) -> list[FieldValue]:
    """The field values a delivery's frozen bytes carry."""
    rows = json.loads(crypto.unseal(sealed, table="wire", column="plan", row=delivery_id))
    return [
        FieldValue(**{**row, "contributions": tuple(Contribution(**part) for part in row["contributions"])})
        for row in rows
    ]
