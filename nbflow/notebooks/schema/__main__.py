"""``python -m nbflow.notebooks.schema`` writes the shipped schema anew."""

from nbflow.notebooks.schema import write_schema

write_schema()
