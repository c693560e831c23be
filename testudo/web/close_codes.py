"""With what number a socket of ours is closed, and what the page makes of it.

An application may send 1000 and 3000 to 4999 (RFC 6455, 7.4.2). Browsers and daphne hold to that:
of a 1013 or 1008 daphne makes an error of its own, and the page sees 1011. Ours follow HTTP's
numbers. A page comes again after any of them but NOT_SIGNED_IN and NOT_FOUND.
"""

NOT_SIGNED_IN = 4401
NOT_FOUND = 4404  # no such account, no such venue
TOO_MANY_FAULTS = 4429
TRY_AGAIN_LATER = 4503
