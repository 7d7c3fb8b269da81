"""From frames to visits: frame analysis, tracking, second opinions, and the brain that decides."""
