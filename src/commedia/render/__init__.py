"""Meshes to pictures in torch: project, rasterize, shade. Has gradients inside the silhouette; knows nothing of faces."""
