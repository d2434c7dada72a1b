"""The preview: the source beside the characters, as a video or a picture."""
