"""What a take becomes: animated GLB, Live Link Face CSV, take file; each written aside and renamed when whole."""
