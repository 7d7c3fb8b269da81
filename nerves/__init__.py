"""The nervous system that all services share: topics, messages, the bus, settings."""

__project__ = "kinwatch"
