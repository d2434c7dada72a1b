"""The network of Mo et al. 2022."""
