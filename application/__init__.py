"""One method per use case, and the ports they need, beside their use.

This room may import `domain` and nothing else of ours. It decides who may do what
to which case, ties a command to its request (version, idempotency) and records.
Start reading at `cases`.
"""
