"""Meshes to pictures in torch: project, rasterize, shade. Gradients inside the silhouette; knows nothing of faces."""
