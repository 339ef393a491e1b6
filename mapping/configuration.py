"""Which of mapping's rows are configuration, whose every change is recorded.

Not Field and Rule: they are written as a whole, by the import and by publishing.py, which record what changed.
"""

from audit.configuration import register
from mapping.models import (
    ColumnName,
    CrosswalkDrug,
    DiagnosisList,
    MappingVersion,
    PracticeDefault,
    Template,
    TemplateVersion,
)
from portal.configuration import at_location

register(Template, where=at_location("location"))
register(TemplateVersion, where=at_location("template.location"))
register(MappingVersion, where=at_location("template.location"))
register(PracticeDefault, where=lambda row: (row.practice.code, ""))
register(ColumnName, where=lambda row: (row.practice.code, ""))
register(DiagnosisList, where=lambda row: (row.practice.code, ""), exclude={"records"})
register(CrosswalkDrug, where=lambda row: (row.practice.code, ""))
