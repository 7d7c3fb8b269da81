"""Actuators act: settings and messages in, receipts out."""
