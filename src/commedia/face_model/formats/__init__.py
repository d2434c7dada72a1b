"""Face models that users bring: one file per source, each returning our own model. `load.py` is the door."""
