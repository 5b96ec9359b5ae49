"""Write random aspect models as Turtle: the same ones for the same seed.

Every construct of SAMM turns up, in combinations that nobody would write by hand. Names come
from a small stock, so that they clash between two namespaces; a model may lie in two files.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.conformance.esmf import random_literals

NAMES = ("Part", "Text", "Value", "Kind", "Site", "Amount", "Item", "Group", "Detail", "Unit")
LISTS = ("Collection", "List", "Set", "SortedSet")
VOCABULARIES = (
    *(("samm", "org.eclipse.esmf.samm", version) for version in ("2.0.0", "2.1.0", "2.2.0")),
    ("bamm", "io.openmanufacturing", "2.0.0"),
)
DEPTH_MAX = 3


@dataclass(slots=True)
class Shelf:
    """One namespace: what was written there, and which names are taken."""

    urn: str
    statements: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)

    def name(self, wanted: str) -> str:
        """Return the URN of a new element, named nearly as wanted."""
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}{number}", number + 1
        self.taken.add(name)
        return f"<{self.urn}#{name}>"


def write_models(root: Path, seed: int, count: int) -> None:
    """Write ``count`` models under a folder, each in namespaces of its own."""
    for number in range(count):
        RandomModel(Random(f"{seed}-{number}"), f"org.example.random{number}").write(root)


class RandomModel:
    """The writing of one model; ``samm`` is the prefix of its vocabulary, old or new."""

    def __init__(self, random: Random, namespace: str) -> None:
        self._random = random
        self._vocabulary = random.choice(VOCABULARIES)
        self._namespace = namespace
        self._shelves = [self._shelf(namespace), self._shelf(f"{namespace}.shared")]
        self._characteristics: list[str] = []
        self._entities: list[str] = []
        self._depth = 0

    def _shelf(self, namespace: str) -> Shelf:
        return Shelf(f"urn:{self._vocabulary[0]}:{namespace}:1.0.0")

    def write(self, root: Path) -> None:
        """Write the files of the model."""
        own, shared = self._shelves
        aspect = own.name("Thing")
        own.statements.append(
            f"{aspect} a samm:Aspect ; {self._words()} samm:properties ( {self._properties()} ) ;"
            f" samm:operations ( ) ."
        )
        for shelf, file in ((own, "Thing"), (shared, "shared")):
            namespace, version = shelf.urn.split(":")[2:4]
            path = root / namespace / version / f"{file}.ttl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join([self._prefixes(), *shelf.statements, ""]), "utf-8")

    def _prefixes(self) -> str:
        scheme, owner, version = self._vocabulary
        terms = (("", "meta-model"), ("-c", "characteristic"), ("-e", "entity"))
        own = [f"@prefix samm{p}: <urn:{scheme}:{owner}:{t}:{version}#> ." for p, t in terms]
        unit = f"@prefix unit: <urn:{scheme}:{owner}:unit:{version}#> ."
        rdf = "@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> ."
        xsd = "@prefix xsd: <http://www.w3.org/2001/XMLSchema#> ."
        return "\n".join([*own, unit, rdf, xsd])

    def _chance(self, of: float) -> bool:
        return self._random.random() < of

    def _words(self) -> str:
        """Return some descriptions, each closed by a semicolon."""
        languages = [language for language in ("en", "es") if self._chance(0.4)]
        number = self._random.randrange(1000)
        return "".join(f'samm:description "Text {number}."@{at} ; ' for at in languages)

    def _define(self, wanted: str, body: str) -> str:
        shelf = self._random.choice(self._shelves)
        urn = shelf.name(wanted)
        shelf.statements.append(f"{urn} {body} .")
        return urn

    def _name(self) -> str:
        return self._random.choice(NAMES)

    def _properties(self) -> str:
        return " ".join(self._usage() for _ in range(self._random.randrange(1, 6)))

    def _usage(self) -> str:
        urn = self._property(self._characteristic())
        extras = [
            "samm:optional true" if self._chance(0.4) else "",
            "samm:notInPayload true" if self._chance(0.1) else "",
            f'samm:payloadName "as{self._random.randrange(10**6)}"' if self._chance(0.2) else "",
        ]
        chosen = " ; ".join(filter(None, extras))
        return f"[ samm:property {urn} ; {chosen} ]" if chosen else urn

    def _property(self, characteristic: str) -> str:
        name = self._name().lower()
        return self._define(
            name, f"a samm:Property ; {self._words()} samm:characteristic {characteristic}"
        )

    def _characteristic(self) -> str:
        if self._characteristics and self._chance(0.2):
            return self._random.choice(self._characteristics)
        if self._chance(0.15):
            return f"samm-c:{self._random.choice(random_literals.BUILT_IN)}"
        makers = [self._scalar, self._trait, self._enumeration, self._list, self._structured]
        if self._depth < DEPTH_MAX:
            makers += [self._single, self._single, self._entity_list, self._either]
            makers += [self._elements, self._instances]
        self._depth += 1
        body = self._random.choice(makers)()
        self._depth -= 1
        if self._chance(0.3):
            return f"[ {body} ]"
        self._characteristics.append(self._define(self._name(), f"{body} ; {self._words()}"))
        return self._characteristics[-1]

    def _datatype(self) -> str:
        return self._random.choice(sorted(random_literals.SAMPLES))

    def _scalar(self) -> str:
        kinds = ("samm:Characteristic", "samm-c:Code", "samm-c:Measurement")
        unit = " ; samm-c:unit unit:metre"
        kind = self._random.choice(kinds)
        return f"a {kind} ; samm:dataType {self._datatype()}{unit if 'Meas' in kind else ''}"

    def _structured(self) -> str:
        part = self._property("samm-c:Text")
        return (
            "a samm-c:StructuredValue ; samm:dataType xsd:string ;"
            rf' samm-c:deconstructionRule "(\\d+)-(x)" ; samm-c:elements ( {part} "-" )'
        )

    def _list(self) -> str:
        kind = self._random.choice(LISTS)
        return f"a samm-c:{kind} ; samm:dataType {self._datatype()}"

    def _elements(self) -> str:
        kind = self._random.choice(LISTS)
        return f"a samm-c:{kind} ; samm-c:elementCharacteristic {self._characteristic()}"

    def _entity_list(self) -> str:
        kind = self._random.choice(LISTS)
        return f"a samm-c:{kind} ; samm:dataType {self._entity()}"

    def _single(self) -> str:
        kind = self._random.choice(("samm-c:SingleEntity", "samm:Characteristic"))
        return f"a {kind} ; samm:dataType {self._entity()}"

    def _either(self) -> str:
        left, right = self._characteristic(), self._characteristic()
        return f"a samm-c:Either ; samm-c:left {left} ; samm-c:right {right}"

    def _enumeration(self) -> str:
        datatype = self._random.choice(random_literals.ENUMERABLE)
        values = random_literals.some(self._random, datatype)
        kind = "samm-c:Enumeration"
        if self._chance(0.3):
            kind = f"samm-c:State ; samm-c:defaultValue {values[0]}"
        return f"a {kind} ; samm:dataType {datatype} ; samm-c:values ( {' '.join(values)} )"

    def _trait(self) -> str:
        datatype = self._random.choice(random_literals.CONSTRAINABLE)
        base = f"[ a samm:Characteristic ; samm:dataType {datatype} ]"
        if self._chance(0.2):
            base = f"[ a samm-c:Set ; samm:dataType {datatype} ]"
            limits = [random_literals.length(self._random)]
        else:
            limits = random_literals.constraints(self._random, datatype)
        if self._chance(0.2):
            inner = f"a samm-c:Trait ; samm-c:baseCharacteristic {base} ; samm-c:constraint"
            base = self._define(self._name(), f"{inner} [ {random_literals.note()} ]")
        constraint = " , ".join(f"[ {limit} ]" for limit in limits)
        of = f"samm-c:baseCharacteristic {base}"
        return f"a samm-c:Trait ; {of} ; samm-c:constraint {constraint}"

    def _entity(self) -> str:
        if self._entities and self._chance(0.3):
            return self._random.choice(self._entities)
        return self._heir() if self._chance(0.3) else self._plain_entity()

    def _plain_entity(self) -> str:
        shelf = self._random.choice(self._shelves)
        urn = shelf.name(self._name())
        self._entities.append(urn)
        back = f"[ samm:property {self._property(self._way_back(urn))} ; samm:optional true ]"
        properties = f"{self._properties()} {back if self._chance(0.2) else ''}"
        shelf.statements.append(
            f"{urn} a samm:Entity ; {self._words()} samm:properties ( {properties} ) ."
        )
        return urn

    def _way_back(self, entity: str) -> str:
        kind = self._random.choice(("samm-c:SingleEntity", "samm-c:List", "samm-c:Set"))
        return self._define(self._name(), f"a {kind} ; samm:dataType {entity}")

    def _heir(self) -> str:
        """Return an entity that extends another, and may fill in an abstract property."""
        shelf, other = self._random.choice(self._shelves), self._random.choice(self._shelves)
        abstract, parent, heir = (
            shelf.name(self._name().lower()),
            other.name(f"Abstract{self._name()}"),
            shelf.name(self._name()),
        )
        shelf.statements.append(f"{abstract} a samm:AbstractProperty .")
        kind = self._random.choice(("Entity", "AbstractEntity"))
        inherited = f"{self._properties()} {abstract if kind == 'AbstractEntity' else ''}"
        other.statements.append(
            f"{parent} a samm:{kind} ; {self._words()} samm:properties ( {inherited} ) ."
        )
        filled = f"[ samm:extends {abstract} ; samm:characteristic {self._characteristic()} ]"
        own = f"{self._properties()} {filled if kind == 'AbstractEntity' else ''}"
        shelf.statements.append(
            f"{heir} a samm:Entity ; samm:extends {parent} ; samm:properties ( {own} ) ."
        )
        self._entities.append(heir)
        return heir

    def _instances(self) -> str:
        """Return an enumeration of instances of an entity of its own."""
        datatypes = [self._random.choice(random_literals.ENUMERABLE) for _ in range(3)]
        lists = [self._chance(0.3) for _ in datatypes]
        properties = [
            self._property(
                f"[ a {'samm-c:List' if many else 'samm:Characteristic'} ; samm:dataType {of} ]"
            )
            for of, many in zip(datatypes, lists, strict=True)
        ]
        first, second, hidden = properties
        usages = f"[ samm:property {second} ; samm:optional true ]"
        usages += f" [ samm:property {hidden} ; samm:notInPayload true ]"
        extends = ""
        if self._chance(0.3):
            kind = self._random.choice(("Entity", "AbstractEntity"))
            parent = self._define(self._name(), f"a samm:{kind} ; samm:properties ( {first} )")
            extends = f"samm:extends {parent} ;"
        else:
            usages = f"{first} {usages}"
        entity = self._define(
            self._name(), f"a samm:Entity ; {extends} samm:properties ( {usages} )"
        )
        made = [
            self._instance(entity, list(zip(properties, datatypes, lists, strict=True)))
            for _ in range(self._random.randrange(1, 4))
        ]
        values = f"samm-c:values ( {' '.join(made)} )"
        return f"a samm-c:Enumeration ; samm:dataType {entity} ; {values}"

    def _instance(self, entity: str, properties: list[tuple[str, str, bool]]) -> str:
        facts = []
        for number, (urn, datatype, is_list) in enumerate(properties):
            values = random_literals.some(self._random, datatype)
            value = f"( {' '.join(values)} )" if is_list else values[0]
            if number != 1 or self._chance(0.5):
                facts.append(f"{urn} {value}")
        return self._define(f"Instance{self._name()}", f"a {entity} ; {' ; '.join(facts)}")
