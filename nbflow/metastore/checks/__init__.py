"""The invariants of a metastore by theme; `nbflow.metastore.check` asks them all."""
