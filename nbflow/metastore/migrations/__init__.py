"""Migrations of the metastore, run by Alembic."""
