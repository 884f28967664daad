"""The only wiring: settings become stores, executors and the service."""
