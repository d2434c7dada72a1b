"""Real photographs to training samples: a teacher finds points, a fit turns them into parameters of our head."""
