"""The programs that train what we ship.  Used by nobody."""
