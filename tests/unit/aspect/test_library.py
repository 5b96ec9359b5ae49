"""The library of models: ours and the user's, fresh from Turtle or from the cache."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from jsonschema import Draft4Validator

from connector.aspect.library import ModelLibrary, shipped_folder
from connector.aspect.semantics import AspectModel, Kind, Property
from connector.errors import SetupError
from connector.identifiers import SemanticId
from tests.unit.aspect.model_files import THING, thing, write_turtle

SHIPPED = {
    "io.catenax.batch:3.0.0#Batch",
    "io.catenax.batch:3.0.1#Batch",
    "io.catenax.batch:4.0.0#Batch",
    "io.catenax.battery.battery_pass:6.0.0#BatteryPass",
    "io.catenax.battery.battery_pass:6.1.0#BatteryPass",
    "io.catenax.binary_exchange:1.0.0#BinaryExchange",
    "io.catenax.business_partner_certificate:3.0.0#BusinessPartnerCertificate",
    "io.catenax.business_partner_certificate:3.1.0#BusinessPartnerCertificate",
    "io.catenax.certificate_of_analysis:2.0.0#CertificateOfAnalysis",
    "io.catenax.customs_information:2.0.0#CustomsInformation",
    "io.catenax.early_warning_notification:1.0.0#EarlyWarningNotification",
    "io.catenax.electric_drive.electric_drive_passport:2.0.0#ElectricDrivePassport",
    "io.catenax.generic.digital_product_passport:5.0.0#DigitalProductPassport",
    "io.catenax.generic.digital_product_passport:6.0.0#DigitalProductPassport",
    "io.catenax.generic.digital_product_passport:6.1.0#DigitalProductPassport",
    "io.catenax.generic.digital_product_passport:7.0.0#DigitalProductPassport",
    "io.catenax.just_in_sequence_part:3.0.0#JustInSequencePart",
    "io.catenax.just_in_sequence_part:4.0.0#JustInSequencePart",
    "io.catenax.manufactured_parts_quality_information:3.0.0#ManufacturedPartsQualityInformation",
    "io.catenax.material.certificate_of_analysis:1.0.0#CertificateOfAnalysis",
    "io.catenax.material.chemical_material_passport:3.0.0#ChemicalMaterialPassport",
    "io.catenax.material.safety_data_sheet:1.0.0#SafetyDataSheet",
    "io.catenax.material.technical_information:1.0.0#TechnicalInformation",
    "io.catenax.material_accounting:1.0.0#Composition",
    "io.catenax.material_accounting:1.0.0#Material",
    "io.catenax.material_accounting:1.0.0#RecyclingBatch",
    "io.catenax.material_accounting:1.0.0#RecyclingInformation",
    "io.catenax.material_accounting:1.0.0#VehicleInformation",
    "io.catenax.material_accounting:1.0.0#WasteCode",
    "io.catenax.part_as_planned:2.0.0#PartAsPlanned",
    "io.catenax.part_as_specified:3.0.0#PartAsSpecified",
    "io.catenax.part_site_information_as_planned:1.0.0#PartSiteInformationAsPlanned",
    "io.catenax.part_type_information:1.0.0#PartTypeInformation",
    "io.catenax.part_type_information:2.0.0#PartTypeInformation",
    "io.catenax.parts_analyses:4.0.0#PartsAnalyses",
    "io.catenax.pcf:10.0.0#Pcf",
    "io.catenax.pcf:7.0.0#Pcf",
    "io.catenax.pcf:9.0.0#Pcf",
    "io.catenax.pcf_for_battery_component_supplier:1.0.0#PcfForBatteryComponentSupplier",
    "io.catenax.quality_task:2.0.0#QualityTask",
    "io.catenax.quality_task:3.0.0#QualityTask",
    "io.catenax.quality_task_attachment:2.0.0#QualityTaskAttachment",
    "io.catenax.quality_task_attachment:3.0.0#QualityTaskAttachment",
    "io.catenax.report_8d:1.0.0#Report8D",
    "io.catenax.secondary_material_content:1.0.0#SecondaryMaterialContent",
    "io.catenax.secondary_material_content_calculated:1.0.0#SecondaryMaterialContentCalculated",
    "io.catenax.secondary_material_content_verifiable:1.0.0#SecondaryMaterialContentVerifiable",
    "io.catenax.serial_part:3.0.0#SerialPart",
    "io.catenax.serial_part:3.0.1#SerialPart",
    "io.catenax.serial_part:4.0.0#SerialPart",
    "io.catenax.shared.message_header:2.0.0#MessageHeaderAspect",
    "io.catenax.shared.message_header:3.0.0#MessageHeaderAspect",
    "io.catenax.single_level_bom_as_built:3.0.0#SingleLevelBomAsBuilt",
    "io.catenax.single_level_bom_as_built:4.0.0#SingleLevelBomAsBuilt",
    "io.catenax.single_level_bom_as_planned:3.0.0#SingleLevelBomAsPlanned",
    "io.catenax.single_level_bom_as_planned:4.0.0#SingleLevelBomAsPlanned",
    "io.catenax.single_level_bom_as_specified:2.0.0#SingleLevelBomAsSpecified",
    "io.catenax.single_level_bom_as_specified:2.0.1#SingleLevelBomAsSpecified",
    "io.catenax.single_level_usage_as_built:3.0.0#SingleLevelUsageAsBuilt",
    "io.catenax.single_level_usage_as_built:4.0.0#SingleLevelUsageAsBuilt",
    "io.catenax.single_level_usage_as_planned:2.0.0#SingleLevelUsageAsPlanned",
    "io.catenax.single_level_usage_as_planned:3.0.0#SingleLevelUsageAsPlanned",
    "io.catenax.software_information:1.0.0#SoftwareInformation",
    "io.catenax.special_characteristics.measurement:2.0.0#SpecialCharacteristicsMeasurement",
    "io.catenax.traction_battery_code:1.0.0#TractionBatteryCode",
    "io.catenax.traction_battery_code:2.0.0#TractionBatteryCode",
    "io.catenax.transmission.transmission_pass:3.0.0#TransmissionPass",
    "io.catenax.transmission.transmission_pass:3.1.0#TransmissionPass",
    "io.catenax.us_tariff_information:1.0.0#UsTariffInformation",
    "io.catenax.us_tariff_information:2.0.0#UsTariffInformation",
    "io.catenax.zero_km_failure:1.0.0#ZeroKmFailure",
}
WITHOUT_TURTLE = """
import sys
from pathlib import Path
from connector.aspect.library import ModelLibrary
from connector.identifiers import SemanticId

found = ModelLibrary([Path(sys.argv[1])], Path(sys.argv[2])).get(SemanticId(sys.argv[3]))
print(found.is_valid({"value": "2026-01-01"}), found.model.properties[0].kind)
print(sorted({"rdflib", "jsonschema", "rapidfuzz"} & set(sys.modules)))
"""


def kind_of_value(library: ModelLibrary) -> Kind:
    return library.get(THING).model.properties[0].kind


def date(name: str = "xsd:date") -> str:
    return thing(f"[ a samm:Characteristic ; samm:dataType {name} ]")


def test_the_shipped_models_are_these() -> None:
    listed = ModelLibrary([shipped_folder()]).list()

    assert sorted(f"urn:samm:{name}" for name in SHIPPED) == listed


@pytest.mark.parametrize("semantic_id", sorted(SHIPPED))
def test_every_shipped_model_can_be_read_and_describes_its_properties(semantic_id: str) -> None:
    model = ModelLibrary([shipped_folder()]).get(SemanticId(f"urn:samm:{semantic_id}")).model

    assert "" != model.description
    assert [] == [p.urn for p in _properties(model) if not (p.description and p.preferred_name)]


def test_every_example_of_a_shipped_model_is_valid() -> None:
    library = ModelLibrary([shipped_folder()])
    models = [library.get(semantic_id) for semantic_id in library.list()]

    assert [] == [
        (p.urn, p.example)
        for compiled in models
        for p in _properties(compiled.model)
        if p.example is not None and not _is_allowed(p.example, compiled.schema, p.urn)
    ]


def test_the_index_names_every_shipped_file_as_it_is() -> None:
    folder = shipped_folder().parent
    entries = tomllib.loads((folder / "index.toml").read_text(encoding="utf-8"))["file"]
    indexed = {e["file"]: e["sha256"] for e in entries if e["file"].startswith("samm/")}
    files = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in shipped_folder().rglob("*.ttl")
    }

    assert files == indexed
    assert [] == [e["file"] for e in entries if not (e["source"] and e["licence"] and e["id"])]


def test_an_index_entry_bears_the_urn_of_its_file() -> None:
    folder = shipped_folder().parent
    entries = tomllib.loads((folder / "index.toml").read_text(encoding="utf-8"))["file"]
    models = [e for e in entries if e["file"].startswith("samm/")]

    assert [] == [
        e["id"]
        for e in models
        if not re.fullmatch(
            r"urn:samm:{}:{}(#\w+)?".format(*map(re.escape, e["file"].split("/")[1:3])), e["id"]
        )
    ]


def test_the_older_spelling_names_the_same_model(tmp_path: Path) -> None:
    write_turtle(tmp_path, date())
    library = ModelLibrary([tmp_path])

    assert library.get(THING) is library.get(SemanticId(THING.replace("samm", "bamm", 1)))


def test_an_unknown_model_is_answered_with_those_that_are_near() -> None:
    library = ModelLibrary([shipped_folder()])

    with pytest.raises(SetupError) as caught:
        library.get(SemanticId("urn:samm:io.catenax.serial_part:3.1.0#SerialPart"))

    assert "aspect:model_unknown" == caught.value.code
    assert str(caught.value.params["near"]).startswith(
        "urn:samm:io.catenax.serial_part:3.0.0#SerialPart"
    )


def test_an_aspect_that_its_file_does_not_hold_is_unknown() -> None:
    library = ModelLibrary([shipped_folder()])

    with pytest.raises(SetupError) as caught:
        library.get(SemanticId("urn:samm:io.catenax.serial_part:3.0.0#Serial"))

    assert "aspect:model_unknown" == caught.value.code


def test_a_missing_dependency_is_not_mistaken_for_an_unknown_model(tmp_path: Path) -> None:
    write_turtle(tmp_path, thing(":Missing"))

    with pytest.raises(SetupError) as caught:
        ModelLibrary([tmp_path]).get(THING)

    assert "aspect:model_element_missing" == caught.value.code


def test_the_copy_in_the_first_folder_wins(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "theirs", tmp_path / "ours"
    write_turtle(theirs, date("xsd:boolean"))
    write_turtle(ours, date("xsd:date"))

    assert Kind.BOOLEAN == kind_of_value(ModelLibrary([theirs, ours]))
    assert [THING] == ModelLibrary([theirs, ours]).list()


@pytest.mark.parametrize("subject", [":Thing", "<urn:samm:org.example.thing:1.0.0#Thing>"])
@pytest.mark.parametrize("verb", ["a", "rdf:type"])
def test_an_aspect_is_listed_however_it_is_written(
    tmp_path: Path, subject: str, verb: str
) -> None:
    write_turtle(tmp_path, f"{subject} {verb} samm:Aspect ; samm:properties ( ) .")

    assert [THING] == ModelLibrary([tmp_path]).list()


def test_a_file_outside_the_order_of_folders_is_not_listed(tmp_path: Path) -> None:
    write_turtle(tmp_path, date(), folder="org.example.thing/draft")

    assert [] == ModelLibrary([tmp_path, tmp_path / "nowhere"]).list()


def test_from_the_cache_comes_the_same_as_from_turtle(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    fresh, kept = (ModelLibrary([shipped_folder()], cache) for _ in range(2))
    ids = fresh.list()
    first = [(fresh.get(i).model, fresh.get(i).schema) for i in ids]

    assert first == [(kept.get(i).model, kept.get(i).schema) for i in ids]
    assert len(ids) == len(list(cache.iterdir()))


def test_a_start_from_the_cache_imports_neither_turtle_nor_explanations(tmp_path: Path) -> None:
    models, cache = tmp_path / "models", tmp_path / "cache"
    write_turtle(models, date())
    ModelLibrary([models], cache).get(THING)

    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TURTLE, str(models), str(cache), THING],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "True date\n[]\n" == ran.stdout


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    models, cache = tmp_path / "models", tmp_path / "cache"
    write_turtle(models, date("xsd:date"))
    before = kind_of_value(ModelLibrary([models], cache))
    write_turtle(models, date("xsd:boolean"))

    assert (Kind.DATE, Kind.BOOLEAN) == (before, kind_of_value(ModelLibrary([models], cache)))


def test_a_new_copy_in_an_earlier_folder_ends_the_cache(tmp_path: Path) -> None:
    theirs, ours, cache = tmp_path / "theirs", tmp_path / "ours", tmp_path / "cache"
    write_turtle(ours, date("xsd:date"))
    before = kind_of_value(ModelLibrary([theirs, ours], cache))
    write_turtle(theirs, date("xsd:boolean"))

    after = kind_of_value(ModelLibrary([theirs, ours], cache))

    assert (Kind.DATE, Kind.BOOLEAN) == (before, after)


@pytest.mark.parametrize("spoilt", [b"", b"{}", b'{"fingerprint": 3', b"\x00" * 100])
def test_a_spoilt_cache_is_made_anew(tmp_path: Path, spoilt: bytes) -> None:
    models, cache = tmp_path / "models", tmp_path / "cache"
    write_turtle(models, date())
    ModelLibrary([models], cache).get(THING)
    (entry,) = cache.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(spoilt)

    assert Kind.DATE == kind_of_value(ModelLibrary([models], cache))
    assert whole == entry.read_bytes()


def test_without_a_usable_cache_folder_everything_works(tmp_path: Path) -> None:
    write_turtle(tmp_path, date())
    blocked = tmp_path / "file"
    blocked.write_text("")

    assert [Kind.DATE, Kind.DATE] == [
        kind_of_value(ModelLibrary([tmp_path], cache)) for cache in (None, blocked / "cache")
    ]


def _properties(model: AspectModel) -> list[Property]:
    return [*model.properties, *(p for e in model.entities.values() for p in e.properties)]


def _is_allowed(example: object, schema: dict[str, object], urn: str) -> bool:
    found = _property_schema(schema, urn)
    if found is None:
        return True
    root = {**found, "components": schema["components"]}
    candidates = [example, [example]]
    return any(Draft4Validator(root).is_valid(value) for value in candidates)


def _property_schema(node: object, urn: str) -> dict[str, object] | None:
    if isinstance(node, dict):
        if node.get("x-samm-aspect-model-urn") == urn and "$ref" in node:
            return {"$ref": node["$ref"]}
        return next((f for v in node.values() if (f := _property_schema(v, urn))), None)
    return None
