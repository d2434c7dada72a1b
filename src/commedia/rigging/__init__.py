"""Makes the 52 blendshapes for a character that came without: our head is laid over it, and what moves there moves
here."""
