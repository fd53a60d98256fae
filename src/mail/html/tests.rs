//! How markup becomes lines, and which places it offers.
