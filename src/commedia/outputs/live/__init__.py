"""Moments to the pages of `commedia live`, and what those pages ask for: one sink, and the server it speaks through.

access      who may ask: Host, Origin, token
show        what the pages show and may change: characters, gains, calibrations, recording
characters  which characters there are, as a page loads them
messages    a moment to the message of `formats/page_messages.py`
pages       the connected pages, each of which gets the newest moment
app, server the routes, and the thread that serves them
"""
