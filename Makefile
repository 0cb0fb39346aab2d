# Every target is a command of start.py, which does its own set-up; without make, call it directly:
# `python start.py demo` is the same on Windows, macOS and Linux.  ARGS are passed on:
# `make test ARGS="-k queue"`.

PYTHON ?= python3
COMMANDS := demo run test test-all test-cluster check draw reproduce change describe score import models doctor backup restore completion simulate bench soak setup

.PHONY: help $(COMMANDS)

help:
	@$(PYTHON) start.py help

$(COMMANDS):
	@$(PYTHON) start.py $@ $(ARGS)
