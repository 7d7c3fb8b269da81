"""Pure: from the faces of a visit to a verdict, and from the verdict to an alert."""
