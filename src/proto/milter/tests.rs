//! Conversations as an MTA has them, and an MTA that does what it is told.
