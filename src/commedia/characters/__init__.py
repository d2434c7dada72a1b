"""Characters that can be played: read from glTF, or made from the default head; never drawn or moved by themselves."""
