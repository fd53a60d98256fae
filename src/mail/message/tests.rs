//! How messages are read: structure, faults, bounds, and agreement with mail-parser on well-formed mail.
