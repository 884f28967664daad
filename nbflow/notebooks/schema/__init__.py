"""The JSON Schema of ``metadata.nbflow``, generated from the models that check it."""

import json
from pathlib import Path
from typing import Any

SCHEMA_FILE = Path(__file__).with_name("nbflow-metadata.schema.json")
"""The schema as it ships; ``make`` writes it anew with ``python -m nbflow.notebooks.schema``."""


def metadata_schema() -> dict[str, Any]:
    """Return the schema: the notebook's object, and under ``$defs`` that of a cell."""
    from nbflow.notebooks.metadata import NotebookMetadata

    schema = NotebookMetadata.model_json_schema(mode="validation")
    definitions = schema.pop("$defs")
    definitions["CellMetadata"] = {
        "description": "``metadata.nbflow`` of a cell.",
        "type": "object",
        "properties": {"task": {"$ref": "#/$defs/TaskData"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "metadata.nbflow",
        **{key: value for key, value in schema.items() if key != "title"},
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """Return the schema as the text of the shipped file."""
    return json.dumps(metadata_schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema() -> None:
    """Write the shipped file anew."""
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
