"""Trains a new last layer for a pretrained network from labelled folders."""
