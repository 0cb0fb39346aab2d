"""The families of models, as data.  No torch: bot and worker read it."""
