"""Networks that read face parameters from pixels: one paper, one file; torch only, never on the live path."""
