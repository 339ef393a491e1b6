"""An XML document by its paths."""

from collections.abc import Iterator

from lxml import etree


def in_xml(text: str) -> Iterator[tuple[str, str]]:
    """Path and text of each element and attribute that has one; nothing of what is no XML."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError:
        return
    paths = root.getroottree()
    for element in root.iter("*"):  # entities are none
        name = _path(paths.getelementpath(element), root)
        for key, value in element.attrib.items():
            yield f"{name}/@{etree.QName(key).localname}", str(value)
        if element.text and element.text.strip():
            yield name, element.text.strip()


def _path(path: str, root: "etree._Element") -> str:
    """Without namespaces, which every element of a C-CDA document shares."""
    steps = [step.rpartition("}")[2] for step in path.split("/")] if path != "." else []
    return "/".join([etree.QName(root).localname, *steps])
