"""Actuators act: settings and messages in, receipts out."""

__project__ = "kinwatch"
