"""Read models: each one a row, a versioned table, a fold over facts and its queries.

This room may import `domain.events` and `domain.values`, never the case's behaviour.
A read model is disposable: it can be rebuilt from the facts at any time.
Start reading at `review_queue`; `ALL` in `catalogue` lists every read model.
"""
