"""The use cases that every face calls: run, verify, deploy, tag, look around."""
