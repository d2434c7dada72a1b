"""Pictures, animations, videos and folders as streams of upright RGB frames with exact times."""
