//! The milter as an MTA meets it.
