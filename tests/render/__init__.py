"""Tests of the renderer: oracles, gradients, laws of light."""
