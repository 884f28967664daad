"""The invariants of a metastore by theme; `nbflow.metastore.checking` asks them all."""
