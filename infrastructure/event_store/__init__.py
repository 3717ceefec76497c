"""Our recorder behind eventsourcing's interfaces: `PERSISTENCE_MODULE=infrastructure.event_store`.

Start reading at `recorder`; why it is not the library's own is told in docs/adr/0002 and 0003.
"""

from infrastructure.event_store.factory import ConcurrentPostgresFactory

__all__ = ["ConcurrentPostgresFactory"]
