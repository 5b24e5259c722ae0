"""XMP (ISO 16684-1) with Dublin Core and IPTC's digital source type, for photo programs and archives."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

from studio.works.metadata.carrier import TOOL
from studio.works.metadata.credits import credit, rights, title
from studio.works.recipe import Recipe

XPACKET = "<?xpacket begin='\ufeff' id='W5M0MpCehiHzreSzNTczkc9d'?>"
_SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def xmp(recipe: Recipe, *, composite: bool | None = None) -> str:
    """The XMP document that describes a work.

    composite: made from somebody's picture with the help of a trained model (the default where there are
    sources), rather than by the model alone.
    """
    composite = bool(recipe.sources) if composite is None else composite
    kind = "compositeWithTrainedAlgorithmicMedia" if composite else "trainedAlgorithmicMedia"
    parts = [
        f"<Iptc4xmpExt:DigitalSourceType>{_SOURCE_TYPES}{kind}</Iptc4xmpExt:DigitalSourceType>",
        f"<xmp:CreatorTool>{TOOL}</xmp:CreatorTool>",
        f"<dc:title>{_in_any_language(title(recipe))}</dc:title>",
        f"<dc:description>{_in_any_language(recipe.in_words())}</dc:description>",
    ]
    if recipe.sources:
        credits = "; ".join(credit(source) for source in recipe.sources)
        parts.append(f"<dc:source>{_xml(credits)}</dc:source>")
    authors = dict.fromkeys(source.author for source in recipe.sources if source.author)
    if authors:
        names = "".join(f"<rdf:li>{_xml(author)}</rdf:li>" for author in authors)
        parts.append(f"<dc:contributor><rdf:Bag>{names}</rdf:Bag></dc:contributor>")
    if any(source.licence for source in recipe.sources):
        parts.append(f"<dc:rights>{_in_any_language(rights(recipe))}</dc:rights>")
    return (
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/' "
        "xmlns:xmp='http://ns.adobe.com/xap/1.0/' "
        "xmlns:Iptc4xmpExt='http://iptc.org/std/Iptc4xmpExt/2008-02-29/'>"
        f"{''.join(parts)}</rdf:Description></rdf:RDF></x:xmpmeta>"
    )


def _in_any_language(text: str) -> str:
    return f"<rdf:Alt><rdf:li xml:lang='x-default'>{_xml(text)}</rdf:li></rdf:Alt>"


def _xml(text: str) -> str:
    """Escaped, and without the characters that XML 1.0 cannot hold (section 2.2)."""
    return escape(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text))
