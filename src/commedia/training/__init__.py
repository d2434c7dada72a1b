"""Shards in, weights out: what a batch is, how it is varied, and the one loop that trains every network here."""
