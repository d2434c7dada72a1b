"""The networks of paper 1 (CVPR 2019), to the letter where the letter exists."""
