"""The nervous system that all organs share: topics, messages, the bus, settings."""
