"""From a face to a rig: which morph answers to which blendshape, and what the bones do."""
