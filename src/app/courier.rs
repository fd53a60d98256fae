//! Carries our own mails: into custody under their unique names, so that a crash sends none of them twice.

use std::sync::Arc;

use bytes::Bytes;

use crate::deliver::{Deliver, Job};
use crate::mail::envelope::Envelope;
use crate::notify::Courier;
use crate::pipeline::Copy;
use crate::spool::{EntryId, Spool, Write};
use crate::sys::{clock, random};

/// The spool as a courier.
pub struct SpoolCourier {
    /// Where mail in custody is kept.
    pub spool: Spool,
    /// Who sends it on.
    pub deliver: Deliver,
}

impl Courier for SpoolCourier {
    async fn carry(&self, once: String, envelope: Envelope, message: Vec<u8>) -> Result<(), String> {
        let id = format!("n{:016x}", u64::from_be_bytes(random::octets()));
        let copy = Copy { recipients: (0..envelope.recipients.len()).collect(), ..Copy::default() };
        let job = Job {
            id: EntryId::parse(&id).map_err(|e| e.to_string())?,
            company: None,
            envelope: Arc::new(envelope),
            original: Bytes::from(message),
            trace: Bytes::new(),
            copy,
        };
        let Some(Write::Store(mut entry)) = self.deliver.write_to_store(&[job], clock::now()) else {
            return Err("nobody to write to".to_owned());
        };
        entry.once = Some(once);
        self.spool.commit(vec![Write::Store(entry)]).await.map_err(|e| e.to_string())?;
        self.deliver.wake();
        Ok(())
    }
}
