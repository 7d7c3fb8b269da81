"""Senses perceive. Each one takes settings and yields messages."""

__project__ = "kinwatch"
