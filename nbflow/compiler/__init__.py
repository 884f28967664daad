"""From tagged cells to a DAG: analysis of cells, edges with their why, diagnostics."""
