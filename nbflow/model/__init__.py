"""Frozen values, closed enums and the graph: the words every other room speaks. No I/O."""
