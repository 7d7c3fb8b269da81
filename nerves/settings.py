"""kinwatch.yaml, overridden by KINWATCH_*; an unknown key is refused with the nearest name."""
