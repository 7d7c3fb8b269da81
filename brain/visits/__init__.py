"""From frames to visits: analysis, tracking, and the brain that decides."""
