"""The command line: one file per verb, each with a function `run` whose arguments become the options.

Verbs are imported when they are asked for, so that a missing extra never breaks the others; `main.py` lists them.
Only this folder prints, parses arguments and decides exit codes.
"""
