"""The brain decides: messages in, messages out; no device, no effect."""

__project__ = "kinwatch"
