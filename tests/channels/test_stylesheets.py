"""S11: a stylesheet that a C-CDA names is neither fetched nor run; only our own code reads documents."""

import re

import pytest
from lxml import etree

from delivery.channels import ccda
from tests.channels.notes import note
from tests.structure import tree

RUNS = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:template match="/"><hacked/></xsl:template></xsl:stylesheet>"""


def styled(address: str) -> bytes:
    """A document of ours that asks for a stylesheet, in its prolog and inside."""
    raw = ccda.document(note())
    head, _, rest = raw.partition(b"?>")
    asks = f'<?xml-stylesheet type="text/xsl" href="{address}"?>'.encode()
    return head + b"?>" + asks + rest.replace(b"<component>", b"<component>" + asks, 1)


def test_S11_it_is_not_fetched_and_the_text_is_what_stands_in_the_document(httpserver):
    httpserver.expect_request("/x.xsl").respond_with_data(RUNS, content_type="text/xsl")
    assert ccda.texts(styled(httpserver.url_for("/x.xsl"))) == ccda.texts(ccda.document(note()))
    assert httpserver.log == []


@pytest.mark.parametrize("address", ["file:///etc/passwd", "#inside", "data:text/xsl,x", "", "\\\\host\\share"])
def test_S11_whatever_it_is_called(address):
    assert ccda.texts(styled(address)) == ccda.texts(ccda.document(note()))


def test_S11_a_stylesheet_in_place_of_a_document_is_no_document():
    with pytest.raises((ValueError, etree.XMLSyntaxError)):
        if ccda.texts(RUNS.encode()) == {}:
            raise ValueError


def test_S11_nothing_of_ours_can_run_one():
    runs = re.compile(r"\bXSLT\b|\.xslt\(|libxslt|xml-stylesheet")
    assert [str(path) for path in tree.product() if runs.search(tree.text(path))] == []
