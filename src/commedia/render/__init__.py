"""Meshes to pictures in torch: project, rasterize, shade. Differentiable inside the silhouette; knows nothing of faces."""
