"""Workers seen from outside: the port `worker`, and adapters named for their technology."""
