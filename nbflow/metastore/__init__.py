"""DAG versions, runs, attempts and events in SQLite, PostgreSQL or MariaDB."""
