"""The engine: configuration, graph, plan, run; nodes and store are seen as protocols."""
