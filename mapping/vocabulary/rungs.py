"""How surely a field is for a section."""

from enum import IntEnum


class Rung(IntEnum):
    """How a field was found for a section, the surest first; matching.CONFIDENCE has what each was worth."""

    LEARNED = 0  #: the practice's published mappings file it under this label
    NAME = 1  #: the label is the section's own name, or the abbreviation everybody uses
    SAID = 2  #: a usual heading for the section
    COMPOSED = 3  #: several headings in one label, or a heading with words that change nothing
    SECOND = 4  #: a heading that yields to a better one
    SPELLED = 5  #: a heading, misspelt
    PARTLY = 6  #: a heading beside words nobody knows
    CONTENT = 7  #: names what belongs to the section and to no other
    ONLY = 8  #: for a part or kind of the section; sure only where nothing else in the template may be for it
    CONTAINER = 9  #: a field that takes several sections, where this one has none of its own
    PERHAPS = 10  #: may mean the section, or another
    KIN = 11  #: speaks of the section among other words
    SPARE = 12  #: has no word for it; a section without a field might be kept there
