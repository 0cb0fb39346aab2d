"""What the studio tells of itself: events, the log, the numbers."""
