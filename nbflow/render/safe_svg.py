"""The last look at a picture before it leaves: only known elements and attributes get out.

Names, tags and expressions in notebooks are untrusted text. The painter escapes all of it; this
check holds even if a later painter forgets to.
"""

import re
from xml.etree import ElementTree

from nbflow.errors import NbflowError
from nbflow.model.sentence import Sentence

SVG = "http://www.w3.org/2000/svg"

_ELEMENT_NAMES = "svg g path polygon ellipse text tspan title desc rect circle line style"
_ATTRIBUTE_NAMES = """
id class d x y x1 y1 x2 y2 cx cy r rx ry width height points transform viewBox role tabindex
aria-label data-task data-state data-source data-target data-kind data-cells data-engine
stroke-dasharray stroke-width style
"""
_ELEMENTS = frozenset(f"{{{SVG}}}{name}" for name in _ELEMENT_NAMES.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_NAMES.split())
_STYLE = re.compile(r"max-width:100%;min-width:[0-9.]+px;height:auto")


def checked_svg(text: str, *, style: str) -> str:
    """Return ``text`` unchanged if it holds nothing but what a picture of ours may hold.

    ``style`` is the only style sheet allowed. Raises NbflowError NBF701 otherwise.
    """
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - our own text; no DOCTYPE gets this far
    except ElementTree.ParseError as error:
        raise _refused(Sentence("it is not well-formed")) from error
    if "<!" in text or "<?" in text:
        raise _refused(Sentence("it holds a declaration"))
    for element in root.iter():
        if element.tag not in _ELEMENTS:
            raise _refused(Sentence("element {tag!r}", tag=element.tag))
        if element.tag == f"{{{SVG}}}style" and element.text != style:
            raise _refused(Sentence("a foreign style sheet"))
        for name, value in element.attrib.items():
            if name not in _ATTRIBUTES or (name == "style" and not _STYLE.fullmatch(value)):
                raise _refused(Sentence("attribute {name!r}", name=name))
    return text


def _refused(what: str) -> NbflowError:
    return NbflowError(
        Sentence("The picture was not drawn: {what} is not allowed in it.", what=what),
        hint="This is a fault in nbflow; `nbflow show --format text` draws without a picture.",
        code="NBF701",
    )
