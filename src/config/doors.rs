//! Where mail comes in: listeners, who may relay, what shows whose mail it is, and how clients are held to a measure.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use crate::pipeline::Relaying;
pub use crate::proto::smtp::data::BareLf;
use crate::proto::smtp::limits::Limits;
use crate::sys::tls::{ClientRoots, ServerFiles};

/// Accepting mail.
#[derive(Clone, Debug, PartialEq)]
pub struct SmtpSettings {
    /// Where we listen. A socket that systemd hands over takes the settings of the listener with its port.
    pub listeners: Vec<Listener>,
    /// Who may relay, which clients many tenants share, and how their mail is marked (design §3.1). Everyone else has
    /// to log in or gets 550 5.7.1.
    pub relaying: Relaying,
    /// Clients in these networks may say with XCLIENT for whom they speak.
    pub xclient_from: Vec<IpNet>,
    /// What happens to a message with a bare LF.
    pub bare_lf: BareLf,
    /// A field put in front of every mail that passes, for connector rules; absent: none.
    pub stamp: Option<Stamp>,
    /// The one table of limits the protocol engine obeys.
    pub limits: Limits,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 2525));
        Self {
            listeners: vec![Listener::at(address)],
            relaying: Relaying {
                networks: vec![
                    IpNet::new_assert(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
                    IpNet::new_assert(Ipv6Addr::LOCALHOST.into(), 128),
                ],
                shared: Vec::new(),
                header: "X-Career-Relay-Route".to_owned(),
            },
            xclient_from: Vec::new(),
            bare_lf: BareLf::default(),
            stamp: None,
            limits: Limits::default(),
        }
    }
}

/// One address we listen on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listener {
    /// Address and port.
    pub address: SocketAddr,
    /// When TLS begins.
    pub tls: DoorTls,
    /// Whether MAIL is refused before TLS (530 5.7.0).
    pub tls_required: bool,
    /// Whether MAIL is refused before AUTH (530 5.7.0), as on a submission port.
    pub auth_required: bool,
    /// Balancers in these networks speak for clients by the PROXY protocol (version 2); all others may not connect
    /// when the list is not empty.
    pub proxy_from: Vec<IpNet>,
}

impl Listener {
    /// A listener with nothing but its address set.
    pub fn at(address: SocketAddr) -> Self {
        let proxy_from = Vec::new();
        Self { address, tls: DoorTls::default(), tls_required: false, auth_required: false, proxy_from }
    }
}

/// When TLS begins at a listener. Without a certificate there is none, whatever stands here.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum DoorTls {
    /// Never.
    None,
    /// When the client says STARTTLS (RFC 3207).
    #[default]
    StartTls,
    /// With the first octet (RFC 8314).
    Implicit,
}

/// A header field for the connector rules of the next hop.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stamp {
    /// The field's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Stamp {
    /// The whole field, with its line end.
    pub fn line(&self) -> String {
        format!("{}: {}\r\n", self.name, self.value)
    }
}

/// TLS as a server: one certificate for all listeners, and whom client certificates are checked against.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TlsSettings {
    /// The chain as PEM, ours first; read again when the file changes. Absent: no TLS is offered.
    pub certificate: Option<PathBuf>,
    /// The private key as PEM.
    pub key: Option<PathBuf>,
    /// Who signs the certificates of clients.
    pub client_ca: ClientCa,
}

impl TlsSettings {
    /// The files to serve from; nothing without a certificate. The key may stand in the certificate's file.
    pub fn files(&self) -> Option<ServerFiles> {
        let clients = match &self.client_ca {
            ClientCa::None => ClientRoots::None,
            ClientCa::System => ClientRoots::System,
            ClientCa::File(path) => ClientRoots::File(path.clone()),
        };
        let certificate = self.certificate.clone()?;
        let key = self.key.clone().unwrap_or_else(|| certificate.clone());
        Some(ServerFiles { certificate, key, clients })
    }
}

/// Who signs the certificates of clients.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum ClientCa {
    /// Clients are not asked for one.
    #[default]
    None,
    /// The authorities this machine trusts.
    System,
    /// The authorities in this PEM file.
    File(PathBuf),
}
