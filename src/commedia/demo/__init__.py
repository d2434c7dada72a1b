"""The bundled media: two public-domain portraits in motion, and a drawn troupe whose every parameter is known."""
