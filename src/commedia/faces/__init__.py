"""First arrow of the sentence: from a picture to the faces in it, and to the crops that networks read."""
