"""Tests of the readers of published data sets."""
