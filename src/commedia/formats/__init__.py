"""One file per format of motion: its reader, its writer and, where it travels, its packet."""
