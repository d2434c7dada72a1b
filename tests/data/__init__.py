"""Tests of training samples and of the synthetic performers."""
