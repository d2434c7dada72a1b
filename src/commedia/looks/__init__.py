"""Frames of a take to what its people look like: the colours and the skin of their heads."""
