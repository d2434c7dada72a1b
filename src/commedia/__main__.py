"""`python -m commedia`: the same command line, where the script `commedia` is not on the PATH."""

import sys

from commedia.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
