"""What people read and look at.  Pure: from values to words and pictures."""
