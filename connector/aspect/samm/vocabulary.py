"""The terms of SAMM, one vocabulary whatever the version of the meta-model.

BAMM 1.0 and 2.0 are the older spelling of SAMM: same terms under another namespace. A term is
written here as ``samm:Aspect``, ``samm-c:Trait``, ``samm-e:Point3d``, ``unit:kilogram``,
``xsd:string``; an element of a model keeps its URN, always as ``urn:samm:``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from connector.aspect.semantics import KIND_BY_DATATYPE, Characteristic, Entity, Property, Shape

_META = re.compile(
    r"urn:(?:samm:org\.eclipse\.esmf\.samm|bamm:io\.openmanufacturing)"
    r":(meta-model|characteristic|entity|unit):[^#]*#(.+)"
)
_META_PREFIX = {
    "meta-model": "samm",
    "characteristic": "samm-c",
    "entity": "samm-e",
    "unit": "unit",
}
_W3C = {
    "http://www.w3.org/2001/XMLSchema#": "xsd:",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf:",
}
_BUILT_IN_VERSION = "2.2.0"

TYPE, FIRST, REST, NIL = "rdf:type", "rdf:first", "rdf:rest", "rdf:nil"
LANGUAGE_STRING = "rdf:langString"
CURIE = "samm:curie"

DATATYPES = frozenset(KIND_BY_DATATYPE) | {
    *("xsd:string", "xsd:gYear", "xsd:gMonth", "xsd:gDay", "xsd:gYearMonth", "xsd:gMonthDay"),
    CURIE,
}
TRAITS = frozenset({"samm-c:Trait"})
EITHERS = frozenset({"samm-c:Either"})
SETS = frozenset({"samm-c:Set", "samm-c:SortedSet", "samm-c:TimeSeries"})
LISTS = SETS | {"samm-c:Collection", "samm-c:List"}
ENUMERATIONS = frozenset({"samm-c:Enumeration", "samm-c:State"})
PLAIN = frozenset(
    {
        *("samm:Characteristic", "samm-c:SingleEntity", "samm-c:Code", "samm-c:Duration"),
        *("samm-c:Quantifiable", "samm-c:Measurement", "samm-c:StructuredValue"),
    }
)
ENTITIES = frozenset({"samm:Entity", "samm:AbstractEntity"})


@lru_cache(maxsize=20_000)
def term(uri: str) -> str:
    """Return the short term for a URI of the meta-model, else the URI as a SAMM URN."""
    if found := _META.fullmatch(uri):
        return f"{_META_PREFIX[found[1]]}:{found[2]}"
    if uri.startswith("urn:bamm:"):
        return f"urn:samm:{uri[9:]}"
    namespace, hash_sign, name = uri.partition("#")
    prefix = _W3C.get(namespace + hash_sign)
    return prefix + name if prefix else uri


def local_name(urn: str) -> str:
    """Return the name of an element without its namespace."""
    return urn.rpartition("#")[2]


def _characteristic(name: str, datatype: str, description: str) -> Characteristic:
    urn = f"urn:samm:org.eclipse.esmf.samm:characteristic:{_BUILT_IN_VERSION}#{name}"
    return Characteristic(name, Shape.SCALAR, urn, description, datatype)


def _entity(name: str, description: str, *properties: Property, is_abstract: bool) -> Entity:
    return Entity(entity_urn(name), name, description, properties, is_abstract=is_abstract)


def entity_urn(name: str) -> str:
    """Return the URN of a predefined entity or of a property of one."""
    return f"urn:samm:org.eclipse.esmf.samm:entity:{_BUILT_IN_VERSION}#{name}"


CHARACTERISTICS: Mapping[str, Characteristic] = {
    f"samm-c:{c.name}": c
    for c in (
        _characteristic("Timestamp", "xsd:dateTime", "A point in time, with or without a zone."),
        _characteristic("Text", "xsd:string", "Plain text for people to read."),
        _characteristic("MultiLanguageText", LANGUAGE_STRING, "Text in several languages."),
        _characteristic("Boolean", "xsd:boolean", "Yes or no."),
        _characteristic("Locale", "xsd:string", "A language and region, such as es-MX."),
        _characteristic("Language", "xsd:string", "A language by its ISO 639-1 code."),
        _characteristic("UnitReference", CURIE, "A unit of the SAMM unit catalogue."),
        _characteristic("ResourcePath", "xsd:anyURI", "Where a file or resource lies."),
        _characteristic("MimeType", "xsd:string", "The media type of a file."),
        _characteristic("Reference", "xsd:anyURI", "An address of something described elsewhere."),
    )
}

_FILE_RESOURCE = (
    Property(
        "resource",
        entity_urn("resource"),
        "Where it lies.",
        CHARACTERISTICS["samm-c:ResourcePath"],
    ),
    Property(
        "mimeType", entity_urn("mimeType"), "Its media type.", CHARACTERISTICS["samm-c:MimeType"]
    ),
)
_TIMESTAMP = Property(
    "timestamp", entity_urn("timestamp"), "When it was so.", CHARACTERISTICS["samm-c:Timestamp"]
)
_UNIT = Property(
    "unit", entity_urn("unit"), "The unit of the value.", CHARACTERISTICS["samm-c:UnitReference"]
)

# Their abstract properties (value, x, y, z) never reach a payload under these entities.
BUILT_IN_ENTITIES: Mapping[str, Entity] = {
    f"samm-e:{e.name}": e
    for e in (
        _entity("FileResource", "A file and its type.", *_FILE_RESOURCE, is_abstract=False),
        _entity("TimeSeriesEntity", "A value at a time.", _TIMESTAMP, is_abstract=True),
        _entity("Point3d", "A position in space.", is_abstract=True),
        _entity("Quantity", "A value and its unit.", _UNIT, is_abstract=True),
    )
}

# What the predefined properties say of themselves, for models that use or extend them.
BUILT_IN_PROPERTIES: Mapping[str, Mapping[str, str]] = {
    **{
        f"samm-e:{p.name}": {TYPE: "samm:Property", "samm:characteristic": f"samm-c:{c}"}
        for p, c in (
            *zip(_FILE_RESOURCE, ("ResourcePath", "MimeType"), strict=True),
            (_TIMESTAMP, "Timestamp"),
            (_UNIT, "UnitReference"),
        )
    },
    **{f"samm-e:{name}": {TYPE: "samm:AbstractProperty"} for name in ("value", "x", "y", "z")},
}
