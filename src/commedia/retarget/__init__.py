"""From a face to a rig: which morph answers to which unit, and what the bones do."""
