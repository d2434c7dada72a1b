"""How good it is: pure metrics, the project's tables, and how they are written down."""
