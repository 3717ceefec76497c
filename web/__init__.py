"""HTTP in front of the use cases and the read models.

This room may import `application`, `projections` and `domain`, never `infrastructure`.
It holds no SQL and no rule: it translates requests, answers and refusals.
Start reading at `app`.
"""
