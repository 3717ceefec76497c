"""What an after-sales case is, and what may be done to it: facts, rules, refusals.

This room knows nobody. It uses the standard library and `eventsourcing.domain`
alone: no I/O, no clock, no randomness; time, ids and the policy are handed in.
Start reading at `case`, then `events`.
"""
