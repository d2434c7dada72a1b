"""3D morphable models: faces from identity and expression, and the points on them that carry names."""
