//! Whole-system tests: the real binary over real sockets, one file per behaviour, one binary so that it links once.

mod bad_input;
mod blind;
mod certificates;
mod commands;
mod demo;
mod dialogue;
mod disk;
mod documents;
mod failing_next_hop;
mod gateway;
mod hostile;
mod in_the_middle;
mod injection;
mod kill;
mod mx;
mod name_server;
mod odd_next_hops;
mod postfix;
mod protected_next_hop;
mod right_to_relay;
mod sink;
mod smtp;
mod terminal;
mod users;
