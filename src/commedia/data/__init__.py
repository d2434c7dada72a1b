"""Training samples: what one is, how it is stored, where it comes from (labelled photographs, synthetic performers)."""
