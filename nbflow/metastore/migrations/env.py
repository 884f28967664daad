"""Alembic's entry: runs the migrations on the connection that `nbflow.metastore.migrating` made."""

from alembic import context

from nbflow.faults import point

context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=False,  # the caller's transaction holds all of it
    on_version_apply=lambda **_: point("migrate.step"),
)
context.run_migrations()
