"""Templates in the spellings of real practices, where the folder with them is at hand."""

import os
from pathlib import Path

import pytest

from mapping.importers import read_file

FOLDER = Path(os.environ.get("SCRIBEPORT_SAMPLES", "samples")) / "templates"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="SCRIBEPORT_SAMPLES does not name a folder with templates/")


@pytest.mark.parametrize(
    "name, code, fields, first",
    [
        ("D01_internal_medicine.xlsx", "INTERNAL-MEDICINE-PROGRESS-NOTE", 17, "119007.1"),
        ("D02_primary_care_nested.json", "PRIMARY-CARE-AMBIENT-NOTE", 15, "RNO_01"),
        ("D03_toledo.csv", "D03-TOLEDO", 18, "TOL001"),
        ("D04_pulmonary.xlsx", "PULMONARY-CONSULT", 14, "pul-1"),
        ("D05_pediatric_messy.csv", "PAEDIATRIC-VISIT", 10, "1"),
        ("D06_preop_flat.json", "D06", 13, "SUR/01"),
    ],
)
def test_a_practice_s_template_is_read_whole(name, code, fields, first):
    (template,) = read_file(name, (FOLDER / name).read_bytes())
    assert (template.code, len(template.fields), template.fields[0].field_id) == (code, fields, first)
    divider = ["row 12"] if name.startswith("D01") else []  # "--- page 2 ---"
    assert [row.place for row in template.refused] == divider
