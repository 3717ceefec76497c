"""The tools behind the ports: PostgreSQL, keys, clocks, gateways, processes.

This room may import `application`, `projections` and `domain`, never `web`.
Nothing connects at import; every dependency is an argument.
Start reading at `event_store`.
"""
