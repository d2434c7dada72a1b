"""Moments to other programs, while they happen: one sink per protocol, opened by its address.

A stream never waits and never ends a run: what cannot be sent is dropped, and said once.
"""
