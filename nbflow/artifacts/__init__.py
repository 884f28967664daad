"""The content store: values that tasks hand over, executed notebooks, logs. Never unpickles."""
