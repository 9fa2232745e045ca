//! Values of a site that a text message can change: those by which the box is reached.

use super::changed_key::ChangedKey;
use super::error::{Checked, problem};
use super::text::Invalid;
use super::{
    AnyEndpoint, Apn, PhoneNumber, PublicKey, Secret, SecretKey, Site, SiteError, UserName, raw, validate,
};
use std::fmt;
use std::str::FromStr;
use toml::Spanned;

/// New values for some keys of a site. `Debug` and `Display` show no secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    endpoint: Option<AnyEndpoint>,
    public_key: Option<PublicKey>,
    preshared_key: Option<SecretKey>,
    apn: Option<Apn>,
    user: Option<UserName>,
    password: Option<Secret>,
    numbers: Option<Vec<PhoneNumber>>,
}

impl Changes {
    /// The same, with this value of a key; numbers are separated by spaces.
    ///
    /// # Errors
    /// It is not valid for this key. The hint, [`Invalid::next`], never quotes it.
    pub fn with(mut self, key: ChangedKey, value: &str) -> Result<Self, Invalid> {
        match key {
            ChangedKey::Endpoint => self.endpoint = Some(value.parse()?),
            ChangedKey::PublicKey => self.public_key = Some(value.parse()?),
            ChangedKey::PresharedKey => self.preshared_key = Some(value.parse()?),
            ChangedKey::Apn => self.apn = Some(value.parse()?),
            ChangedKey::User => self.user = Some(value.parse()?),
            ChangedKey::Password => self.password = Some(value.parse()?),
            ChangedKey::Numbers => {
                let numbers = value.split_whitespace().map(PhoneNumber::from_str);
                self.numbers = Some(numbers.collect::<Result<_, _>>()?);
            }
        }
        Ok(self)
    }

    /// The value of a key as it was written, a secret one too.
    #[must_use]
    pub fn reveal(&self, key: ChangedKey) -> Option<String> {
        match key {
            ChangedKey::Endpoint => self.endpoint.as_ref().map(ToString::to_string),
            ChangedKey::PublicKey => self.public_key.as_ref().map(|key| key.as_str().to_owned()),
            ChangedKey::PresharedKey => self.preshared_key.as_ref().map(|key| key.reveal().to_owned()),
            ChangedKey::Apn => self.apn.as_ref().map(ToString::to_string),
            ChangedKey::User => self.user.as_ref().map(ToString::to_string),
            ChangedKey::Password => self.password.as_ref().map(|password| password.reveal().to_owned()),
            ChangedKey::Numbers => self
                .numbers
                .as_ref()
                .map(|numbers| numbers.iter().map(PhoneNumber::as_str).collect::<Vec<_>>().join(" ")),
        }
    }

    /// The keys with a value.
    pub fn keys(&self) -> impl Iterator<Item = ChangedKey> {
        ChangedKey::ALL.into_iter().filter(|key| self.reveal(*key).is_some())
    }

    /// Whether no key has a value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys().next().is_none()
    }

    /// The new numbers, if they change.
    #[must_use]
    pub fn numbers(&self) -> Option<&[PhoneNumber]> {
        self.numbers.as_deref()
    }

    /// These, and those of `later`, which count where both have a value.
    #[must_use]
    pub fn then(&self, later: &Self) -> Self {
        let Self { endpoint, public_key, preshared_key, apn, user, password, numbers } = later.clone();
        Self {
            endpoint: endpoint.or_else(|| self.endpoint.clone()),
            public_key: public_key.or_else(|| self.public_key.clone()),
            preshared_key: preshared_key.or_else(|| self.preshared_key.clone()),
            apn: apn.or_else(|| self.apn.clone()),
            user: user.or_else(|| self.user.clone()),
            password: password.or_else(|| self.password.clone()),
            numbers: numbers.or_else(|| self.numbers.clone()),
        }
    }

    /// Puts the values into a site as written. An alternative to a key, such as `other-apns`, does not repeat it.
    fn put_into(&self, raw: &mut raw::Site) -> Checked<()> {
        let at_start = |endpoint: AnyEndpoint| Spanned::new(0..0, endpoint);
        if let Some(operator) = &mut raw.operator {
            let operator = operator.as_mut();
            if let Some(apn) = &self.apn {
                operator.apn = apn.clone();
                operator.other_apns.iter_mut().for_each(|all| all.retain(|other| other.get_ref() != apn));
            }
            if let Some(user) = &self.user {
                operator.user = Some(Spanned::new(0..0, user.clone()));
            }
            if let Some(password) = &self.password {
                operator.password = Some(Spanned::new(0..0, password.clone()));
            }
        }
        match &mut raw.vpn {
            Some(vpn) => {
                let vpn = vpn.as_mut();
                if let Some(endpoint) = &self.endpoint {
                    vpn.endpoint = at_start(endpoint.clone());
                    vpn.other_endpoints.iter_mut().for_each(|all| all.retain(|it| it.get_ref() != endpoint));
                }
                vpn.public_key = self.public_key.clone().unwrap_or_else(|| vpn.public_key.clone());
                if let Some(key) = &self.preshared_key {
                    vpn.preshared_key = Some(Spanned::new(0..0, key.clone()));
                }
            }
            None if self.endpoint.is_some() || self.public_key.is_some() || self.preshared_key.is_some() => {
                return problem("the site has no [vpn]", "add it to site.toml", 0..0);
            }
            None => {}
        }
        if let (Some(sms), Some(numbers)) = (&mut raw.sms, &self.numbers) {
            sms.as_mut().numbers = numbers.iter().cloned().map(|number| Spanned::new(0..0, number)).collect();
        }
        Ok(())
    }

    /// Removes what could be used instead of these values.
    fn remove_alternatives(&self, raw: &mut raw::Site) {
        if let Some(operator) = raw.operator.as_mut().filter(|_| self.apn.is_some()) {
            operator.as_mut().other_apns = None;
        }
        if let Some(vpn) = raw.vpn.as_mut().filter(|_| self.endpoint.is_some()) {
            vpn.as_mut().other_endpoints = None;
        }
    }
}

/// The keys: `endpoint, password`.
impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.keys().map(ChangedKey::as_str).collect();
        f.write_str(&keys.join(", "))
    }
}

/// The keys with the values that are not secret, for a status: `endpoint 203.0.113.9:51820, password`.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a Changes);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, key) in self.0.keys().enumerate() {
            let value = self.0.reveal(key).filter(|_| !key.is_secret()).unwrap_or_default();
            let (comma, space) = (if at > 0 { ", " } else { "" }, if value.is_empty() { "" } else { " " });
            write!(f, "{comma}{}{space}{value}", key.as_str())?;
        }
        Ok(())
    }
}

impl Site {
    /// Reads and validates a site with these changes, and with those that are on trial: what could be used instead of
    /// their values is left out.
    ///
    /// # Errors
    /// The site is not valid with them. Line and column do not matter; the reason never shows a secret.
    pub fn parse_changed(text: &str, kept: &Changes, on_trial: Option<&Changes>) -> Result<Self, SiteError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let changed = |mut raw: raw::Site| {
            kept.put_into(&mut raw)?;
            if let Some(changes) = on_trial {
                changes.put_into(&mut raw)?;
                changes.remove_alternatives(&mut raw);
            }
            validate::site(raw)
        };
        raw::parse(text).and_then(changed).map_err(|problem| SiteError::new(*problem, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::Role;

    const KEY: &str = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
    const OTHER_KEY: &str = "LVzhNIRwcCZ8nLbCbvMs1ql87Jh84ADfLhO3gs7nils=";

    fn text(vpn: &str) -> String {
        format!(
            "role='dialer'\nhostname='x'\n[lan]\naddress='192.168.1.2/24'\n\
             [operator]\nname='x'\napn='old'\nother-apns=['spare','web']\n\
             [sms]\nnumbers=['+33612345678']\nproof='sender-only'\n{vpn}"
        )
    }

    fn vpn() -> String {
        format!(
            "[vpn]\naddress='10.9.0.2/24'\nprivate-key='aAtSHjdVOAl1GdMyUhhgyIHY14tpX+dhE3kdwY79QH4='\npublic-key='{KEY}'\n\
             endpoint='203.0.113.5:51820'\nother-endpoints=['203.0.113.6:443']\nnetworks=['10.9.0.0/24']\n\
             [forward]\nnetworks=['192.168.1.0/24']\n"
        )
    }

    fn changes(of: &[(ChangedKey, &str)]) -> Changes {
        of.iter().fold(Changes::default(), |all, (key, value)| all.with(*key, value).unwrap())
    }

    fn dialer(site: Site) -> crate::site::Dialer {
        let Role::Dialer(dialer) = site.role else { unreachable!() };
        *dialer
    }

    #[test]
    fn each_changed_value_is_in_the_site_and_everything_else_stays() {
        let text = text(&vpn());
        let all = changes(&[
            (ChangedKey::Endpoint, "203.0.113.9:51821"),
            (ChangedKey::PublicKey, OTHER_KEY),
            (ChangedKey::PresharedKey, KEY),
            (ChangedKey::Apn, "web"),
            (ChangedKey::User, "me"),
            (ChangedKey::Password, "a b{\"'"),
            (ChangedKey::Numbers, "+33612345678 +33698765432"),
        ]);
        let before = dialer(Site::parse(&text).unwrap());
        let mut after = dialer(Site::parse_changed(&text, &all, None).unwrap());
        let vpn = after.vpn.as_mut().unwrap();
        assert_eq!(vpn.endpoint.to_string(), "203.0.113.9:51821");
        assert_eq!(vpn.public_key.as_str(), OTHER_KEY);
        assert_eq!(vpn.preshared_key.take().unwrap().reveal(), KEY);
        assert!(!Shown(&all).to_string().contains(KEY), "{}", Shown(&all));
        let account = after.operator.account.take().unwrap();
        assert_eq!((account.name.as_str(), account.password.reveal()), ("me", "a b{\"'"));
        assert_eq!(after.operator.apn.to_string(), "web");
        assert_eq!(after.operator.other_apns.iter().map(ToString::to_string).collect::<Vec<_>>(), ["spare"]);
        assert_eq!(after.sms.as_ref().unwrap().numbers.len(), 2);
        let rest = before.vpn.clone().unwrap();
        (vpn.endpoint, vpn.public_key) = (rest.endpoint, rest.public_key);
        after.operator = before.operator.clone();
        after.sms = before.sms.clone();
        assert_eq!(after, before);
    }

    #[test]
    fn nothing_else_is_used_instead_of_a_value_on_trial() {
        let text = text(&vpn());
        let trial = changes(&[(ChangedKey::Endpoint, "203.0.113.6:443"), (ChangedKey::Apn, "new")]);
        let on_trial = dialer(Site::parse_changed(&text, &Changes::default(), Some(&trial)).unwrap());
        assert_eq!(on_trial.vpn.unwrap().other_endpoints, []);
        assert_eq!(on_trial.operator.other_apns, []);
        let kept = dialer(Site::parse_changed(&text, &trial, None).unwrap());
        assert_eq!(kept.vpn.unwrap().other_endpoints, [], "the one other is the endpoint now");
        assert_eq!(kept.operator.other_apns.len(), 2);
    }

    #[test]
    fn a_change_that_the_site_s_other_values_forbid_is_refused() {
        for (with_vpn, key, value, why) in [
            (false, ChangedKey::Endpoint, "203.0.113.9:51820", "the site has no [vpn]"),
            (false, ChangedKey::PublicKey, OTHER_KEY, "the site has no [vpn]"),
            (false, ChangedKey::PresharedKey, OTHER_KEY, "the site has no [vpn]"),
            (true, ChangedKey::PresharedKey, KEY, "are the same key"),
            (true, ChangedKey::User, "me", "`user` needs a `password`"),
            (true, ChangedKey::Password, "secret", "`password` needs a `user`"),
            (true, ChangedKey::Numbers, "+33612345678 +33612345678", "this number is given twice"),
            (false, ChangedKey::Endpoint, "vpn.example.org:51820", "the site has no [vpn]"),
            (true, ChangedKey::Endpoint, "192.168.1.9:51820", "in the local network, 192.168.1.0/24"),
        ] {
            let text = text(&if with_vpn { vpn() } else { String::new() });
            let trial = changes(&[(key, value)]);
            let refused = Site::parse_changed(&text, &Changes::default(), Some(&trial)).unwrap_err();
            assert!(refused.reason().contains(why), "{}: {}", key.as_str(), refused.reason());
        }
    }

    #[test]
    fn a_later_change_of_a_key_counts_and_other_keys_stay() {
        let first = changes(&[(ChangedKey::Apn, "one"), (ChangedKey::User, "me")]);
        let both = first.then(&changes(&[(ChangedKey::Apn, "two")]));
        assert_eq!(Shown(&both).to_string(), "apn two, user me");
    }

    #[test]
    fn nothing_shows_the_password() {
        let secret = changes(&[(ChangedKey::Password, "correct horse"), (ChangedKey::User, "me")]);
        for shown in [format!("{secret:?}"), secret.to_string(), Shown(&secret).to_string()] {
            assert!(!shown.contains("horse"), "{shown}");
        }
        assert_eq!(secret.to_string(), "user, password");
    }
}
