"""Pure functions on rotations, cameras and meshes. Knows nothing of faces."""
