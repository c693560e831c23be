"""The quick way to deliver: a worker is woken after commit. The guard delivers in any case."""

from celery import shared_task

from testudo.events import relay


@shared_task(acks_late=True, ignore_result=True)  # type: ignore[untyped-decorator]
def deliver(stream: str) -> None:
    """Deliver what waits in one stream. Lost or repeated, nothing breaks."""
    while relay.deliver_due(relay.BATCH, stream=stream) >= relay.BATCH:
        pass
