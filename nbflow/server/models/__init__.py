"""What the API takes and gives; the same models validate, document and type it."""
