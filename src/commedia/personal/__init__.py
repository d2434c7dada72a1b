"""Pictures of one person to a rig that is theirs. Needs torch; never on the live path."""

from commedia.errors import optional

optional("torch", "personalizing", "train")
