//! A referral seen from the mail: whom it is about, which link it carries, in which words it is offered.

pub mod link;
pub mod wording;
