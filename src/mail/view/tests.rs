//! How text becomes lines, and which of them are the newest message.
