"""Third arrow of the sentence: from faces in frames to people who keep their id, move smoothly and fade when lost."""
