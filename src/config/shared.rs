//! Services known to send for many tenants from the same hosts: what must never prove a company by itself.
//!
//! The lists are of public knowledge (the services' own SPF records and connector guides, 2026) and may lack a range;
//! they keep an admin from the common mistakes and stand in for no thought.

use ipnet::IpNet;

/// A service with many tenants.
pub(super) struct Service {
    /// Its name, as admins know it.
    pub(super) name: &'static str,
    /// Its names in client certificates end so.
    certificates: &'static [&'static str],
    /// The networks it sends from.
    networks: &'static [&'static str],
}

const SERVICES: &[Service] = &[
    Service {
        name: "Microsoft 365",
        certificates: &["outlook.com", "office365.com", "partner.outlook.cn"],
        networks: &[
            "40.92.0.0/15",
            "40.107.0.0/16",
            "52.100.0.0/14",
            "104.47.0.0/17",
            "2a01:111:f400::/48",
            "2a01:111:f403::/48",
        ],
    },
    Service {
        name: "Google",
        certificates: &["google.com", "gmail.com", "googlemail.com"],
        networks: &[
            "35.190.247.0/24",
            "64.233.160.0/19",
            "66.102.0.0/20",
            "66.249.80.0/20",
            "72.14.192.0/18",
            "74.125.0.0/16",
            "108.177.8.0/21",
            "173.194.0.0/16",
            "209.85.128.0/17",
            "216.58.192.0/19",
            "216.239.32.0/19",
            "2001:4860:4000::/36",
            "2404:6800:4000::/36",
            "2607:f8b0:4000::/36",
            "2a00:1450:4000::/36",
        ],
    },
    Service { name: "Amazon SES", certificates: &["amazonses.com", "amazonaws.com"], networks: &[] },
    Service { name: "Mailgun", certificates: &["mailgun.org", "mailgun.net", "mailgun.com"], networks: &[] },
    Service { name: "SendGrid", certificates: &["sendgrid.net", "sendgrid.com"], networks: &[] },
    Service { name: "Postmark", certificates: &["mtasv.net", "postmarkapp.com"], networks: &[] },
    Service { name: "SparkPost", certificates: &["sparkpostmail.com"], networks: &[] },
    Service { name: "Mailchimp", certificates: &["mandrillapp.com", "mcsv.net"], networks: &[] },
    Service { name: "Salesforce", certificates: &["salesforce.com", "exacttarget.com"], networks: &[] },
    Service { name: "Zoho", certificates: &["zoho.com", "zohomail.com", "zoho.jp"], networks: &[] },
    Service { name: "Proofpoint", certificates: &["pphosted.com", "ppe-hosted.com"], networks: &[] },
    Service { name: "Mimecast", certificates: &["mimecast.com"], networks: &[] },
    Service { name: "HENNGE", certificates: &["hdems.com", "hennge.com"], networks: &[] },
];

/// The service to which a name in a certificate belongs.
pub(super) fn by_certificate(name: &str) -> Option<&'static Service> {
    let of = |suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    SERVICES.iter().find(|service| service.certificates.iter().any(|suffix| of(suffix)))
}

/// The service that sends from a part of this network.
pub(super) fn by_network(network: &IpNet) -> Option<&'static Service> {
    let of = |text: &str| text.parse().is_ok_and(|known: IpNet| overlap(&known, network));
    SERVICES.iter().find(|service| service.networks.iter().any(|text| of(text)))
}

/// Whether two networks have an address in common.
pub(super) fn overlap(a: &IpNet, b: &IpNet) -> bool {
    a.contains(b) || b.contains(a)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_of_the_list_can_be_read() {
        for text in SERVICES.iter().flat_map(|s| s.networks) {
            assert!(text.parse::<IpNet>().is_ok_and(|n| n == n.trunc()), "{text}");
        }
    }

    #[test]
    fn a_service_is_known_by_its_certificate_and_by_any_part_of_its_networks() {
        let certificate = |name| by_certificate(name).map(|s| s.name);
        assert_eq!(certificate("mail.protection.outlook.com"), Some("Microsoft 365"));
        assert_eq!(certificate("*.mail.protection.outlook.com"), Some("Microsoft 365"));
        assert_eq!(certificate("smtp.google.com"), Some("Google"));
        assert_eq!((certificate("notoutlook.com"), certificate("ats.sakura.example")), (None, None));
        let network = |text: &str| by_network(&text.parse().unwrap_or_else(|e| panic!("{e}"))).map(|s| s.name);
        assert_eq!(network("40.107.3.0/24"), Some("Microsoft 365"));
        assert_eq!(network("40.0.0.0/8"), Some("Microsoft 365"));
        assert_eq!(network("209.85.200.1/32"), Some("Google"));
        assert_eq!((network("192.0.2.0/24"), network("2001:db8::/32")), (None, None));
    }
}
