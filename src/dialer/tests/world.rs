//! What a box must reach, and its site.

use super::*;

pub(super) const COLLEAGUE: &str = "+33611111111";
pub(super) const NEW_OWNER: &str = "+33622222222";
pub(super) const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
pub(super) const KEY: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
pub(super) const NEW_KEY: &str = "LVzhNIRwcCZ8nLbCbvMs1ql87Jh84ADfLhO3gs7nils=";
pub(super) const HOME: &str = "203.0.113.5:51820";
pub(super) const MOVED: &str = "198.51.100.7:443";
pub(super) const PATIENCE: Duration = Duration::from_secs(20 * 60);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

pub(super) fn site_text(proof: &str) -> String {
    format!(
        "role='dialer'\nhostname='hut'\n[lan]\naddress='192.168.7.2/24'\n\
         [operator]\nname='free'\napn='free'\nuser='me'\npassword='old'\n\
         [sms]\nnumbers=['{OWNER}','{COLLEAGUE}']\nproof='{proof}'\nsecret='{SECRET}'\n\
         [vpn]\naddress='10.9.0.2/24'\nprivate-key='aAtSHjdVOAl1GdMyUhhgyIHY14tpX+dhE3kdwY79QH4='\npublic-key='{KEY}'\nendpoint='{HOME}'\n\
         other-endpoints=['vpn.example.org:443']\nnetworks=['10.9.0.0/24']\n"
    )
}

/// What the box must reach.
pub(super) struct World {
    pub(super) server: Option<(&'static str, &'static str)>,
    pub(super) apn: &'static str,
    pub(super) account: (&'static str, &'static str),
    pub(super) has_dns: bool,
    /// The address of `vpn.example.org`.
    pub(super) named: Option<Ipv4Addr>,
}
