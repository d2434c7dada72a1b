"""What training minimises: one idea, one function, the paper's equation cited. Torch only; nothing here holds state."""
