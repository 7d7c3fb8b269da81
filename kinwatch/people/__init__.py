"""The commands for people, photos and past visits."""
