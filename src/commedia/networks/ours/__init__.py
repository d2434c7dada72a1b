"""The networks that ship: ours, not a paper's."""
