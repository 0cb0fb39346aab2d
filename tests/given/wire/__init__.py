"""Discord as a client meets it on the wire: a gateway and an API on a port of this machine."""
