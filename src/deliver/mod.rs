//! Sending mail on: routes, connections to next hops, hand-through, the spool's worker, retries and bounces.
