//! What the machine gives: time, entropy and the disk. The only place that asks for them.

pub mod clock;
pub mod disk;
pub mod random;
