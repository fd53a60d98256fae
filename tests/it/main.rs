//! Whole-system tests: the real binary over real sockets, one file per behaviour, one binary so that it links once.

mod bad_input;
mod commands;
mod demo;
mod failing_next_hop;
mod gateway;
mod hostile;
mod injection;
mod kill;
mod postfix;
mod sink;
mod smtp;
