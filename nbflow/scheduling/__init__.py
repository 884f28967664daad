"""When things run: timetables, and the pure state machine of a run."""
