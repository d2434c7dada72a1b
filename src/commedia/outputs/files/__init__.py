"""One person's motion as files: one file per format."""
