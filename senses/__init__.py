"""Senses perceive: settings in, messages out."""

__project__ = "kinwatch"
