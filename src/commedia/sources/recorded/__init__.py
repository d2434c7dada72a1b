"""Motion that somebody recorded before: files that say what a face did, read without pictures and networks."""
