"""The renderer of people: faces and crowds with exact labels."""
